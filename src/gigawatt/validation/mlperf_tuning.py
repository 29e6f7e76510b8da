r"""What submissions to MLPerf Inference sustain, beside the public points of the serving model.

The serving model is fitted to public points, most of them bound by memory and latency. Submissions
are tuned by the makers of the accelerators and run for ten minutes at full load, where power and
arithmetic bind. Few parameters stand for that; ``calibration/fit_mlperf_inference.py`` learns them.

- **Power.** A catalogue states peaks at a clock that full load cannot hold. With :math:`w` watts of
  rated power to each FLOP/s of peak, and :math:`w_0` those of the submissions of a generation,

  .. math:: c = (w / w_0)^a

  is the clock over theirs. Where voltage follows the clock, :math:`a = 1/3`; where it stays, as at
  the lowest voltage, :math:`a = 1`. MI325X has the peak of MI300X and a third more power.
- **Experts.** Grouped products fill the multiplier the better, the wider an expert is. With
  :math:`\eta` the share that public points show, of experts about :math:`f_0` wide, one of width
  :math:`f` reaches

  .. math:: \eta(f) = \frac{g}{1 + (1/\eta - 1)\,f_0 / f}

- **Products, years.** What a generation sustains over the public points, and what a year of
  software adds to, or takes from, the gain that the serving model expects of an engine.
- **Launches.** Engines launch the layers of a step that reads prompts one by one, as its shapes
  vary; submissions record graphs of more shapes, as those of their requests are known.
- **Arrivals.** The share of its throughput that a server takes, as gaps between random arrivals
  leave it idle.
- **Beams.** A beam search goes on until all its answers end: more steps than the kept one has.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.learnt import Role, learnt_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.validation.mlperf_submissions import InferenceRow

    Floats = NDArray[np.float64]

__all__ = ["ROLES", "inference_band", "load", "power_key", "tuned_values", "watts_per_flops"]


def _all(_: InferenceRow) -> str:
    return ""


def _generation(row: InferenceRow) -> str:
    return row.serving.setting.generation


ROLES: Final = {
    role.name: role
    for role in (
        Role("products", "rate of products over that of public points [1]", 1.0, 0.2, _generation),
        Role("experts", "rate of grouped products over that expected [1]", 1.0, 0.2, _generation),
        Role("expert_width", "width of the experts of public points [1]", 2048.0, 0.3, _all),
        Role("power", "exponent of the clock in rated power over peak [1]", 0.8, 0.2, _all),
        Role(
            "yearly", "rate of products over the year before, past the model's [1]", 1.1, 0.1, _all
        ),
        Role(
            "launches", "time of launches without a graph over that of engines [1]", 0.7, 0.4, _all
        ),
        Role("arrivals", "share of its throughput that a server takes [1]", 0.97, 0.02, _all, 1.0),
        Role("beams", "steps of a beam search over tokens of the answer [1]", 1.4, 0.2, _all),
    )
}
"""Every kind of parameter, by name."""


def power_key(setting: ServingSetting) -> str:
    """Return under which name the watts to each FLOP/s of a setting stand."""
    return f"{setting.generation}|{setting.arithmetic}"


def watts_per_flops(setting: ServingSetting) -> float:
    """Return the power limit over the peak in the format of the products [W s/FLOP]."""
    return setting.chip.number("tdp_w") * setting.power_share / setting.peak_flops


@cache
def load() -> dict[str, Any]:
    """Return the content of ``mlperf.json``."""
    text = files("gigawatt.compute.hosting").joinpath("mlperf.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def tuned_values(rows: Sequence[InferenceRow], known: Mapping[str, float]) -> dict[str, Floats]:
    """Return the value of each role for each row."""
    return {
        role.name: np.array([learnt_value(known, role, role.key(row) or "")[0] for row in rows])
        for role in ROLES.values()
    }


def inference_band(row: InferenceRow) -> tuple[float, float]:
    """Return P10 and P90 of measured over predicted tokens a second.

    They are those of systems left out of the fit, or of whole accelerators and benchmarks where
    this one has no submission that was fitted.
    """
    content = load()
    chip, benchmark = row.serving.setting.chip.id, row.benchmark
    near = chip in content["chips"] and benchmark in content["benchmarks"]
    table = content["bands"]["near" if near else "far"]
    keys = (f"{row.serving.kind}|{row.scenario}", row.scenario, "all")
    _, low, high = next(table[key] for key in keys if key in table)
    return low, high
