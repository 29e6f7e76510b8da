"""What the last unit of each limit costs: the last tonne, the last per cent, the last MW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gigawatt.energy.dispatch.build import Built
    from gigawatt.energy.program.form import Point
    from gigawatt.energy.system import System

__all__ = ["last_unit_costs"]

_PER_CENT: Final = 0.01


def last_unit_costs(system: System, built: Built, point: Point) -> dict[str, float]:
    """Return by how much one unit of each limit changes the least cost of the hours given.

    The prices of the rows that hold a limit, in its own unit. Each is zero or more: a limit that
    does not bind costs nothing.

    Returns
    -------
    dict of str to float
        ``co2_usd_per_t``, ``water_usd_per_m3``, ``nox_usd_per_t``: a cap lower by a tonne or a m3.
        ``clean_usd_per_percent``: the clean share higher by a per cent of the load.
        ``unserved_usd_per_mwh``: the reliability target lower by a MWh. ``firm_usd_per_mw``: the
        firm requirement higher by a MW. ``take_usd_per_mwh NAME``: the minimum take of a source
        higher by a MWh. Only limits that the system has.
    """
    hours, units = system.hours, {r.kind: r.unit for r in built.requirements}
    found = {}
    for name, price in zip(built.program.linking, point.linking_price, strict=True):
        kind, _, subject = name.partition(" ")
        # A row is a mean over the hours, counted in its unit.
        each = float(price) / (hours * units.get(kind, 1.0))
        if kind == "co2":
            found["co2_usd_per_t"] = -each
        elif kind == "water":
            found["water_usd_per_m3"] = -each
        elif kind == "nox":
            found["nox_usd_per_t"] = -each
        elif kind == "target":
            found["unserved_usd_per_mwh"] = -each
        elif kind == "clean":
            found["clean_usd_per_percent"] = -each * _PER_CENT * float(system.load_mw.sum())
        elif kind == "firm":
            found["firm_usd_per_mw"] = float(price)
        elif kind == "take":
            found[f"take_usd_per_mwh {subject}"] = each
    return {name: max(value, 0.0) for name, value in found.items()}
