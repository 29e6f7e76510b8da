"""Rules between the fields of a campus: what no field can tell by itself.

They work on plain mappings and lists, and pass over whatever is missing or wrong by itself. So the
reader can name a contradiction and a misspelt key of the same file in one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gigawatt import catalog
from gigawatt.units import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Loc", "Wrong", "across", "dotted"]

Loc = tuple[str | int, ...]
"""Where in a document: keys and list indices from the root."""

_POWER_SLACK = 1.25  # rated power is a ceiling; published chip counts often exceed it a little
_SHARE_SLACK = 1e-9


class Wrong(NamedTuple):
    """One rule that a campus breaks."""

    loc: Loc
    expected: str
    found: str
    hint: str = ""

    def __str__(self) -> str:
        """Return the breach as one line of text."""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{dotted(self.loc)}: expected {self.expected}; found {self.found}{tail}"


def dotted(loc: Loc) -> str:
    """Return a place as users write it: ``phases[0].it_mw``."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def across(data: Mapping[str, Any]) -> list[Wrong]:
    """Return every rule between fields that `data` breaks, in the order of the document."""
    return [
        *_state(data),
        *_names(data, "phases"),
        *(wrong for i, phase in _items(data, "phases") for wrong in _phase(i, phase)),
        *_names(data, "power", "sources"),
        *_names(data, "programme", "training"),
        *_names(data, "programme", "services"),
        *_runs(data),
        *_services(data),
        *_shares(data),
    ]


def _state(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield a US state that the catalogue has no prices for, or a state outside the US."""
    site = _at(data, "site")
    state = _at(site, "state")
    if not isinstance(state, str) or len(state.strip()) != 2 or not state.strip().isalpha():
        return
    country = _at(site, "country")
    if isinstance(country, str) and len(country.strip()) == 2 and country.strip().upper() != "US":
        yield Wrong(("site", "state"), "no state outside the US", f"'{state}'", "leave it out")
        return
    table = catalog.load()
    if not table.has("state", state.strip()):
        hint = "'gigawatt catalog state' lists them"
        yield Wrong(("site", "state"), "a US state of the catalogue", f"'{state}'", hint)


def _names(data: Mapping[str, Any], *path: str) -> Iterator[Wrong]:
    """Yield entries of a list with the name of an earlier one."""
    first: dict[str, int] = {}
    for i, entry in _items(data, *path):
        name = _at(entry, "name")
        if not isinstance(name, str):
            continue
        earlier = first.setdefault(name.strip(), i)
        if earlier != i:
            expected = f"a name that no other entry of {path[-1]} has"
            where = dotted((*path, earlier))
            yield Wrong((*path, i, "name"), expected, f"'{name}', as in {where}")


def _phase(i: int, phase: object) -> Iterator[Wrong]:
    """Yield powers of a phase that contradict each other or its chips."""
    it_mw = _number(_at(phase, "it_mw"), "MW")
    facility_mw = _number(_at(phase, "facility_mw"), "MW")
    if it_mw is not None and facility_mw is not None and facility_mw < it_mw:
        expected = f"a power of at least it_mw ({it_mw:,.10g} MW)"
        yield Wrong(("phases", i, "facility_mw"), expected, f"{facility_mw:,.10g} MW")
    lots = [lot for _, lot in _items(phase, "chips")]
    open_lots = sum(isinstance(lot, Mapping) and lot.get("count") is None for lot in lots)
    if open_lots > 1:
        expected = "at most one entry without a count"
        yield Wrong(("phases", i, "chips"), expected, f"{open_lots} of them")
    rated_mw = sum(_rated_mw(lot) for lot in lots)
    if it_mw is not None and 0 < it_mw * _POWER_SLACK < rated_mw:
        expected = f"chips that the phase's {it_mw:,.10g} MW of IT power can feed"
        found = f"chips rated {float(f'{rated_mw:.4g}'):,.10g} MW all in, host and network included"
        yield Wrong(("phases", i, "chips"), expected, found, "lower the count or raise it_mw")


def _rated_mw(lot: object) -> float:
    """Return the rated IT power of a lot; 0 where its chip or count is not known."""
    chip, count = _at(lot, "type"), _number(_at(lot, "count"), "1")
    table = catalog.load()
    if not isinstance(chip, str) or count is None or not table.has("chip", chip):
        return 0.0
    return count * table.get("chip", chip).number("all_in_it_kw") / 1e3


def _runs(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield runs with neither a share of their own nor the programme's to use."""
    if _at(_at(data, "programme"), "training_share") is not None:
        return
    for i, run in _items(data, "programme", "training"):
        if isinstance(run, Mapping) and run.get("share") is None:
            expected = "a share, here or as programme.training_share"
            yield Wrong(("programme", "training", i, "share"), expected, "neither")


def _services(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield services whose demand is stated twice."""
    for i, service in _items(data, "programme", "services"):
        if _at(service, "users") is not None and _at(service, "tokens_per_day") is not None:
            loc = ("programme", "services", i, "tokens_per_day")
            yield Wrong(loc, "users or tokens_per_day, not both", "both", "leave one of them out")


def _shares(data: Mapping[str, Any]) -> Iterator[Wrong]:
    """Yield the activities' shares if they come to more than all chips."""
    programme = _at(data, "programme")
    runs = [run for _, run in _items(programme, "training") if isinstance(run, Mapping)]
    queued = any(run.get("share") is None for run in runs)
    parts = {
        "training": sum(_share(run) for run in runs)
        + (_share(programme, "training_share") if queued else 0.0),
        "services": sum(_share(service) for _, service in _items(programme, "services")),
        "research": _share(_at(programme, "research")),
        "data_processing": _share(_at(programme, "data_processing")),
    }
    total = sum(parts.values())
    if total > 1 + _SHARE_SLACK:
        named = ", ".join(f"{name} {part:g}" for name, part in parts.items() if part)
        yield Wrong(("programme",), "shares that add up to 1 or less", f"{total:g}: {named}")


def _share(part: object, key: str = "share") -> float:
    """Return a share; 0 where it is wrong by itself, which is reported there."""
    share = _number(_at(part, key), "ratio")
    return share if share is not None and 0 <= share <= 1 else 0.0


def _at(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


def _items(value: object, *path: str) -> list[tuple[int, object]]:
    for key in path:
        value = _at(value, key)
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return list(enumerate(value)) if listed and isinstance(value, Sequence) else []


def _number(value: object, unit: str) -> float | None:
    """Return a number or quantity in `unit`; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse_quantity(value, unit) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
