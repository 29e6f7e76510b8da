"""Rows of a table of measured training steps, read as inputs of the step model.

Nothing is fitted here. A row gives the model, the accelerator, the layout, the precision and the
software; where it leaves something unsaid the software's own default stands in, or the row is
skipped with a reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.training.layout import Recompute, Sharding
from gigawatt.compute.training.setting import Setting
from gigawatt.compute.work import matmul_parameters_per_token
from gigawatt.errors import NotModelledError
from gigawatt.validation.skip import Skip
from gigawatt.validation.training_software import stack_in

if TYPE_CHECKING:
    from gigawatt.compute.training.stack import Stack

__all__ = ["COLUMNS", "Row", "Skip", "chip_of", "layout_of", "read_row", "setting_of"]

COLUMNS: Final = (
    "id", "model", "layers", "hidden", "heads", "seq_len", "hardware", "hw_class", "n_accel", "TP",
    "PP", "VPP", "CP", "EP", "FSDP", "micro_batch", "global_batch", "precision", "recompute",
    "step_time_s", "tokens_per_s_per_gpu", "tokens_per_s_total", "software",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One measured training step with everything the step model asks for.

    Parameters
    ----------
    id, model, kind, chip : str
        Names of the row, its model, ``dense`` or ``moe``, and the catalogue's chip.
    arch : Architecture
        The model.
    stack : Stack
        Software.
    precision : str
        Recipe of the matrix products.
    layout : dict of str to int
        Keyword arguments of `Layout`.
    seq_len, global_batch, accelerators : int
        Tokens of a sequence, sequences of a step, accelerators.
    measured_s : float
        Step time.
    trained_share : float
        Share of the parameters that are trained: 1, or nearly 0 with adapters (LoRA).
    power_share : float
        Power limit over the rated power of the accelerator.
    scale_out_gbit_per_s : float
        Port of one accelerator where the row states it, else 0.
    """

    id: str
    model: str
    kind: str
    chip: str
    group: str
    arch: Architecture
    stack: Stack
    precision: str
    layout: dict[str, int]
    seq_len: int
    global_batch: int
    accelerators: int
    measured_s: float
    trained_share: float = 1.0
    power_share: float = 1.0
    scale_out_gbit_per_s: float = 0.0


_PACKED_TOKENS: Final = 256
"""Mean length of a question with its answer in the sets used for tuning (SQuAD: 170 words)."""


def setting_of(row: Row) -> Setting:
    """Return on what a row ran."""
    return Setting(
        chip=catalog.load().get("chip", row.chip),
        precision=row.precision,
        stack=row.stack,
        power_share=row.power_share,
        scale_out_gbit_per_s=row.scale_out_gbit_per_s,
        trained_share=row.trained_share,
    )


def read_row(row: dict[str, str]) -> Row | str:
    """Return the row as inputs of the step model, or the reason why it is skipped."""
    try:
        found = _read(row)
        setting_of(found)
    except (Skip, NotModelledError) as reason:
        return str(reason)
    return found


def _read(row: dict[str, str]) -> Row:
    arch, trained = _architecture(row)
    chip = chip_of(row)
    stack = stack_in(row) or _skip("software not stated or not known")
    n = _int(row, "n_accel") or _skip("number of accelerators not stated")
    seq_len = _int(row, "seq_len") or _skip("sequence length not stated")
    layout, global_batch = layout_of(row, arch, stack, (n, seq_len, chip))
    return Row(
        id=row["id"],
        model=row["model"],
        kind=arch.kind,
        chip=chip,
        group=row.get("hw_class") or chip,
        arch=arch,
        stack=stack,
        precision=_precision(row),
        layout=layout,
        seq_len=seq_len,
        global_batch=global_batch,
        accelerators=n,
        measured_s=_measured(row, arch, (global_batch, seq_len, n)),
        trained_share=trained,
        power_share=_power_share(row),
        scale_out_gbit_per_s=_port(row),
    )


def _skip(reason: str) -> NoReturn:
    raise Skip(reason)


def _int(row: dict[str, str], column: str) -> int:
    text = row.get(column) or ""
    try:
        return int(float(text)) if text else 0
    except ValueError:
        _skip(f"{column} is not a number")


def _float(row: dict[str, str], column: str) -> float:
    text = row.get(column) or ""
    try:
        return float(text) if text else 0.0
    except ValueError:
        _skip(f"{column} is not a number")


def _architecture(row: dict[str, str]) -> tuple[Architecture, float]:
    """Return the model, with the row's own dimensions where it states them."""
    book = catalog.load()
    told = f"{row['model']} {row.get('notes') or ''}".lower()
    adapters = "lora" in told
    tuning = adapters or bool(re.search(r"\bsft\b|finetun", told))
    trained = 0.0 if adapters else 1.0
    name = re.sub(r"\s+(Finetuning LORA|Finetuning SFT|LoRA|SFT)$", "", row["model"])
    name = re.sub(r"\s*\(proxy\)", "", name)
    layers, hidden, heads = (_int(row, c) for c in ("layers", "hidden", "heads"))
    if book.has("model", name):
        arch = Architecture.from_entry(book.get("model", name))
        if layers and layers != arch.layers:
            arch = replace(arch, layers=layers)
        if tuning:
            # Question-answer pairs are packed into a sequence and do not see one another.
            arch = replace(arch, window=_PACKED_TOKENS, window_kind="chunked", global_every=0)
        return arch, trained
    if row.get("arch") != "dense" or not (hidden and heads):
        _skip("architecture not public or not in the catalogue")
    vocab, ffn = (
        _int(row, "vocab") or _skip("vocabulary not stated"),
        _int(row, "ffn") or 4 * hidden,
    )
    if not layers:
        # A GPT block has 12 h^2 parameters and the embedding V h; the rest is below a per cent.
        layers = round((_float(row, "params_total_B") * 1e9 - vocab * hidden) / (12 * hidden**2))
    return (
        Architecture(
            name=name,
            layers=layers,
            hidden=hidden,
            heads=heads,
            kv_heads=_int(row, "kv_heads") or heads,
            head_dim=hidden // heads,
            ffn=ffn,
            gated=False,
            vocab=vocab,
            tied=True,
        ),
        trained,
    )


def chip_of(row: dict[str, str]) -> str:
    """Return the catalogue's name of a row's accelerator."""
    book = catalog.load()
    for name in (row["hardware"], row.get("hw_class") or ""):
        if name and book.has("chip", name):
            return book.get("chip", name).id
    _skip("accelerator not in the catalogue")


def _precision(row: dict[str, str]) -> str:
    text = (row.get("precision") or "").lower()
    for sign, recipe in (
        ("nvfp4", "nvfp4"),
        ("mxfp8", "mxfp8"),
        ("fp8-mx", "mxfp8"),
        ("rowwise", "fp8-rowwise"),
        ("fp8", "fp8"),
        ("int8", "int8"),
        ("fp16", "bf16"),
        ("bf16", "bf16"),
    ):
        if sign in text:
            return recipe
    _skip("precision not stated")


def layout_of(
    row: dict[str, str], arch: Architecture, stack: Stack, size: tuple[int, int, str]
) -> tuple[dict[str, int], int]:
    """Return the keyword arguments of `Layout` and the sequences of a step."""
    n, seq_len, chip = size
    family = stack.family.name
    tp, pp, cp, ep, fsdp = (_int(row, c) for c in ("TP", "PP", "CP", "EP", "FSDP"))
    compiled = family in ("xla", "torchtitan", "fsdp")
    if not (tp or fsdp or n == 1 or (_int(row, "DP") and family != "xla") or compiled):
        _skip("layout not stated")
    if arch.kind == "moe" and compiled and not ep:
        _skip("layout of the experts not stated")
    if chip == "trainium1":
        tp = max(1, tp // 2)  # the table counts cores, of which a chip has two
        if _int(row, "DP") and tp * max(pp, 1) * _int(row, "DP") != n:
            _skip("stated degrees of parallelism do not multiply to the count")
    if ep and not tp and "SP-attention" in (row.get("notes") or ""):
        cp = ep  # attention is cut along the sequence over the ranks that share the experts
    tp, pp, cp = max(tp, 1), max(pp, 1), max(cp, 1)
    ep = max(ep, 1) if arch.kind == "moe" else 1
    if n % (tp * pp * cp):
        _skip("stated degrees of parallelism do not divide the count")
    dp = n // (tp * pp * cp)
    etp = _expert_tp(stack, tp, ep, tp * cp * dp)
    micro, batch = _batches(row, stack, (n, seq_len), (dp, pp))
    sharding, shard = _sharding(row, stack, (pp, dp * cp, fsdp))
    return {
        "tp": tp,
        "pp": pp,
        "vpp": _virtual_stages(row, stack, arch, pp),
        "cp": cp,
        "ep": ep,
        "etp": etp,
        "dp": dp,
        "micro_batch": micro,
        "recompute": int(_recompute(row, stack)),
        "sharding": int(sharding),
        "shard": shard,
        "sequence_parallel": int(_sequence_parallel(row, stack)),
    }, batch


def _expert_tp(stack: Stack, tp: int, ep: int, ranks: int) -> int:
    """Return how experts are cut: as the rest of the layer by default until 2025, then not."""
    if ep == 1:
        return tp
    cut = tp if stack.family.name == "megatron" and stack.year < 2025.5 else 1
    cut = cut if ranks % (ep * cut) == 0 else 1
    if ranks % (ep * cut):
        _skip("expert layout does not divide")
    return cut


def _batches(
    row: dict[str, str], stack: Stack, size: tuple[int, int], split: tuple[int, int]
) -> tuple[int, int]:
    """Return the micro-batch of a data-parallel rank and the global batch."""
    (n, seq_len), (dp, pp) = size, split
    family, notes = stack.family.name, row.get("notes") or ""
    micro, batch = _int(row, "micro_batch"), _int(row, "global_batch")
    if not micro and _int(row, "FSDP") > 1 and pp == 1:
        _skip("micro-batch not stated")
    if family == "xla" and micro:
        micro = max(1, micro * n // dp)  # MaxText and PaxML count sequences of one accelerator
    if found := re.search(r"total_weights\(tokens\)=(\d+)", notes):
        batch = round(int(found[1]) / seq_len)
    batch = batch or micro * dp or _skip("global batch not stated")
    if batch < dp:
        _skip("fewer sequences than data-parallel ranks: layout not stated in full")
    if family == "torchtitan" and pp > 1:
        micro = max(1, micro // pp)  # it states a rank's batch and cuts it into as many parts
    return min(max(micro, 1), batch // dp), batch


def _sharding(
    row: dict[str, str], stack: Stack, size: tuple[int, int, int]
) -> tuple[Sharding, int]:
    """Return what is sharded and over how many ranks."""
    pp, ranks, fsdp = size
    notes = row.get("notes") or ""
    compiled = stack.family.name in ("xla", "torchtitan", "fsdp")
    # Pipelines keep their parameters between micro-batches, as does SHARD_GRAD_OP.
    full = pp == 1 and "SHARD_GRAD_OP" not in notes and (fsdp > 1 or (compiled and fsdp == 0))
    if full:
        return Sharding.FULL, min(fsdp, ranks) if fsdp > 1 else ranks
    if found := re.search(r"zero1=(\d+)", notes):
        return Sharding.OPTIMIZER, min(int(found[1]), ranks)
    if stack.year >= 2022.0 and "no sequence parallel" not in (row.get("recompute") or ""):
        return Sharding.OPTIMIZER, ranks
    return Sharding.NONE, 1


def _virtual_stages(row: dict[str, str], stack: Stack, arch: Architecture, pp: int) -> int:
    if stated := _int(row, "VPP"):
        return stated
    if "nterleaved" in (row.get("notes") or ""):
        return 2  # torchtitan's default
    if pp == 1 or stack.family.name != "megatron" or stack.year < 2023.0:
        return 1
    # Recipes of NeMo interleave whenever they pipeline and the layers divide.
    each = -(-arch.layers // pp)
    return max(v for v in range(1, 13) if each % v == 0)


def _sequence_parallel(row: dict[str, str], stack: Stack) -> bool:
    if "no sequence parallel" in (row.get("recompute") or ""):
        return False
    return stack.year >= 2022.2 and stack.family.name not in ("deepspeed", "internevo")


def _power_share(row: dict[str, str]) -> float:
    """Return the power limit that the hardware column states, over the rated power."""
    if "power limited" in row["hardware"]:
        _skip("power limit not stated")
    book = catalog.load()
    rated = book.get("chip", chip_of(row)).number("tdp_w", 0.0)
    if (found := re.search(r"(\d{3,4}) ?W\b", row["hardware"])) and rated:
        return min(1.0, float(found[1]) / rated)
    return 1.0


def _port(row: dict[str, str]) -> float:
    """Return the Gbit/s of one accelerator that the hardware column states for a host of eight."""
    if found := re.search(r"(\d+)x(\d+)G\b", row["hardware"]):
        return int(found[1]) * int(found[2]) / 8
    if found := re.search(r"\((\d+) Gbps\)", row["hardware"]):
        return int(found[1]) / 8
    return 0.0


def _recompute(row: dict[str, str], stack: Stack) -> Recompute:
    text = (row.get("recompute") or "").lower()
    if text.startswith("full") or "offloaded" in text or "custom" in text:
        return Recompute.FULL
    if stack.family.name in ("xla", "torchtitan", "fsdp"):
        if not text:
            return Recompute.FULL if stack.family.name == "xla" else Recompute.NONE
        return Recompute.NONE if text.startswith("none") else Recompute.OPERATORS
    return Recompute.SELECTIVE if "selective" in text else Recompute.NONE


def _measured(row: dict[str, str], arch: Architecture, size: tuple[int, int, int]) -> float:
    """Return the step time: as stated, from tokens per second, or from FLOP by their convention."""
    global_batch, seq_len, n = size
    tokens = global_batch * seq_len
    if step := _float(row, "step_time_s"):
        return step
    if rate := _float(row, "tokens_per_s_per_gpu"):
        return tokens / (rate * n)
    if rate := _float(row, "tokens_per_s_total"):
        return tokens / rate
    rate = _float(row, "tflops_per_gpu")
    if not rate:
        _skip("no step time, tokens per second or FLOP/s")
    convention = row.get("tflops_convention") or ""
    if row["software"].startswith("NeMo") and not convention:
        convention = "NeMo"  # counts attention over the full square, as Megatron-LM did
    if not any(sign in convention for sign in ("model TFLOP", "MaxText pre", "PaLM", "NeMo")):
        _skip("FLOP convention not known well enough for a step time")
    # Attention is counted over the full square, twice what a causal model computes.
    linear = 6.0 * matmul_parameters_per_token(arch)
    square = 6.0 * arch.heads * (arch.score_dim + arch.value_dim) * arch.layers * seq_len
    return tokens * (linear + square) / (rate * 1e12 * n)
