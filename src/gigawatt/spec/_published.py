"""A campus of the catalogue as a campus that can be simulated."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from gigawatt import catalog
from gigawatt.errors import NotModelledError
from gigawatt.spec.campus import Campus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.catalog import Entry, Fact

__all__ = ["from_catalog", "published"]

_EARLIEST_START: Final = dt.date(2026, 1, 1)
_YEARS: Final = 5
_HOSTED: Final = "llama-4-maverick"
_TRAINED: Final = ("llama-4-maverick", "llama-4-scout", "llama-3.1-405b")


def from_catalog(name: str) -> Campus:
    """Return a campus of the catalogue, with its published phases and a stated programme.

    The phases are the steps of the published path of power; where the path falls, its running
    maximum is used. Phases before the first simulated day are there from the start. No lab
    publishes the programme of one campus, so each gets the same: a published lab's shares of
    training, hosting and research, a queue of published models at their published tokens, and one
    chat service that serves whatever its share can.

    Parameters
    ----------
    name : str
        Name of the campus or an alias, e.g. ``"hyperion"``.

    Returns
    -------
    Campus
        The campus, checked.

    Raises
    ------
    UnknownNameError
        If the catalogue has no such campus.
    NotModelledError
        If the catalogue does not know the campus's climate or grid region.
    """
    data = published(name)
    missing = [f"site.{key}" for key in ("climate", "grid") if key not in data["site"]]
    if missing:
        message = (
            f"the catalogue holds no {' and no '.join(missing)} for {data['name']}; "
            f"name one to use: {' '.join(f'--set {key}=NAME' for key in missing)}"
        )
        raise NotModelledError(message)
    return Campus.model_validate(data)


def published(name: str) -> dict[str, Any]:
    """Return what `from_catalog` makes a campus of: plain values under the file's keys."""
    entry = catalog.load().get("campus", name)
    facts: list[dict[str, str]] = []
    phases = list(_phases(entry.id, facts))
    first = min((phase["date"].replace(month=1, day=1) for phase in phases), default=None)
    data: dict[str, Any] = {
        "name": entry.text("name"),
        "owner": entry.text("owner", ""),
        "site": _site(entry),
        "horizon": {"start": max(first or _EARLIEST_START, _EARLIEST_START), "years": _YEARS},
        "phases": phases,
        "cooling": {"plant": entry.text("plant")},
        "power": _power(entry, facts),
        "programme": _programme(facts),
        "facts": facts,
    }
    planned = entry.number("planned_facility_mw", 0.0)
    if planned > sum(phase["facility_mw"] for phase in phases):
        data["announced_maximum_mw"] = planned
        _rests(facts, "announced_maximum_mw", entry["planned_facility_mw"].key)
    return data


def _site(entry: Entry) -> dict[str, Any]:
    known = [key for key in ("place", "country", "state", "climate", "grid") if key in entry]
    return {key: entry.text(key) for key in known}


def _phases(campus: str, facts: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield the steps of the published running totals.

    A step of facility power is never below its IT power; what that adds is taken off the next
    steps, so that the sum follows the published path.
    """
    path = catalog.load().where("phase", campus=campus)
    it_mw = facility_mw = 0.0
    steps = 0
    for entry in sorted(path, key=lambda entry: entry.date("date")):
        added_it_mw = _step(entry.number("it_mw"), it_mw)
        if added_it_mw <= 0:
            continue
        added_facility_mw = max(_step(entry.number("facility_mw"), facility_mw), added_it_mw)
        it_mw += added_it_mw
        facility_mw += added_facility_mw
        lot: dict[str, Any] = {"type": entry.text("chip")}
        if "chips_added" in entry:
            lot["count"] = entry.number("chips_added")
        _rests(facts, f"phases[{steps}]", f"phase/{entry.id}")
        steps += 1
        yield {
            "name": _phase_name(steps, entry),
            "date": entry.date("date"),
            "it_mw": added_it_mw,
            "facility_mw": added_facility_mw,
            "chips": [lot],
            "source": _credit(entry["it_mw"]),
        }


def _step(total: float, reached: float) -> float:
    return round(total - reached, 6)  # the tables hold whole watts at most; drops 1e-13 leftovers


def _phase_name(number: int, entry: Entry) -> str:
    building = entry.text("building", "")
    if building[:1].isdigit():  # "13 (Vantage)" is one, "7-11 (tents)" and "12 and 16-21" are more
        one = building.partition(" ")[0].isdigit() and " and " not in building
        building = f"building{'' if one else 's'} {building}"
    return f"Phase {number}: {building}" if building else f"Phase {number}"


def _credit(fact: Fact) -> str:
    source = fact.source
    licence = source.licence.partition(";")[0]
    return ", ".join(filter(None, (source.publisher, source.title, licence)))


def _power(entry: Entry, facts: list[dict[str, str]]) -> dict[str, Any]:
    power: dict[str, Any] = {"sources": _sources(entry.id, facts)}
    if "tariff" in entry:
        power["tariff"] = entry.text("tariff")
        _rests(facts, "power.tariff", entry["tariff"].key)
    return power


def _sources(campus: str, facts: list[dict[str, str]]) -> list[dict[str, Any]]:
    supply = sorted(
        catalog.load().where("supply", campus=campus), key=lambda e: (e.date("date"), e.id)
    )
    for i, entry in enumerate(supply):
        _rests(facts, f"power.sources[{i}]", f"supply/{entry.id}")
    return [
        {
            "name": entry.text("name"),
            "technology": entry.text("technology"),
            "capacity_mw": entry.number("capacity_mw"),
            "date": entry.date("date"),
            "connection": entry.text("connection"),
            "islanded": entry.text("islanded", "no") == "yes",
            **{key: entry.number(key) for key in ("units", "installed_mw") if key in entry},
        }
        for entry in supply
    ]


def _rests(facts: list[dict[str, str]], path: str, key: str) -> None:
    """Note that the input at `path` comes from the catalogue's entry or fact `key`."""
    facts.append({"input": path, "fact": key})


def _programme(facts: list[dict[str, str]]) -> dict[str, Any]:
    table = catalog.load()
    shares = table.get("rate", "programme")
    for path, field in (
        ("programme.training_share", "training_share"),
        ("programme.services[0].share", "hosting_share"),
        ("programme.research.share", "research_share"),
    ):
        _rests(facts, path, shares[field].key)
    for i, name in enumerate(_TRAINED):
        key = table.get("model", name)["train_tokens"].key
        _rests(facts, f"programme.training[{i}].tokens", key)
    return {
        "training": [
            {
                "name": table.get("model", name).text("name"),
                "model": name,
                "tokens": table.get("model", name).number("train_tokens"),
            }
            for name in _TRAINED
        ],
        "training_share": shares.number("training_share"),
        "services": [{"name": "Chat", "model": _HOSTED, "share": shares.number("hosting_share")}],
        "research": {"share": shares.number("research_share")},
    }
