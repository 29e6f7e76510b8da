"""Machines with plausible rates for tests and benchmarks: not calibrated, not for predictions.

Sustained shares of the peak are round numbers near what dense training runs reach; networks are
those of the catalogue. Load with ``runpy.run_path``: tests are no package.
"""

from __future__ import annotations

from gigawatt import catalog
from gigawatt.compute.kernels import Rates
from gigawatt.compute.network import fabric_of
from gigawatt.compute.training.step import Machine, Overheads

# Dense BF16 peak [FLOP/s], memory [bytes/s], compute units: NVIDIA's data sheets.
CHIPS = {
    "a100-80gb": (312e12, 2.0e12, 108.0),
    "h100-sxm": (989e12, 3.35e12, 132.0),
    "gb200": (2500e12, 8.0e12, 148.0),
}


def machine(chip: str = "h100-sxm", *, speed: float = 1.0, **fabric: float) -> Machine:
    """Return a machine of `chip`, its kernels `speed` times as fast; `fabric` overrides fields."""
    peak, memory, units = CHIPS[chip]
    rates = Rates(
        gemm_flops=0.8 * peak * speed,
        plain_gemm_flops=0.75 * peak * speed,
        attention_forward_flops=0.6 * peak * speed,
        attention_backward_flops=0.5 * peak * speed,
        memory_bytes_per_s=0.85 * memory * speed,
        units=units,
        inner_half=200.0,
        tail_waves=0.5,
        scan_flops=0.2 * peak * speed,
        sequence_half=300.0,
        gap_s=3e-6 / speed,
        input_bytes=2.0,
        cast_bytes=0.0,
        passes=1.2,
        expert_passes=1.5,
        expert_gemm_slowdown=1.1,
    )
    overheads = Overheads(
        flash=1.0,
        host_layer_s=1.2e-3,
        host_moe_s=0.6e-3,
        host_expert_s=20e-6,
        tensor_exposed=0.6,
        expert_exposed=0.7,
        context_exposed=0.4,
        gradient_exposed=0.15,
        gradient_bytes=4.0,
        dispatch_bytes=2.0,
        node_dispatch=0.0,
        step_s=0.05,
        jitter=0.003,
    )
    return Machine(rates, fabric_of(catalog.load().get("chip", chip), **fabric), overheads)
