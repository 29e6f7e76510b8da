"""What the step model learns from measurements: few parameters, each with a physical meaning.

See `gigawatt.compute.learnt` for what a role is. None depends on a model or on a source of
measurements. `gigawatt.compute.training.calibration` turns values into a `Machine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.compute.learnt import Role
from gigawatt.compute.training.setting import narrow_format

if TYPE_CHECKING:
    from gigawatt.compute.training.setting import Setting

__all__ = ["ROLES"]


def _all(_: Setting) -> str:
    return ""


def _engine(setting: Setting) -> str:
    return setting.stack.family.engine


def _launched(setting: Setting) -> str | None:
    # A compiler hands the chip whole graphs, so that no kernel waits for the host.
    engine = setting.stack.family.engine
    if engine not in ("eager", "fused"):
        return None
    return f"{engine}|captured" if setting.captured else engine


def _format(setting: Setting) -> str:
    return f"{setting.generation}|{setting.precision}"


def _attention(setting: Setting) -> str:
    # AMD's own kernels are faster than those that PyTorch builds for its chips.
    if setting.generation.startswith("cdna") and setting.stack.vendor_attention:
        return f"{setting.generation}|vendor"
    # Kernels written for Ampere leave Hopper's and Blackwell's asynchronous units idle.
    if setting.generation not in ("hopper", "blackwell", "rubin"):
        return setting.generation
    maker = "vendor" if setting.stack.vendor_attention else "flash-attention-2"
    return f"{setting.generation}|{maker}"


def _chip(setting: Setting) -> str | None:
    return setting.chip.id if "generation" in setting.chip else None


def _gemm_prior(key: str) -> float:
    if key.startswith("cdna"):
        return 0.5
    return 0.75 if key.endswith("|bf16") else 0.65


ROLES: Final = {
    role.name: role
    for role in (
        Role("gemm", "share of the format's peak that large products reach [1]",
             _gemm_prior, 0.2, _format, 0.97),
        Role("chip", "speed of one chip of a generation over the generation's [1]",
             1.0, 0.12, _chip),
        Role("attention", "share of the BF16 peak that the attention core reaches forward [1]",
             lambda k: 0.4 if "flash" in k else 0.55, 0.25, _attention, 0.9),
        Role("attention_backward", "rate of its backward over its forward pass [1]",
             0.8, 0.2, _all, 1.0),
        Role("scan", "share of the BF16 peak that a state-space scan reaches [1]",
             0.15, 0.4, _all, 0.9),
        Role("passes", "traffic between products over that of perfectly fused kernels [1]",
             lambda k: {"eager": 1.8, "fused": 1.3}.get(k, 1.0), 0.2, _engine),
        Role("cast", "traffic to bring one operand into a narrow format [byte]",
             lambda k: {"fp8": 4.0, "int8": 4.0, "nvfp4": 8.0}.get(k, 6.0), 0.3, narrow_format),
        Role("host_layer", "time in which the host launches one layer, both ways [s]",
             lambda k: 5e-4 if "captured" in k else 2e-3, 0.25, _launched),
        Role("host_moe", "what a layer of experts adds to it [s]",
             lambda k: 5e-4 if "captured" in k else 1.5e-3, 0.5, _launched),
        Role("host_expert", "what each expert on the accelerator adds to it [s]",
             2e-4, 0.5, _launched),
        Role("expert_gemm", "time that small products of experts lose over one large one [1]",
             0.25, 0.4, _all),
        Role("expert_passes", "traffic of routing over that of perfectly fused kernels [1]",
             2.0, 0.4, _all),
        Role("tensor_exposed", "share of tensor-parallel communication that nothing hides [1]",
             0.7, 0.3, _engine, 1.0),
        Role("expert_exposed", "share of expert-parallel communication that nothing hides [1]",
             0.7, 0.3, _all, 1.0),
        Role("context_exposed", "share of context-parallel communication that nothing hides [1]",
             0.2, 0.4, _all, 1.0),
        Role("gradient_exposed", "share of gradient traffic that nothing hides [1]",
             0.2, 0.5, lambda s: s.stack.family.name, 1.0),
        Role("step", "fixed time of a step [s]", 0.02, 0.7, _all),
        Role("jitter", "growth of a step with each doubling of the accelerators [1]",
             0.003, 0.7, _all),
        Role("inner_half", "inner dimension at which a product reaches half its rate [1]",
             150.0, 0.4, _all),
        Role("tail_waves", "waves of tiles lost at the end of a product [1]", 0.3, 0.4, _all),
        Role("sequence_half", "keys at which attention reaches half its rate [1]",
             250.0, 0.5, _all),
        Role("gap", "idle time between two kernels [s]", 2.5e-6, 0.3, _all),
        Role("young", "slowness of software on the day a generation is launched [1]",
             0.1, 0.5, _all),
        Role("young_experts", "the same for experts, beyond that [1]", 0.3, 0.5, _all),
        Role("maturing", "time in which that fades to a third [year]", 1.5, 0.3, _all),
        Role("expert_rate", "yearly gain of software for experts, as a logarithm [1]",
             0.3, 0.5, _all),
    )
}  # fmt: skip
"""Every kind of parameter, by name."""
