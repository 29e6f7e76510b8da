"""What it costs, and how many homes it equals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gigawatt import catalog
from gigawatt.energy.homes import homes_by_energy, homes_by_peak
from gigawatt.twin.headlines._make import Band, Maker, ratio, times
from gigawatt.twin.headlines.site import energy_factors

if TYPE_CHECKING:
    from gigawatt.catalog import Fact
    from gigawatt.twin.outcome import Headline, Table
    from gigawatt.twin.state import State

__all__ = ["homes", "money"]


def money(state: State, found: dict[str, Table]) -> list[Headline]:
    """Return what it costs to build and to run."""
    make, services = Maker(state, "money"), found["services"]
    part, year = state.clock.last_year()
    blocks = state.money.blocks
    yearly = {name: float(usd[part].sum()) for name, usd in blocks.items()}
    whole = {name: float(usd.sum()) for name, usd in blocks.items()}
    total, hours = sum(whole.values()), float(state.capacity.installed.sum())
    hosting = float(services["cost_usd"].sum())
    per = ratio(hosting, float(services["tokens_served"].sum())) * 1e6
    output = ratio(hosting, float(services["output_tokens_served"].sum())) * 1e6
    speed = _speed_factors(state, found)
    said = "band of the published capital cost"
    return [
        _capital(state, make),
        make("yearly_cost_usd", "Cost of the last whole year", sum(yearly.values()), "USD/yr",
             "capital charge + electricity + operations in the last whole year", "cost",
             band=_cost_band(state, yearly), note=f"{year}; {said}"),
        make("total_cost_usd", "Cost over the horizon", total, "USD",
             "capital charge + electricity + operations, summed over the hours", "cost",
             band=_cost_band(state, whole), note=said),
        make("usd_per_accelerator_hour", "Cost of an accelerator-hour", ratio(total, hours),
             "USD/h", "cost over the horizon / accelerator-hours installed", "cost", "chips",
             band=times(ratio(total, hours), _cost_factors(state, whole)), note=said),
        make("usd_per_million_tokens_served", "Cost of a million tokens served", per,
             "USD/Mtoken", "cost of hosting / tokens served, input and output", "cost", "serving",
             band=(per / speed[1], per / speed[0]), note="band of the serving speed"),
        make("usd_per_million_output_tokens", "Cost of a million output tokens", output,
             "USD/Mtoken", "cost of hosting / output tokens; reading the input is in the cost",
             "cost", "serving", band=(output / speed[1], output / speed[0]),
             note="band of the serving speed"),
    ]  # fmt: skip


def _capital(state: State, make: Maker) -> Headline:
    start, end = state.clock.start, state.clock.end
    spent = {p: state.money.capital_usd.get(p.name, 0.0) for p in state.campus.phases}
    capital = sum(usd for phase, usd in spent.items() if phase.date < end)
    earlier = sum(usd for phase, usd in spent.items() if phase.date < start)
    notes = [f"of which {earlier / 1e9:.1f} billion USD before the horizon"] if earlier else []
    own = state.supply.own_capital_usd
    if own:
        notes.append(f"sources behind the meter come on top: {own / 1e9:.1f} billion USD, whose "
                     "charge is in the electricity")  # fmt: skip
    return make("capital_usd", "Capital, computers and facility", capital, "USD",
                "rated power of the accelerators x capital of computers per MW + IT power of the "
                "phases x capital of the facility per MW", "capital",
                band=times(capital, state.rates.capital_band), note="; ".join(notes))  # fmt: skip


def _cost_band(state: State, blocks: dict[str, float]) -> Band:
    return times(sum(blocks.values()), _cost_factors(state, blocks))


def _cost_factors(state: State, blocks: dict[str, float]) -> tuple[float, float]:
    """Return cost at both ends of the published capital cost, over its value."""
    total = sum(blocks.values())
    if not total:
        return 1.0, 1.0
    capital = blocks["compute capital"] + blocks["facility capital"]
    low, high = (1.0 + capital / total * (factor - 1.0) for factor in state.rates.capital_band)
    return low, high


def _speed_factors(state: State, found: dict[str, Table]) -> tuple[float, float]:
    """Return low and high of the serving speed over its value, services weighted by tokens."""
    weights = found["services"]["tokens_served"]
    if not weights.sum():
        return 1.0, 1.0
    bands = np.array([state.speeds.services[str(n)].band for n in found["services"]["name"]])
    low, high = (bands * weights[:, None]).sum(axis=0) / weights.sum()
    return float(low), float(high)


def homes(state: State, found: dict[str, Table]) -> list[Headline]:
    """Return how many homes the same supply would carry, counted two ways."""
    make, hourly = Maker(state, "homes"), found["hourly"]
    home, factors = catalog.load().get("rate", "home"), energy_factors(state)
    energy, year = _best_year(state, found)
    peak = float(hourly["facility_mw"].max(initial=0.0))
    us, kw = home["energy_kwh_per_year"], home["peak_kw"]
    by_energy = homes_by_energy(energy, us.number)
    rows = [
        make("homes_by_energy", "US homes of the same yearly energy", by_energy, "homes",
             "energy of the fullest year / energy of the mean US home a year", "facility_power",
             facts=(us,), band=times(by_energy, factors), note=year),
        *_in_state(state, make, energy, factors),
        make("homes_by_peak", "Homes of the same power at the system's peak",
             homes_by_peak(peak, kw.number), "homes",
             "highest facility power / power of one home in the hour when all homes draw most",
             "facility_power", facts=(kw,), band=_peak_band(peak, kw)),
    ]  # fmt: skip
    announced = state.campus.announced_maximum_mw
    return rows + (_announced(make, announced, us, kw) if announced else [])


def _in_state(
    state: State, make: Maker, energy: float, factors: tuple[float, float]
) -> list[Headline]:
    book, state_id = catalog.load(), state.campus.site.state
    if state_id is None or not book.has("state", state_id):
        return []
    local = book.get("state", state_id)
    if "home_kwh_per_year" not in local:
        return []
    fact = local["home_kwh_per_year"]
    value = homes_by_energy(energy, fact.number)
    row = make("homes_by_energy_in_state", "Homes of its own state of the same yearly energy",
               value, "homes",
               "energy of the fullest year / energy of the mean home of the state a year",
               "facility_power", facts=(fact,), band=times(value, factors),
               note=local.text("name"))  # fmt: skip
    return [row]


def _announced(make: Maker, power_mw: float, us: Fact, kw: Fact) -> list[Headline]:
    """Return the homes of the announced maximum, by both accountings."""
    named = f"announced {power_mw:,.0f} MW"
    return [
        make("announced_homes_by_energy", "US homes of the announced maximum, at full load",
             homes_by_energy(power_mw * 8760.0, us.number), "homes",
             f"{named} x 8,760 h / energy of the mean US home a year", "announced", facts=(us,)),
        make("announced_homes_by_peak", "Homes of the announced maximum, at the system's peak",
             homes_by_peak(power_mw, kw.number), "homes",
             f"{named} / power of one home in the hour when all homes draw most", "announced",
             facts=(kw,), band=_peak_band(power_mw, kw)),
    ]  # fmt: skip


def _peak_band(power_mw: float, kw: Fact) -> Band:
    least, most = kw.span
    return homes_by_peak(power_mw, most), homes_by_peak(power_mw, least)


def _best_year(state: State, found: dict[str, Table]) -> tuple[float, str]:
    """Return the energy of the fullest calendar year, or of the last 365 days if that is more."""
    yearly, (part, name) = found["yearly"], state.clock.last_year()
    last = float(found["hourly"]["facility_mw"][part].sum())
    best = int(np.argmax(yearly["facility_energy_mwh"]))
    energy = float(yearly["facility_energy_mwh"][best])
    return (energy, f"the year {int(yearly['year'][best])}") if energy > last else (last, name)
