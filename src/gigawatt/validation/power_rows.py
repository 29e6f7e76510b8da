"""Rows of a table of measured power, read as cases of the power model.

Work (tokens, pictures or clips a second) is an input; power, and figures that hold it such as
energy per token, are not read. What a row leaves open is filled in by one rule for all rows:
weights are in the format that the model's name tells, else in BF16; the language part of a model
that sees pictures is the text model of the same name; answers are as long as the task's mean,
prompts as long as the fit finds for the task.

References
----------
.. [1] J.-W. Chung et al., "The ML.ENERGY benchmark", arXiv:2505.06371.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import Dims, dims_of
from gigawatt.compute.hosting.setting import CACHES, WEIGHTS
from gigawatt.compute.work import matmul_parameters_per_token
from gigawatt.site.power.calibration import cooling_of, ratings
from gigawatt.validation.power_cases import Case
from gigawatt.validation.skip import Skip

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = [
    "COLUMNS",
    "Place",
    "accelerator_case",
    "case_of",
    "number",
    "peak_flops",
    "refuse",
    "server_of",
]

COLUMNS: Final = (
    "source_group", "scope", "hardware", "num_gpus", "workload", "stat", "power_w",
    "paired_metric", "paired_value", "notes",
)  # fmt: skip

_ANSWERS: Final = {
    "gpqa": 7066.0,
    "lm-arena-chat": 650.0,
    "image-chat": 930.0,
    "sourcegraph-fim": 251.0,
    "video-chat": 380.0,
}
"""Tokens of an answer: medians over models of the means that [1] publishes (data of its third
leaderboard)."""

_FORMATS: Final = (
    ("fp4", "fp4"), ("gpt-oss", "mxfp4"), ("fp8", "fp8"), ("deepseek-r1", "fp8"),
    ("deepseek-v3", "fp8"),
)  # fmt: skip
"""What in a model's name and workload tells the format of its weights."""

_BY_ROW: Final = ("llama", "nemotron", "gemma")
"""Families whose FP8 has one scale for each row or matrix; that of DeepSeek and Qwen has one for
each block of 128 x 128 (``weight_block_size`` of their configurations), as 4-bit formats have."""

_SIGHT: Final = re.compile(r"-(VL|Omni)(?=-)")
_SUFFIX: Final = re.compile(r"(-(BF16|FP8|Instruct|2507))+$")
_WAYS: Final = re.compile(r"\b[A-Za-z]*?tp(\d+)")
_LENGTHS: Final = re.compile(r"(\d+)/(\d+)")


class Place(NamedTuple):
    """A server: its chip, how many of them, its cooling, and where logs of its power are read.

    The last is ``ac`` or ``dc``, before or behind the power supplies, or empty where nobody says.
    """

    chip: Entry
    accelerators: float
    cooling: str
    reads: str


def refuse(row: dict[str, str]) -> None:
    """Refuse a row that is no measurement, or of which too little is stated.

    Raises
    ------
    Skip
        With the reason.
    """
    if "assumption" in row["notes"].lower() or "constant" in row["stat"].lower():
        _skip("a constant of another model, not a measurement")
    if "normalised" in row["scope"].lower():
        _skip("power without a unit")
    if "cluster-wide" in row["notes"].lower():
        _skip("a cluster in which the share of idle accelerators is not stated")
    if not number(row, "power_w"):
        _skip("no power")


def accelerator_case(row: dict[str, str], index: int) -> Case:
    """Return a row whose scope is the accelerators alone.

    Raises
    ------
    Skip
        If it cannot be predicted.
    """
    chip = _chip(row["hardware"])
    metric = row["paired_metric"].lower()
    if metric in ("images/s", "videos/s"):
        return _drawing(row, index, chip)
    return _answering(row, index, chip)


def _drawing(row: dict[str, str], index: int, chip: Entry) -> Case:
    name = row["workload"].split()[0]
    book = catalog.load()
    if not book.has("diffusion", name):
        _skip("diffusion model not in the catalogue")
    entry = book.get("diffusion", name)
    found = re.search(r"batch=([\d.]+)", row["workload"])
    rate = number(row, "paired_value")
    if not (found and rate):
        _skip("batch or rate not stated")
    fields = ("layers", "hidden", "block_matrices", "tokens", "text_tokens", "attention", "passes")
    shape = {field: entry.number(field) for field in fields}
    count = number(row, "num_gpus") or 1.0
    return case_of(
        row,
        index,
        chip,
        subject=entry.id,
        kind="diffusion",
        accelerators=count,
        peak_flops=peak_flops(chip, "bf16"),
        denoiser={**shape, "parameters": entry.number("parameters_b") * 1e9},
        batch=float(found[1]),
        items_per_s=rate,
    )


def _answering(row: dict[str, str], index: int, chip: Entry) -> Case:
    name, _, rest = row["workload"].partition(" ")
    subject, dims, active = _model(name)
    formats = f"{name} {rest}".lower()
    weights = next((fmt for sign, fmt in _FORMATS if sign in formats), "bf16")
    count = number(row, "num_gpus") or 1.0
    found = re.search(r"(?:batch|conc)=([\d.]+)", rest)
    if "output tok/s/GPU = " in row["notes"]:
        _skip("tokens a second worked out from the power itself")
    rate = number(row, "paired_value") if "tok/s" in row["paired_metric"].lower() else 0.0
    if not (found and rate):
        _skip("requests in progress or tokens a second not stated")
    if "spec=mtp" in rest:
        _skip("speculative decoding of unknown gain")
    task = rest.split(" ")[0] if rest.split(" ")[0] in _ANSWERS else ""
    lengths = _LENGTHS.search(rest)
    if not (task or lengths):
        _skip("length of requests not stated")
    parts, used = _instances(rest, count)
    by_row = weights == "bf16" or any(family in name.lower() for family in _BY_ROW)
    # A chip that multiplies 4-bit numbers scales their blocks on the way.
    by_block = not (by_row or (weights in ("fp4", "mxfp4") and "fp4_tflops" in chip))
    return case_of(
        row,
        index,
        chip,
        subject=subject,
        kind="serving",
        accelerators=count,
        used_share=used / count,
        task="" if lengths else task,
        peak_flops=peak_flops(chip, weights),
        dims=dims,
        serving={
            "accelerators": used / parts,
            "sequences": max(float(found[1]) / parts, 1.0),
            "tokens_per_s": rate / parts,
            "prompt_tokens": float(lengths[1]) if lengths else float("nan"),
            "answer_tokens": float(lengths[2]) if lengths else _ANSWERS[task],
            "active_parameters": active,
            "weight_bytes": WEIGHTS[weights][0],
            "cache_bytes": CACHES["fp8" if lengths else "bf16"],
            "block_scaled": float(by_block),
        },
    )


def _instances(text: str, count: float) -> tuple[float, float]:
    """Return how many instances answer, and how many accelerators work for all of them.

    Where prompts are read apart, ``P2xtp8/D3xtp8`` names two groups that read and three that
    answer; an equal part of those that read is counted to each that answers.
    """
    apart = re.search(r"/D(\d+)x", text)
    if apart:
        return float(apart[1]), count
    ways = _WAYS.search(text)
    return 1.0, min(float(ways[1]), count) if ways else count


def case_of(row: dict[str, str], index: int, chip: Entry, **fields: Any) -> Case:  # noqa: ANN401
    """Return a case on `chip` alone; fields that the row does not decide are given by name."""
    rated, alone = ratings(chip)
    count = fields["accelerators"]
    stated = {
        "id": f"{index}: {row['workload']}",
        "group": "GPU",
        "scope": "gpu",
        "statistic": "steady",
        "measured_w": number(row, "power_w") / count,
        "generation": chip.text("generation", chip.id),
        "cooling": "",
        "chip_w": alone,
        "rated_w": rated,
        "memory_bytes_per_s": chip.number("hbm_gb_per_s") * 1e9,
    }
    return Case(**{**stated, **fields})


def server_of(text: str) -> Place:
    """Return the server that `text` names, or the usual one of the chip that it names.

    Raises
    ------
    Skip
        If it names neither a server nor a chip of the catalogue.
    """
    book = catalog.load()
    folded = _plain(text)
    for server in book.entries("server"):
        if any(_plain(name) in folded for name in server.aliases):
            chip = book.get("chip", server.text("chip"))
            count = server.number("accelerators")
            return Place(chip, count, cooling_of(server), server.text("reads", ""))
    chip = _chip(text)
    stated = chip.text("system", "")
    system = book.get("system", stated) if stated else None
    count = system.number("chips_per_host", 8.0) if system is not None else 8.0
    return Place(chip, count, cooling_of(system), "")


def peak_flops(chip: Entry, weights: str) -> float:
    """Return the dense peak at which weights in a format are multiplied [FLOP/s].

    Raises
    ------
    Skip
        If none is published.
    """
    for field in WEIGHTS[weights][1]:
        if field in chip:
            return chip.number(field) * 1e12
    return _skip("no peak of the format is published for the accelerator")


def number(row: dict[str, str], column: str) -> float:
    """Return a number of a row, 0 where there is none."""
    try:
        return float(row.get(column) or 0.0)
    except ValueError:
        return 0.0


def _model(name: str) -> tuple[str, Dims, float]:
    """Return a model's name, its dimensions and the weights that multiply a token."""
    book = catalog.load()
    blind = _SIGHT.sub("", name)
    for one in (name, blind, _SUFFIX.sub("", blind), _SUFFIX.sub("", _SUFFIX.sub("", blind))):
        if book.has("model", one):
            arch = Architecture.from_entry(book.get("model", one))
            return arch.name, dims_of(arch), float(matmul_parameters_per_token(arch))
    if book.has("sparse_model", name):
        return _sparse(book.get("sparse_model", name))
    return _skip("architecture not public or not in the catalogue")


def _sparse(entry: Entry) -> tuple[str, Dims, float]:
    """Return the same of a model that compresses its cache, as a window over all layers."""
    zero = {field.name: 0.0 for field in fields(Dims)}
    layers = entry.number("layers")
    stated = {
        "layers": layers,
        "moe_layers": layers,
        "windowed_layers": layers,
        "hidden": entry.number("hidden"),
        "ffn_matrices": 3.0,
        "experts": entry.number("experts"),
        "active_experts": entry.number("active_experts"),
        "expert_ffn": entry.number("expert_ffn"),
        "mla": 1.0,
        "kv_lora": entry.number("cached_numbers"),
        "window": entry.number("attended_tokens"),
    }
    active = entry.number("active_parameters_b") * 1e9
    return entry.id, Dims(**{**zero, **stated}), active


def _chip(text: str) -> Entry:
    book = catalog.load()
    words = text.split()
    for name in (text, text.partition(" (")[0], " ".join(words[:2]), "".join(words[:1])):
        if book.has("chip", name):
            return book.get("chip", name)
    return _skip("accelerator not in the catalogue")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def _skip(reason: str) -> NoReturn:
    raise Skip(reason)
