"""The published facts that a site year rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.site.electrical import chain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.catalog import Entry
    from gigawatt.spec import Campus
    from gigawatt.twin.site_year.simulate import SiteYear

__all__ = ["facts_by_group"]

_CHIP: Final = ("all_in_it_kw", "tdp_w")


def facts_by_group(site: SiteYear) -> dict[str, tuple[str, ...]]:
    """Return the keys of the facts behind each group of answers, the nearest first."""
    book = catalog.load()
    chips = [book.get("chip", name) for name in site.installed.chips]
    plant = book.get("cooling_plant", site.plant)
    cooled = [plant, *book.where("cooling_loop", plant=plant.id), *_air(site)]
    load = [*(c[f].key for c in chips for f in _CHIP if f in c), *_published(site.campus)]
    built = [*chain(site.topology).facts, *_keys(cooled)]
    groups = {"power": [*load, *built], "overhead": built, "water": built}
    groups["limits"] = [*load, *built]
    if site.question is not None:
        wanted = book.get("grid_specification", site.question.specification)
        groups["grid"] = [*_keys([wanted, *book.entries("smoothing")]), *load]
    return {group: tuple(dict.fromkeys(keys)) for group, keys in groups.items()}


def _keys(entries: Iterable[Entry]) -> list[str]:
    return [fact.key for entry in entries for fact in entry]


def _air(site: SiteYear) -> list[Entry]:
    """Return the climate, and its months where the weather is made of them."""
    book = catalog.load()
    climate = book.get("climate", site.campus.site.climate)
    if not (site.synthetic or site.heat_wave):
        return [climate]
    return [climate, *book.where("month", climate=climate.id)]


def _published(campus: Campus) -> list[str]:
    """Return the facts that the inputs of the campus come from."""
    book, found = catalog.load(), []
    for basis in campus.facts:
        kind, name, *field = basis.fact.split("/")
        entry = book.get(kind, name)
        found += [entry[field[0]].key] if field else [fact.key for fact in entry]
    return found
