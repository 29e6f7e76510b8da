"""What a reader of a year of supply must know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.twin.energy_year.simulate import EnergyYear

__all__ = ["notes", "warnings"]

_MUCH: Final = 0.01  # of the energy


def notes(energy: EnergyYear) -> tuple[str, ...]:
    """Return what was assumed, the most important first."""
    return tuple(_notes(energy))


def warnings(energy: EnergyYear) -> tuple[str, ...]:
    """Return what in the answer deserves a second look."""
    found = []
    if energy.dispatch.wasted_hours:
        hours = energy.dispatch.wasted_hours
        found.append(f"storage charges and discharges at once in {hours:,} hours")
    put_off = float(sum(mw.sum() for mw in energy.dispatch.throttled_mw.values()))
    share = put_off / float(energy.load_mw.sum())
    if share > _MUCH:
        found.append(
            f"batch work gives way for {100.0 * share:.0f} % of the energy: supply cannot keep "
            "what is asked of it otherwise"
        )
    entry = energy.grid.tariff_entry
    if entry is not None and "least_mw" in entry:
        least = entry.number("least_mw")
        if energy.contracted_mw < least:
            found.append(
                f"the tariff applies from {least:,.0f} MW on; {energy.contracted_mw:,.0f} MW are "
                "contracted"
            )
    return tuple(found)


def _notes(energy: EnergyYear) -> Iterator[str]:
    yield (
        "the load is that of what stands at the end of the year, held for all of it; plants stand "
        "from their date on"
    )
    if energy.announced:
        yield (
            "the load is scaled to the power announced, and proposed plants are taken to stand: "
            "what is announced has no date"
        )
    yield f"price: {energy.grid.price_told}"
    yield f"carbon: {energy.grid.carbon_told}"
    islands = [p.name for p in energy.parts if p.spec.islanded]
    if islands:
        yield (
            f"{', '.join(islands)}: no connection to the grid, so they follow their own part of "
            "the load, by capacity, whatever the grid costs"
        )
    entry = energy.grid.tariff_entry
    if entry is not None:
        for field in ("name", "least_mw", "demand_usd_per_mw_year", "plants_usd", "upfront_usd"):
            if field in entry and entry[field].note:
                yield f"{entry.text('utility')}: {entry[field].note}"
    if energy.ask["commitment"]:
        starts = ", ".join(
            f"{name} {int(one.started.sum()):,}" for name, one in energy.dispatch.units.items()
        )
        yield (
            f"plants are whole units with starts and least loads; starts: {starts}; no schedule "
            f"costs less by more than {100.0 * energy.dispatch.gap:.2g} %"
        )
    else:
        yield "plants follow prices without starts and least loads; --commitment has them"
    yield (
        "dispatch knows the year's prices and weather before; the grid gives up to its limit in "
        "every hour"
    )
    count = len({key for head in energy.answers for key in head.facts})
    yield f"{count:,} published facts stand behind these answers; --format json names them"
