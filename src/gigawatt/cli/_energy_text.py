"""A year of supply as text: the answer first, then who gives, what it costs, how firm it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt.cli._host_text import digits
from gigawatt.cli._text import dim, heading, table, wrap
from gigawatt.results.numbers import band, date_text, human, quantity, share_text
from gigawatt.twin.energy_year.money import exit_fees
from gigawatt.twin.energy_year.notes import notes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.twin.energy_year.plan import EnergyPlan
    from gigawatt.twin.energy_year.simulate import EnergyYear
    from gigawatt.twin.outcome import Headline

__all__ = ["energy_text"]

_FEE_YEARS = (0, 5, 10)
_NOTHING_MW = 0.5


def energy_text(energy: EnergyYear) -> str:
    """Return what ``gigawatt energy`` prints."""
    return "\n\n".join(block for block in _blocks(energy) if block)


def _blocks(energy: EnergyYear) -> Iterable[str]:
    answers = {head.name: head for head in energy.answers}
    yield _headline(energy, answers)
    yield _sources(energy)
    yield _costs(energy)
    yield _carbon(energy, answers)
    yield _firmness(energy, answers)
    yield _homes(answers)
    yield _plan(energy)
    yield _extra(energy)
    yield _reliable(energy)
    lines = (wrap(f"- {one}", "  ") for one in notes(energy))
    yield "\n".join([heading("Notes"), *lines])


def _headline(energy: EnergyYear, answers: dict[str, Headline]) -> str:
    cost, each = answers["supply_usd"], _number(answers["supply_usd_per_mwh"])
    rows = [
        ("energy", f"{_banded(answers['energy_mwh'])}, at most {_value(answers['peak_mw'])}"),
        ("cost", f"{_banded(cost)}, {digits(each)} USD/MWh"),
        ("CO2", _co2(answers)),
        ("not served", _unserved(answers)),
        ("homes", _homes_told(answers)),
    ]  # fmt: skip
    title = heading(f"{energy.campus.name} and its supply, {energy.site.installed.period}")
    asked = [energy.grid.terms.name, f"{energy.import_mw:,.0f} MW from the grid at most"]
    if energy.announced:
        asked.append("as announced, with what is proposed")
    if energy.system.co2_usd_per_t:
        asked.append(f"{energy.system.co2_usd_per_t:g} USD a tonne of CO2")
    if energy.system.clean_share:
        asked.append(f"{100 * energy.system.clean_share:g} % clean hour by hour")
    body = table(("", ""), rows, indent=2, folding=(1,))
    return "\n".join([title, dim("; ".join(asked)), body])


def _co2(answers: dict[str, Headline]) -> str:
    counted, located = (_number(answers[n]) / 1e6 for n in ("co2_t", "location_co2_t"))
    return f"{human(counted, 'Mt')} with contracts counted, {human(located, 'Mt')} location-based"


def _unserved(answers: dict[str, Headline]) -> str:
    lost, put_off = answers["unserved_mwh"], answers["put_off_mwh"]
    told = "nothing" if not lost.value else f"{_value(lost)} {lost.note}"
    if put_off.value:
        told += f"; batch work gives way for {_value(put_off)}"
    return told


def _homes_told(answers: dict[str, Headline]) -> str:
    by_energy, by_peak = answers["homes_by_energy"], answers["homes_by_peak"]
    return f"{_value(by_energy)} by energy, {_value(by_peak)} by peak"


def _sources(energy: EnergyYear) -> str:
    run, total = energy.dispatch, float(energy.load_mw.sum())
    rows = []
    parts = {part.name: part for part in energy.parts}
    for source in energy.system.sources:
        part = parts.get(source.name)
        mwh = run.energy_mwh[source.name]
        capacity = run.capacity_mw[source.name]
        paid = run.cost_usd.get(source.name, 0.0) / mwh if mwh > 0.5 else float("nan")
        rows.append((
            source.name, _kind(part), digits(capacity), human(mwh, "MWh"), share_text(mwh, total),
            share_text(mwh, capacity * energy.times.size) if capacity else "–",
            digits(paid) if np.isfinite(paid) else "–",
            digits(run.co2_t[source.name] / 1e3),
        ))  # fmt: skip
    rows.append(("all", "", "", human(total, "MWh"), "100 %", "", "",
                 digits(sum(run.co2_t.values()) / 1e3)))  # fmt: skip
    head = ("source", "", "MW", "energy", "share", "used", "USD/MWh", "kt CO2")
    body = table(head, rows, right=(2, 3, 4, 5, 6, 7), indent=2, folding=(0,))
    return "\n".join([heading("Who gives"), body])


def _kind(part: object) -> str:
    if part is None:
        return "bought"
    stated = part.spec  # type: ignore[attr-defined]
    if stated.islanded:
        return "island"
    return "contract" if stated.connection == "contracted" else "on site"


def _costs(energy: EnergyYear) -> str:
    total, mwh = energy.total_usd, float(energy.load_mw.sum())
    rows = [
        (name, digits(usd / 1e6), share_text(usd, total), digits(usd / mwh))
        for name, usd in energy.cost_usd.items()
    ]
    rows.append(("all", digits(total / 1e6), "100 %", digits(total / mwh)))
    head = ("component", "M USD", "share", "USD/MWh")
    body = table(head, rows, right=(1, 2, 3), indent=2, folding=(0,))
    lines = [heading("What it costs"), body]
    bill = energy.utility_bill
    least = float((bill.billed_mw - bill.demand_mw).mean())
    if least > 1e-6:
        lines.append(wrap(
            f"billed are {bill.billed_mw.mean():,.0f} MW a month, of which {least:,.0f} MW are not "
            f"drawn: the least of {energy.contracted_mw:,.0f} MW contracted", "  ",
        ))  # fmt: skip
    fees = exit_fees(energy)
    if not isinstance(fees, str):
        told = ", ".join(
            f"{human(usd, 'USD')} after {year} years" if year else f"{human(usd, 'USD')} at once"
            for year, usd in fees if year in _FEE_YEARS
        )  # fmt: skip
        lines.append(wrap(f"leaving the contract of {fees[-1][0]} years costs {told}", "  "))
    return "\n".join(lines)


def _carbon(energy: EnergyYear, answers: dict[str, Headline]) -> str:
    mwh = float(energy.load_mw.sum())
    rows = []
    for name, label in (
        ("co2_t", "contracts counted"),
        ("location_co2_t", "location-based"),
        ("lifecycle_co2_t", "over the life cycle"),
    ):
        tonnes = _number(answers[name])
        rows.append((label, f"{human(tonnes / 1e6, 'Mt')}, {1e3 * tonnes / mwh:,.0f} kg/MWh"))
    rows.append(("a further MWh", _marginal(answers["marginal_co2_kg_per_mwh"])))
    matched, yearly = answers["matched_share"], answers["yearly_clean_share"]
    same, whole = (100 * _number(head) for head in (matched, yearly))
    told = f"{same:.1f} % in the same hour, {whole:.1f} % over the year, the grid's own left out"
    rows.append(("clean", told))
    rows.append(("gas burnt", f"{_number(answers['fuel_mmbtu']) / 1e6:,.3g} million MMBtu"))
    for name, label in (("nox_t", "NOx"), ("generation_water_m3", "water of generation")):
        head = answers[name]
        rows.append((label, head.note if head.value is None else _value(head)))
    body = table(("", ""), rows, indent=2, folding=(1,))
    return "\n".join([heading("What it emits"), body])


def _marginal(head: Headline) -> str:
    if head.value is None:
        return head.note
    return f"{_value(head)}, in eight of ten hours {band(head.low, head.high, head.unit)}"


def _firmness(energy: EnergyYear, answers: dict[str, Headline]) -> str:
    firmness = energy.firmness
    rows = []
    for one in firmness.islands:
        told = one.why if one.loss_of_load_h is None else _short(one.loss_of_load_h)
        held = f"{digits(one.firm_mw)} MW with a unit out for {digits(one.peak_mw)} MW"
        rows.append((one.name, f"{held}; {told}"))
    alone = firmness.alone
    if alone is not None:
        share = _number(answers["firm_share"])
        held = f"{digits(alone.firm_mw)} MW with the largest unit out"
        of = f"{100 * share:.0f} % of the {digits(alone.peak_mw)} MW on the grid"
        rows.append(("other plants", f"{held}, {of}"))
        hours = alone.loss_of_load_h
        told = alone.why if hours is None else f"{hours:,.0f} h of the year with units failing"
        rows.append(("the grid is needed", told))
    if not rows:
        rows.append(("grid alone", "no plant of its own; the grid is taken never to fail"))
    body = table(("", ""), rows, indent=2, folding=(1,))
    return "\n".join([heading("How firm it is"), body])


def _short(hours: float) -> str:
    if hours < 1e-6:
        return "short in less than a millionth of an hour a year"
    return f"short in {digits(hours)} h a year"


def _homes(answers: dict[str, Headline]) -> str:
    rows = [
        (head.label, _value(head).removesuffix(" homes"), _range(head), head.formula)
        for name, head in answers.items()
        if "homes_by" in name
    ]
    head = ("counted by", "homes", "range", "how it follows")
    body = table(head, rows, right=(1,), indent=2, folding=(3,))
    return "\n".join([heading("In homes"), body])


def _range(head: Headline) -> str:
    return band(head.low, head.high, "homes").replace(" homes", "") if head.low else ""


def _plan(energy: EnergyYear) -> str:
    plan = energy.plan
    if plan is None:
        return ""
    found = plan.over_years
    rows = []
    for y, year in enumerate(found.years):
        built = ", ".join(
            f"{digits(float(mw[y]))} MW {name.removeprefix('new ')}"
            for name, mw in found.built_mw.items() if mw[y] > _NOTHING_MW
        )  # fmt: skip
        run = found.dispatch[y]
        rows.append((
            str(year), digits(float(run.system.load_mw.max())), built or "–",
            digits(float(found.cost_usd[y]) / 1e6),
            digits(float(found.cost_usd[y]) / float(run.system.load_mw.sum())),
        ))  # fmt: skip
    head = ("year", "peak MW", "built", "M USD", "USD/MWh")
    body = table(head, rows, right=(1, 3, 4), indent=2, folding=(2,))
    dates = ", ".join(f"{name} {date_text(day)}" for name, day in plan.earliest.items())
    told = wrap(
        f"without the capital of what stands already; ordered on {date_text(plan.ordered)}, in "
        f"service at the earliest: {dates}; none costs less by more than {100 * found.gap:.1g} %",
        "  ",
    )
    return "\n".join([heading("The least-cost supply over the years"), body, told])


def _extra(energy: EnergyYear) -> str:
    if energy.plan is None:
        return ""
    rows = []
    for row in energy.plan.extra:
        if not row.possible or row.usd_per_year is None or row.usd_per_mwh is None:
            rows.append((str(row.year), _impossible(energy.plan, row.year), "", "", ""))
            continue
        built = ", ".join(
            f"{digits(mw)} MW {name.removeprefix('new ')}"
            for name, mw in row.built_mw.items()
            if mw > _NOTHING_MW
        )
        capital = "–" if row.capital_usd is None else digits(row.capital_usd / 1e6)
        rows.append((
            str(row.year), built or "nothing: there is room", digits(row.usd_per_year / 1e6),
            digits(row.usd_per_mwh), capital,
        ))  # fmt: skip
    head = ("year", "built for it", "M USD a year", "USD/MWh", "capital M USD")
    body = table(head, rows, right=(2, 3, 4), indent=2, folding=(1,))
    return "\n".join([heading("A gigawatt more, served in every hour"), body])


def _reliable(energy: EnergyYear) -> str:
    if energy.plan is None or energy.plan.reliable is None:
        return ""
    found, target = energy.plan.reliable, energy.ask["loss_of_load_h"]
    built = ", ".join(
        f"{digits(found.plan.capacity_mw[name])} MW {name.removeprefix('new ')}"
        for name in found.plan.capital_usd
        if found.plan.capacity_mw[name] > _NOTHING_MW
    )
    low, middle, high = found.reliability.bands()["loss_of_load_h"]
    rows = [
        ("built", built or "nothing: what stands keeps it"),
        ("short", (
            f"{digits(found.reliability.lolh_h)} h a year in the mean of the draws of outages, P10 "
            f"{digits(low)}, P50 {digits(middle)}, P90 {digits(high)}"
        )),
        ("firmness", f"{human(found.firmness_usd, 'USD')} a year over the plan without a target"),
    ]  # fmt: skip
    title = f"At most {target:g} h a year short, in {energy.plan.over_years.years[-1]}"
    return "\n".join([heading(title), table(("", ""), rows, indent=2, folding=(1,))])


def _impossible(plan: EnergyPlan, year: int) -> str:
    there = [name for name, day in plan.earliest.items() if day <= f"{year}-01-01"]
    if not there:
        return "not possible: nothing ordered now serves by then, and what stands has no room"
    return f"not possible, with {', '.join(there)} from its first day on"


def _value(head: Headline) -> str:
    return quantity(head.value, head.unit, head.name)


def _banded(head: Headline) -> str:
    if head.low is None:
        return _value(head)
    return f"{_value(head)} (P10–P90 {band(head.low, head.high, head.unit)})"


def _number(head: Headline) -> float:
    assert not isinstance(head.value, str | None)  # noqa: S101  a question of numbers
    return float(head.value)
