"""What can be wrong with a system, in words."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.energy.system import Source, Storage, System

__all__ = ["problems_of"]

_SERIES: Final = (
    "marginal_usd_per_mwh",
    "availability",
    "least_output",
    "co2_t_per_mwh",
    "water_m3_per_mwh",
    "nox_kg_per_mwh",
    "fuel_usd_per_mwh",
)


def problems_of(system: System) -> Iterable[str]:
    """Yield what is wrong with a system, in words."""
    load = np.asarray(system.load_mw)
    if load.ndim != 1 or not load.size or not np.isfinite(load).all() or load.min() < 0.0:
        yield "the load must be a series of finite MW, none negative"
        return
    names = [a.name for a in system.parts] + [t.name for t in system.throttles]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"the name '{name}' is used more than once"
    if np.isfinite(system.unserved_most_mwh) and system.unserved_usd_per_mwh is None:
        yield "unserved_most_mwh limits unserved load: state unserved_usd_per_mwh too"
    if not 0.0 <= system.clean_share <= 1.0:
        yield f"clean_share must be within [0, 1]; found {system.clean_share:g}"
    for source in system.sources:
        yield from _series_problems(system, source)
        yield from _capacity_problems(source)
        yield from _ramp_problems(system, source)
        yield from _unit_problems(source)
    for storage in system.storages:
        yield from _capacity_problems(storage)
        for name in ("charge_efficiency", "discharge_efficiency"):
            if not 0.0 < getattr(storage, name) <= 1.0:
                yield f"{storage.name}: {name} must be within (0, 1]"
        if storage.energy_hours <= 0.0 or not 0.0 <= storage.loss_per_hour < 1.0:
            yield f"{storage.name}: energy_hours must be positive and loss_per_hour within [0, 1)"


def _series_problems(system: System, source: Source) -> Iterable[str]:
    given = {name: np.asarray(getattr(source, name), dtype=float) for name in _SERIES}
    for name, value in given.items():
        if value.shape not in ((), (system.hours,)):
            yield f"{source.name}: {name} must have {system.hours} hours; found {value.shape}"
            return
        if not np.isfinite(value).all():
            yield f"{source.name}: {name} must be finite in every hour"
    least, available = given["least_output"], given["availability"]
    if least.min() < 0.0 or available.max() > 1.0 or (least > available).any():
        yield f"{source.name}: 0 <= least_output <= availability <= 1 must hold in every hour"


def _ramp_problems(system: System, source: Source) -> Iterable[str]:
    """Yield where the outputs that a plant must keep lie further apart than it can ramp."""
    ramp = source.ramp_per_hour
    if ramp is None:
        return
    if ramp <= 0.0:
        yield f"{source.name}: ramp_per_hour must be positive; found {ramp:g}"
        return
    bounds = (np.asarray(source.least_output, float), np.asarray(source.availability, float))
    if any(b.shape not in ((), (system.hours,)) for b in bounds) or not bounds[0].any():
        return
    low, high = 0.0, 1.0
    pairs = zip(system.series(bounds[0]), system.series(bounds[1]), strict=True)
    for hour, (least, available) in enumerate(pairs):
        from_low, from_high = (low - ramp, high + ramp) if hour else (0.0, 1.0)
        low, high = max(least, from_low), min(available, from_high)
        if low > high + 1e-12:
            yield (
                f"{source.name}: it cannot follow its own least_output and availability: in hour "
                f"{hour} it would have to change by {low - high:.3g} of its capacity more than "
                f"ramp_per_hour, {ramp:g}"
            )
            return


def _unit_problems(source: Source) -> Iterable[str]:
    """Yield what is wrong with the units of a source and with its contract."""
    name = source.name
    if source.units < 0 or min(source.least_up_h, source.least_down_h) < 1:
        yield f"{name}: units must be 0 or more, least_up_h and least_down_h at least 1"
    if not 0.0 <= source.least_load <= 1.0:
        yield f"{name}: least_load must be within [0, 1]; found {source.least_load:g}"
    if source.part_load:
        loads = [load for load, _ in source.part_load]
        rising = all(a < b for a, b in pairwise(loads))
        if not rising or loads[0] <= 0.0 or source.part_load[-1] != (1.0, 1.0):
            yield f"{name}: part_load must rise from above 0 to (1, 1)"
        elif any(heat <= 0.0 for _, heat in source.part_load):
            yield f"{name}: part_load needs heat above 0"
    starts = (source.start_usd_per_mw, source.start_mmbtu_per_mw, source.start_co2_t_per_mw)
    if min(starts) < 0.0:
        yield f"{name}: what a start costs, burns and emits must not be negative"
    if source.exit_usd_per_mw < 0.0 or (source.exit_usd_per_mw and not np.isfinite(source.most_mw)):
        yield f"{name}: exit_usd_per_mw must not be negative and needs most_mw, what is contracted"


def _capacity_problems(part: Source | Storage) -> Iterable[str]:
    if part.capacity_mw is not None:
        if not 0.0 <= part.capacity_mw < np.inf:
            yield f"{part.name}: capacity_mw must be finite and not negative"
    elif not 0.0 <= part.least_mw <= part.most_mw:
        yield f"{part.name}: 0 <= least_mw <= most_mw must hold"
    elif part.capital_usd_per_mw_year < 0.0 and part.most_mw == np.inf:
        yield (
            f"{part.name}: each MW is paid {-part.capital_usd_per_mw_year:g} USD a year and "
            "nothing limits it; state most_mw"
        )
