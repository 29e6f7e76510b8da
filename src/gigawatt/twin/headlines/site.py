"""What stands there, what it draws and what it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.twin.headlines._make import Maker, times

if TYPE_CHECKING:
    from gigawatt.twin.outcome import Headline, Table
    from gigawatt.twin.state import State

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["capacity", "energy", "energy_factors", "power"]

_GW_MW = 1000.0


def capacity(state: State, found: dict[str, Table]) -> list[Headline]:
    """Return what stands there, and when."""
    make, phases = Maker(state, "capacity"), found["phases"]
    built = phases["cumulative_facility_mw"]
    dates = [str(d) for d in phases["date"]]
    planned = float(built[-1]) if built.size else 0.0
    cap = state.campus.power.interconnection_mw
    energised = built if cap is None else np.minimum(built, cap)
    gigawatt = next((d for d, mw in zip(dates, energised, strict=True) if mw >= _GW_MW), None)
    why = "" if gigawatt else f"never: the phases come to {planned:,.0f} MW"
    if not gigawatt and cap is not None and cap < min(planned, _GW_MW):
        why = f"never: the point of interconnection allows {cap:,.0f} MW"
    announced = state.campus.announced_maximum_mw
    more = f"announced: up to {announced:,.0f} MW, the rest without dates" if announced else ""
    top = int(np.argmax(built)) if built.size else -1
    limit = float(state.capacity.interconnection_mw[-1])
    return [
        make("chips_installed", "Accelerators at the end of the horizon",
             float(state.capacity.installed[-1]), "chips",
             "sum over the phases; a lot without a count fills its phase's IT power", "chips"),
        make("first_chips_date", "First accelerators", dates[0] if dates else None, "date",
             "date of the first phase", "phases", note="" if dates else "no phase"),
        make("first_gw_date", "First gigawatt energised", gigawatt, "date",
             "first date at which the phases' facility power, within the point of interconnection, "
             "reaches 1,000 MW", "interconnection", note=why),
        make("planned_maximum_mw", "Planned maximum of the dated phases", planned, "MW",
             "sum of the phases' facility power", "phases", "announced", note=more),
        make("planned_maximum_date", "Date of the planned maximum", dates[top] if dates else None,
             "date", "date of the last phase that adds power", "phases", note=more),
        make("interconnection_mw", "Most the facility may draw at the end of the horizon", limit,
             "MW", "facility power of the phases, within the limit stated", "interconnection"),
        _bisection(state, make),
    ]  # fmt: skip


def _bisection(state: State, make: Maker) -> Headline:
    network, field = state.campus.network, "scale_out_gbit_per_s"
    end = state.clock.end
    lots, stated = [t for t in state.capacity.lots if t.date < end], network.scale_out_gbit_per_s
    silent = sorted({lot.chip.id for lot in lots if stated is None and field not in lot.chip})
    total = None
    if not silent:
        rates = [lot.chip.number(field) if stated is None else stated for lot in lots]
        ends = sum(lot.count * rate for lot, rate in zip(lots, rates, strict=True))
        total = ends / 2.0 / network.oversubscription / 1000.0
    facts = tuple(lot.chip[field] for lot in lots if stated is None and field in lot.chip)
    note = f"no scale-out rate is published for {', '.join(silent)}" if silent else ""
    return make("bisection_tbit_per_s", "Scale-out bisection bandwidth", total, "Tbit/s",
                "accelerators x scale-out rate / 2 / oversubscription, at the end of the horizon",
                "network", facts=facts, note=note)  # fmt: skip


def power(state: State, found: dict[str, Table]) -> list[Headline]:
    """Return what it draws from hour to hour."""
    make, hourly = Maker(state, "power"), found["hourly"]
    facility, it_mw = hourly["facility_mw"], hourly["it_mw"]
    worst = int(np.argmax(facility)) if facility.size else 0
    energy_mwh = float(facility.sum())
    pue = energy_mwh / float(it_mw.sum()) if it_mw.any() else float("nan")
    powered = facility[facility > 0]
    load = float(powered.mean() / powered.max()) if powered.size else float("nan")
    return [
        make("peak_it_mw", "Highest IT power", float(it_mw.max(initial=0.0)), "MW",
             "rated power of the accelerators x share of the rating drawn in each activity",
             "it_power"),
        make("peak_facility_mw", "Highest facility power", float(facility.max(initial=0.0)), "MW",
             "IT power x PUE of the hour, within the point of interconnection", "facility_power"),
        make("peak_facility_time", "Hour of the highest facility power",
             str(hourly["time"][worst]) + "Z" if facility.any() else None, "time",
             "first hour of the highest facility power", "facility_power"),
        make("mean_pue", "PUE over the horizon", pue, "ratio", "facility energy / IT energy",
             "facility_power", band=times(pue, state.plant.pue_band), note=state.plant.note),
        make("load_factor", "Load factor while powered", load, "ratio",
             "mean facility power over the hours with any / highest", "facility_power"),
        make("capped_mwh", "IT energy given up to the power limit",
             float(hourly["capped_mw"].sum()), "MWh",
             "IT power wanted - IT power allowed, summed over the hours", "facility_power"),
    ]  # fmt: skip


def energy(state: State, found: dict[str, Table]) -> list[Headline]:
    """Return what it uses."""
    make, hourly = Maker(state, "energy"), found["hourly"]
    facility = hourly["facility_mw"]
    total, factors = float(facility.sum()), energy_factors(state)
    part, year = state.clock.last_year()
    last, it = float(facility[part].sum()), float(hourly["it_mw"].sum())
    wue = state.plant.wue_band
    located, market = float(hourly["co2_t"].sum()), float(hourly["co2_market_t"].sum())
    return [
        make("facility_energy_mwh", "Energy over the horizon", total, "MWh",
             "facility power summed over the hours", "facility_power",
             band=times(total, factors), note="band of the measured power use, not of the PUE"),
        make("facility_energy_mwh_last_year", "Energy in the last whole year", last, "MWh",
             "facility power summed over the last whole year", "facility_power",
             band=times(last, factors), note=year),
        make("water_m3", "Water over the horizon", float(hourly["water_m3"].sum()), "m3",
             "IT energy x water use of the plant", "water", band=(it * wue[0], it * wue[1])),
        make("co2_t", "CO₂ over the horizon, location-based", located, "t",
             "energy over the grid x the grid's yearly mean intensity + own sources' emissions",
             "co2", band=times(located, factors), note="direct emissions only"),
        make("co2_market_t", "CO₂ over the horizon, contracts counted", market, "t",
             "as above, but contracted energy has the intensity of its own source", "co2",
             band=times(market, factors), note="direct emissions only"),
    ]  # fmt: skip


def energy_factors(state: State) -> tuple[float, float]:
    """Return energy at the P10 and P90 of the measured power use, over its value."""
    total = float(state.facility_mw.sum())
    if not total:
        return 1.0, 1.0
    ends = []
    for which in (1, 2):
        it_mw = sum(
            state.capacity.rated_mw * share * state.drawn[activity][which]
            for activity, share in state.schedule.shares.items()
        )
        limited = np.minimum(it_mw, state.limits.allowed_mw) * state.plant.pue
        ends.append(float(limited.sum()) / total)
    return min(ends[0], 1.0), max(ends[1], 1.0)
