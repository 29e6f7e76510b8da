"""From learnt parameters to the accelerator, network and software of a serving step.

The parameters were fitted to published measurements by ``calibration/fit_serving.py``; their
values, what they rest on and the bands of the residuals stand in ``calibration.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.hosting.parameters import ROLES
from gigawatt.compute.hosting.step import Engine, step_parts
from gigawatt.compute.learnt import learnt_value, parameter_name
from gigawatt.compute.network import Fabric, fabric_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.step import StepParts

    Numbers = float | NDArray[Any]

__all__ = ["Hardware", "Server", "hardware_of", "load", "server", "server_from"]

_PLAIN_SHARE: Final = 0.6
"""Share of the BF16 peak that head and router reach."""

_STREAM_SHARE: Final = 0.7
"""Share of the memory's peak that element-wise kernels of an engine reach."""

_REFERENCE_YEAR: Final = 2026.25
"""Year for which the overheads of engines are stated."""

_CLOCK_EXPONENT: Final = 1.0 / 3.0
"""Dynamic power grows with the cube of the clock where the voltage follows it."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is published about one or many settings; numbers, or arrays over the settings."""

    peak_flops: Numbers
    bf16_flops: Numbers
    memory_bytes_per_s: Numbers
    capacity_gb: Numbers
    weight_bytes: Numbers
    cache_bytes: Numbers
    clock: Numbers
    year: Numbers
    eager: Numbers
    fabric: Fabric


@dataclass(frozen=True, slots=True)
class Server:
    """Accelerator, network and software of a serving instance.

    Parameters
    ----------
    engine : Engine
        Rates and overheads of a step.
    fabric : Fabric
        Network.
    waves : float
        Share of requests that arrive together with all others, as in benchmarks.
    echo : float
        Waves that follow one which a benchmark begins, as answers of like length end together.
    first_token_s : float
        Ingress, tokenizer and dispatch.
    acceptance : float
        Chance that a drafted token is kept, if all before it are.
    hand_over_s : float
        What passing a request from an instance that reads to one that answers takes beside the
        wires.
    parts : callable
        What gives the time of a step: `step_parts`, or one that takes its place.
    """

    engine: Engine
    fabric: Fabric
    waves: Numbers
    echo: Numbers
    first_token_s: Numbers
    hand_over_s: Numbers
    acceptance: Numbers
    parts: Callable[..., StepParts] = step_parts

    def together(self, begun: Numbers) -> Numbers:
        """Return the share of requests in a wave, where so many are begun all at once."""
        share: Numbers = np.minimum(begun * (1.0 + self.echo), 1.0)
        return share

    def gained(self, drafted: Numbers) -> Numbers:
        r"""Return the tokens that a sequence gains in a step that verifies so many drafts.

        One of its own and each draft that is kept: :math:`\sum_{k=0}^{d} a^k`.
        """
        kept = np.minimum(self.acceptance, 1.0 - 1e-9)
        found: Numbers = (1.0 - kept ** (drafted + 1.0)) / (1.0 - kept)
        return found


def hardware_of(settings: Sequence[ServingSetting]) -> Hardware:
    """Return what is published about `settings`, as arrays over them."""
    fabrics = [fabric_of(s.chip) for s in settings]
    joined = {
        f.name: np.array([float(getattr(fabric, f.name)) for fabric in fabrics])
        for f in fields(Fabric)
        if f.init
    }

    def column(values: list[float]) -> NDArray[Any]:
        return np.array(values, dtype=float)

    return Hardware(
        peak_flops=column([s.peak_flops for s in settings]),
        bf16_flops=column([s.chip.number("bf16_tflops") * 1e12 for s in settings]),
        memory_bytes_per_s=column([s.chip.number("hbm_gb_per_s") * 1e9 for s in settings]),
        capacity_gb=column([s.chip.number("hbm_gb") * 2**30 / 1e9 for s in settings]),
        weight_bytes=column([s.weight_bytes for s in settings]),
        cache_bytes=column([s.cache_bytes for s in settings]),
        clock=column([s.power_share**_CLOCK_EXPONENT for s in settings]),
        year=column([s.year for s in settings]),
        eager=column([not s.compiled for s in settings]),
        fabric=Fabric(**joined),
    )


def server_from(hardware: Hardware, value: Mapping[str, Numbers]) -> Server:
    """Return the server that published facts and parameter values make.

    Parameters
    ----------
    hardware : Hardware
        Facts.
    value : mapping of str to float or ndarray
        Value of each role of `ROLES`.
    """
    older = value["yearly_gain"] ** np.clip(_REFERENCE_YEAR - hardware.year, -1.0, 2.5)
    peak, plain = hardware.peak_flops * hardware.clock, hardware.bf16_flops * hardware.clock
    memory = hardware.memory_bytes_per_s
    products = peak * value["gemm"] / np.sqrt(np.maximum(older, 1.0))
    engine = Engine(
        gemm_flops=products,
        expert_flops=products * value["expert_gemm"],
        plain_gemm_flops=plain * _PLAIN_SHARE,
        prefill_flops=plain * value["prefill_attention"],
        decode_flops=plain * value["decode_attention"],
        weight_bytes_per_s=memory * value["weight_stream"],
        cache_bytes_per_s=memory * value["cache_stream"],
        stream_bytes_per_s=memory * _STREAM_SHARE,
        weight_bytes=hardware.weight_bytes,
        expert_bytes=hardware.weight_bytes,
        cache_bytes=hardware.cache_bytes,
        # Tokens go to experts in the width of the weights, with four bytes of scale to 128 numbers,
        # and come back in two bytes.
        dispatch_bytes=np.minimum(hardware.weight_bytes + 4.0 / 128.0, 2.0),
        layer_s=value["layer"] * older,
        expert_layer_s=value["expert_layer"] * older,
        latent_layer_s=value["latent_layer"] * older,
        eager_layer_s=value["eager_layer"] * hardware.eager,
        eager_latent_s=value["eager_latent"] * hardware.eager,
        step_s=value["step"] * older,
        sequence_s=value["sequence"] * older,
        network_share=1.0,
        network_s=value["collective"],
        expert_tile=value["expert_tile"],
        expert_width=value["expert_width"],
        imbalance=1.0 + value["imbalance"],
    )
    # What comes before a first token got faster with engines in Python, not with compiled plans.
    before = np.where(np.greater(hardware.eager, 0.0), older, 1.0)
    return Server(
        engine=engine,
        fabric=hardware.fabric,
        waves=value["waves"],
        echo=value["echo"],
        first_token_s=value["first_token"] * before,
        hand_over_s=value["hand_over"],
        acceptance=value["acceptance"],
    )


@cache
def load() -> dict[str, Any]:
    """Return the content of ``calibration.json``."""
    text = files("gigawatt.compute.hosting").joinpath("calibration.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def server(
    setting: ServingSetting, values: Mapping[str, float] | None = None
) -> tuple[Server, Hardware, tuple[str, ...]]:
    """Return the server of one setting with plain floats, its facts, and what is extrapolated.

    `values` are the parameters by name; by default those of ``calibration.json``.
    """
    known: Mapping[str, float] = load()["values"] if values is None else values
    found, missing = {}, []
    for role in ROLES.values():
        key = role.key(setting) or ""
        found[role.name], measured = learnt_value(known, role, key)
        if not measured and role.name in ("gemm", "weight_stream"):
            missing.append(parameter_name(role.name, key))
    many = hardware_of([setting])
    flat = {f.name: float(getattr(many, f.name)[0]) for f in fields(Hardware) if f.name != "fabric"}
    one = Hardware(fabric=fabric_of(setting.chip), **flat)
    return server_from(one, found), one, tuple(missing)
