"""Power of measured cases: accelerators, servers and walls, all in one pass over arrays.

A case says what was measured, on what, and doing what. Readers of tables make cases
(`power_rows`, `power_mlperf`); the fit and the validation predict them with the same function.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.dims import Dims
from gigawatt.site.power.calibration import chip_from, host_from
from gigawatt.site.power.chip import Work, accelerator_power_w
from gigawatt.site.power.host import node_power_w
from gigawatt.site.power.parameters import PowerSetting
from gigawatt.site.power.work import (
    TYPICAL_MFU,
    Denoiser,
    Peaks,
    Serving,
    diffusion_work,
    serving_work,
    training_work,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Case", "Laid", "lay_out_cases", "powers_w", "setting_of"]

_FULL_SHARE: Final = 0.3
"""Arithmetic over peak at full load where no rate is stated; the limit binds from half of it on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measured power.

    Parameters
    ----------
    id, subject, group : str
        Name of the row, what ran (model or benchmark), and what it is scored with.
    scope : str
        ``gpu``, ``dc`` or ``ac``: the accelerator, or the server behind or before its supplies.
    statistic : str
        ``steady``, ``whole`` (of a log with its start), ``run`` (mean of a run with its pauses),
        ``p95``, ``most`` or ``idle``.
    kind : str
        ``serving``, ``diffusion``, ``training`` or ``full`` load.
    measured_w : float
        For one accelerator.
    accelerators : float
        That the power is summed over.
    generation, cooling : str
        Of chip and server.
    chip_w, rated_w : float
        Rating of the accelerator alone, and of the server for each.
    cap_share : float
        Power limit over the rating.
    used_share : float
        Share of the accelerators in the sum that work; the others are idle.
    peak_flops, memory_bytes_per_s : float
        Peaks in the format that is multiplied.
    task : str
        Kind of requests whose prompts are not stated.
    dims : Dims, optional
        The model that is served.
    serving : dict
        Fields of `Serving`, the same in all cases; ``prompt_tokens`` is NaN where `task` stands
        for it.
    denoiser : dict
        Fields of `Denoiser`.
    batch, items_per_s : float
        Of a diffusion model.
    doublings : float
        Doublings of the number of servers that a fixed job was spread over.
    log_s : float
        Length of the log; NaN where not stated.
    """

    id: str
    subject: str
    group: str
    scope: str
    statistic: str
    kind: str
    measured_w: float
    accelerators: float
    generation: str
    cooling: str
    chip_w: float
    rated_w: float
    cap_share: float = 1.0
    used_share: float = 1.0
    peak_flops: float = 1.0
    memory_bytes_per_s: float = 1.0
    task: str = ""
    dims: Dims | None = None
    serving: dict[str, float] | None = None
    denoiser: dict[str, float] | None = None
    batch: float = 1.0
    items_per_s: float = 0.0
    doublings: float = 0.0
    log_s: float = float("nan")

    @property
    def band(self) -> str:
        """Which band holds: by kind of work for accelerators, by statistic for servers."""
        what = self.kind if self.scope == "gpu" else self.statistic
        return f"{self.group.lower()}|{what}"


def setting_of(case: Case) -> PowerSetting:
    """Return for what the parameters of a case hold."""
    return PowerSetting(case.generation, case.cooling, case.task)


@dataclass(frozen=True, slots=True)
class Laid:
    """Cases laid out as arrays, once for any number of predictions.

    Parameters
    ----------
    chip_w, rated_w, cap_share, used_share, doublings, log_s : ndarray (cases,)
        Fields of the cases.
    alone, dc, served : ndarray (cases,)
        Whether the scope is the accelerator, is behind the supplies, and the work is no training.
    statistic : ndarray (cases,)
        Name of each case's statistic.
    places : dict of str to ndarray
        Which cases are of each kind.
    parts : dict of str to callable
        Work of the cases of a kind from the values of roles.
    """

    chip_w: Floats
    rated_w: Floats
    cap_share: Floats
    used_share: Floats
    doublings: Floats
    log_s: Floats
    alone: NDArray[np.bool_]
    dc: NDArray[np.bool_]
    served: NDArray[np.bool_]
    statistic: NDArray[np.str_]
    places: dict[str, NDArray[np.intp]]
    parts: dict[str, Callable[[Mapping[str, Floats]], Work]]


def lay_out_cases(cases: Sequence[Case]) -> Laid:
    """Return cases as arrays."""
    kinds = np.array([case.kind for case in cases])
    places = {str(kind): np.flatnonzero(kinds == kind) for kind in np.unique(kinds)}
    makers = {"serving": _serving, "diffusion": _diffusion, "training": _training, "full": _full}
    return Laid(
        chip_w=_column(cases, "chip_w"),
        rated_w=_column(cases, "rated_w"),
        cap_share=_column(cases, "cap_share"),
        used_share=_column(cases, "used_share"),
        doublings=_column(cases, "doublings"),
        log_s=_column(cases, "log_s"),
        alone=np.array([case.scope == "gpu" for case in cases]),
        dc=np.array([case.scope == "dc" for case in cases]),
        served=kinds != "training",
        statistic=np.array([case.statistic for case in cases]),
        places=places,
        parts={kind: makers[kind]([cases[int(i)] for i in at]) for kind, at in places.items()},
    )


def powers_w(laid: Laid, value: Mapping[str, Floats]) -> Floats:
    """Return the power of each case for one accelerator [W].

    Parameters
    ----------
    laid : Laid
        What was measured.
    value : mapping of str to ndarray
        Value of each role for each case.
    """
    chip = chip_from(laid.chip_w, value)
    work = _works(laid, value)
    busy = accelerator_power_w(chip, work, laid.cap_share)
    waiting = accelerator_power_w(chip, Work(together=work.together), laid.cap_share)
    lost = 1.0 - (1.0 - np.clip(value["scaling"], 0.0, 0.9)) ** laid.doublings
    idle = chip.rated_w * chip.idle
    mean = (1.0 - lost) * busy + lost * waiting
    steady = laid.used_share * mean + (1.0 - laid.used_share) * idle
    host = host_from(laid.rated_w, laid.chip_w, value)

    def seen(accelerator_w: Any, load: float) -> Floats:  # noqa: ANN401  floats or arrays
        node = node_power_w(host, accelerator_w, load)
        return np.where(laid.alone, accelerator_w, np.where(laid.dc, node.dc_w, node.ac_w))

    return _statistics(laid, value, (seen(steady, 1.0), seen(idle, 0.0), seen(busy, 1.0)))


def _statistics(
    laid: Laid, value: Mapping[str, Floats], levels: tuple[Floats, Floats, Floats]
) -> Floats:
    """Return the stated statistic of a log that alternates between three levels of power."""
    steady, idle, most = levels
    start = np.where(laid.served, value["gap"], np.minimum(value["start"] / laid.log_s, 0.9))
    found = {
        "steady": steady,
        "whole": steady - np.nan_to_num(start, nan=0.0) * (steady - idle),
        "run": steady - value["pauses"] * (steady - idle),
        "p95": steady + np.minimum(value["swing"], 1.0) * (most - steady),
        "most": most,
        "idle": idle,
    }
    return np.select([laid.statistic == name for name in found], list(found.values()))


def _works(laid: Laid, value: Mapping[str, Floats]) -> Work:
    """Return the work of every accelerator of every case."""
    names = ("flop_share", "memory_share", "cache_share", "together", "unpack")
    columns = {name: np.zeros(len(laid.chip_w)) for name in names}
    for kind, at in laid.places.items():
        part = laid.parts[kind]({name: column[at] for name, column in value.items()})
        for name, column in columns.items():
            column[at] = getattr(part, name)
    return Work(**columns)


def _serving(cases: Sequence[Case]) -> Callable[[Mapping[str, Floats]], Work]:
    rows = [case.serving or {} for case in cases]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    stated = columns.pop("prompt_tokens")
    models = [case.dims for case in cases if case.dims is not None]
    dims = Dims(**{f.name: np.array([getattr(m, f.name) for m in models]) for f in fields(Dims)})
    peaks = _peaks(cases)

    def work(value: Mapping[str, Floats]) -> Work:
        prompt = np.where(np.isnan(stated), value["prompt"], stated)
        return serving_work(dims, Serving(prompt_tokens=prompt, **columns), peaks)

    return work


def _diffusion(cases: Sequence[Case]) -> Callable[[Mapping[str, Floats]], Work]:
    rows = [case.denoiser or {} for case in cases]
    model = Denoiser(**{name: np.array([row[name] for row in rows]) for name in rows[0]})
    count, batch = _column(cases, "accelerators"), _column(cases, "batch")
    rate, peaks = _column(cases, "items_per_s"), _peaks(cases)

    def work(value: Mapping[str, Floats]) -> Work:
        return diffusion_work(model, peaks, count, batch, rate, value["passes"])

    return work


def _training(cases: Sequence[Case]) -> Callable[[Mapping[str, Floats]], Work]:
    mfu = np.full(len(cases), TYPICAL_MFU)
    found = training_work(mfu, accelerators=_column(cases, "accelerators"))
    return lambda _: found


def _full(cases: Sequence[Case]) -> Callable[[Mapping[str, Floats]], Work]:
    found = Work(flop_share=np.full(len(cases), _FULL_SHARE), together=np.ones(len(cases)))
    return lambda _: found


def _peaks(cases: Sequence[Case]) -> Peaks:
    return Peaks(
        flops=_column(cases, "peak_flops"),
        memory_bytes_per_s=_column(cases, "memory_bytes_per_s"),
    )


def _column(cases: Sequence[Case], name: str) -> Floats:
    return np.array([float(getattr(case, name)) for case in cases])
