"""The headlines of a run: each number with its band, its formula and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.energy.homes import homes_by_energy, homes_by_peak
from gigawatt.twin.outcome import Headline

if TYPE_CHECKING:
    from gigawatt.catalog import Fact
    from gigawatt.twin.outcome import Table
    from gigawatt.twin.simulate import State

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["headlines"]

_GW_MW = 1000.0


def headlines(state: State, found: dict[str, Table]) -> tuple[Headline, ...]:
    """Return the answers, in the order a reader wants them."""
    return (
        *_capacity(state, found),
        *_power(state, found),
        *_energy(state, found),
        *_training(state, found),
        *_hosting(state, found),
        *_money(state, found),
        *_homes(state, found),
    )


class _Maker:
    """Make headlines of one group whose sources come from the lineage."""

    def __init__(self, state: State, group: str) -> None:
        self._lineage, self._group = state.lineage, group

    def __call__(
        self,
        name: str,
        label: str,
        value: float | str | None,
        unit: str,
        formula: str,
        *after: str,
        band: tuple[float | str | None, float | str | None] = (None, None),
        facts: tuple[Fact, ...] = (),
        note: str = "",
    ) -> Headline:
        if isinstance(value, float) and not np.isfinite(value):
            value, note = None, note or "nothing to divide by: the campus does none of it"
        keys = sorted({*self._lineage.facts(*after), *(f.key for f in facts)})
        return Headline(
            name,
            label,
            self._group,
            value,
            unit,
            band[0],
            band[1],
            formula,
            tuple(keys),
            self._lineage.inputs(*after),
            note,
        )


def _capacity(state: State, found: dict[str, Table]) -> list[Headline]:
    make, phases = _Maker(state, "capacity"), found["phases"]
    energised = phases["cumulative_facility_mw"]
    dates = [str(d) for d in phases["date"]]
    planned = float(energised[-1]) if energised.size else 0.0
    top = int(np.argmax(energised)) if energised.size else -1
    gigawatt = next((d for d, mw in zip(dates, energised, strict=True) if mw >= _GW_MW), None)
    announced = state.campus.announced_maximum_mw
    more = f"announced: up to {announced:,.0f} MW, the rest without dates" if announced else ""
    end = int(state.capacity.installed[-1]) if state.clock.hours else 0
    return [
        make("chips_installed", "Accelerators at the end of the horizon", float(end), "chips",
             "sum over the phases; a lot without a count fills its phase's IT power", "chips"),
        make("first_chips_date", "First accelerators", dates[0] if dates else None, "date",
             "date of the first phase", "phases", note="" if dates else "no phase"),
        make("first_gw_date", "First gigawatt energised", gigawatt, "date",
             "first date at which the phases' facility power reaches 1,000 MW", "interconnection",
             note="" if gigawatt else f"never: the phases come to {planned:,.0f} MW"),
        make("planned_maximum_mw", "Planned maximum of the dated phases", planned, "MW",
             "sum of the phases' facility power, within the point of interconnection",
             "interconnection", "announced", note=more),
        make("planned_maximum_date", "Date of the planned maximum", dates[top] if dates else None,
             "date", "date of the last phase that adds power", "interconnection", note=more),
        _bisection(state, make),
    ]  # fmt: skip


def _bisection(state: State, make: _Maker) -> Headline:
    network, field = state.campus.network, "scale_out_gbit_per_s"
    lots, stated = state.capacity.lots, network.scale_out_gbit_per_s
    silent = sorted({lot.chip.id for lot in lots if stated is None and field not in lot.chip})
    total = None
    if not silent:
        rates = [lot.chip.number(field) if stated is None else stated for lot in lots]
        ends = sum(lot.count * rate for lot, rate in zip(lots, rates, strict=True))
        total = ends / 2.0 / network.oversubscription / 1000.0
    facts = tuple(lot.chip[field] for lot in lots if stated is None and field in lot.chip)
    note = f"no scale-out rate is published for {', '.join(silent)}" if silent else ""
    return make("bisection_tbit_per_s", "Scale-out bisection bandwidth", total, "Tbit/s",
                "accelerators x scale-out rate / 2 / oversubscription, every dated phase",
                "chips", facts=facts, note=note)  # fmt: skip


def _power(state: State, found: dict[str, Table]) -> list[Headline]:
    make, hourly = _Maker(state, "power"), found["hourly"]
    facility, it_mw = hourly["facility_mw"], hourly["it_mw"]
    worst = int(np.argmax(facility)) if facility.size else 0
    energy, capped = float(facility.sum()), float(hourly["capped_mw"].sum())
    low, high = state.plant.pue_band
    pue = energy / float(it_mw.sum()) if it_mw.any() else float("nan")
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
        make("mean_pue", "PUE over the horizon", pue, "ratio",
             "facility energy / IT energy", "facility_power", band=(pue * low, pue * high)),
        make("load_factor", "Load factor while powered", load, "ratio",
             "mean facility power over the hours with any / highest", "facility_power"),
        make("capped_mwh", "IT energy lost to the point of interconnection", capped, "MWh",
             "IT power wanted - IT power allowed, summed over the hours", "facility_power"),
    ]  # fmt: skip


def _energy(state: State, found: dict[str, Table]) -> list[Headline]:
    make, yearly = _Maker(state, "energy"), found["yearly"]
    total = float(yearly["facility_energy_mwh"].sum())
    low, high = _energy_band(state)
    last = _last_whole_year(found)
    year = int(yearly["year"][last])
    factor = yearly["facility_energy_mwh"][last]
    wue_low, wue_high = state.plant.wue_band
    it = float(yearly["it_energy_mwh"].sum())
    band = (factor * low / total, factor * high / total) if total else (None, None)
    return [
        make("facility_energy_mwh", "Energy over the horizon", total, "MWh",
             "facility power summed over the hours", "facility_power", band=(low, high)),
        make("facility_energy_mwh_last_year", "Energy in the last whole year", float(factor),
             "MWh", "facility power summed over the last whole year", "facility_power", band=band,
             note=f"the year {year}"),
        make("water_m3", "Water over the horizon", float(yearly["water_m3"].sum()), "m3",
             "IT energy x water use of the plant", "water", band=(it * wue_low, it * wue_high)),
        make("co2_t", "CO₂ over the horizon", float(yearly["co2_t"].sum()), "t",
             "energy of each source x its direct intensity; the grid at its yearly mean", "co2",
             note="location-based; direct emissions only"),
    ]  # fmt: skip


def _energy_band(state: State) -> tuple[float, float]:
    """Return the energy over the horizon at the P10 and P90 of the measured power use."""
    ends = []
    for which in (1, 2):
        it_mw = sum(
            state.capacity.rated_mw * share * state.drawn[activity][which]
            for activity, share in state.shares.items()
        )
        limited = np.minimum(it_mw * state.plant.pue, state.capacity.interconnection_mw)
        ends.append(float(limited.sum()))
    return ends[0], ends[1]


def _training(state: State, found: dict[str, Table]) -> list[Headline]:
    make, runs = _Maker(state, "training"), found["training_runs"]
    trained = float(runs["tokens_trained"].sum())
    low = sum(float(r.tokens.sum()) * state.speeds.bands[r.run.name][0] for r in state.runs)
    high = sum(
        min(float(r.tokens.sum()) * state.speeds.bands[r.run.name][1], r.run.tokens)
        for r in state.runs
    )
    ends = runs["end"][runs["finished"]]
    last = str(ends.max()) + "Z" if ends.size else None
    whole, model = _whole_campus(state, found)
    return [
        make("whole_campus_tokens_per_day", "Tokens a day, were the whole campus to train", whole,
             "tokens/day",
             "accelerators at the end x peak x run utilisation / FLOP per token of the first run",
             "tokens_trained", band=_times(whole, _first_band(state)),
             note=f"tokens of {model}" if whole else "no training run is planned"),
        make("training_tokens", "Tokens trained", trained, "tokens",
             "accelerators x peak x run utilisation / FLOP per token, until each run's tokens",
             "tokens_trained", band=(low, high),
             note=_speed_note(runs, "utilisation of whole published runs, losses included")),
        make("training_runs_finished", "Training runs finished", float(runs["finished"].sum()),
             "runs", "runs whose tokens are all trained within the horizon", "tokens_trained",
             note=_too_large(state, state.speeds.training)),
        make("training_last_end", "End of the last finished run", last, "time",
             "hour at which its tokens are trained", "tokens_trained",
             note="" if last else "no run finishes within the horizon"),
    ]  # fmt: skip


def _whole_campus(state: State, found: dict[str, Table]) -> tuple[float | None, str]:
    """Return the tokens a day of the first run's model on every accelerator, and the model."""
    models = found["training_runs"]["model"]
    if not len(models):
        return None, "Training"
    first = state.campus.programme.training[0]
    book = catalog.load()
    known = book.has("model", first.model)
    name = book.get("model", first.model).text("name") if known else first.model
    return float(state.speeds.training[first.name][-1]) * 24.0, name


def _first_band(state: State) -> tuple[float, float]:
    runs = state.campus.programme.training
    return state.speeds.bands[runs[0].name] if runs else (1.0, 1.0)


def _times(value: float | None, band: tuple[float, float]) -> tuple[float | None, float | None]:
    return (None, None) if value is None else (value * band[0], value * band[1])


def _speed_note(table: Table, *said: str) -> str:
    """Return the notes of a group, with what its speeds were extrapolated to."""
    found = {part.strip() for basis in table["basis"] for part in str(basis).split(";")}
    return "; ".join([s for s in said if s] + sorted(f for f in found if "extrapolated" in f))


def _too_large(state: State, speeds: dict[str, Hours]) -> str:
    """Return which models never fit the memory of their share."""
    return "; ".join(
        f"{name} needs {state.speeds.memory_gb[name]:,.0f} GB, more than its share ever holds"
        for name, speed in speeds.items()
        if state.capacity.installed.any() and not speed.any()
    )


def _hosting(state: State, found: dict[str, Table]) -> list[Headline]:
    make, services = _Maker(state, "hosting"), found["services"]
    served = float(services["tokens_served"].sum())
    names = [r.service.name for r in state.services]
    pairs = list(zip(names, services["tokens_served"], strict=True))
    low = sum(float(t) * state.speeds.bands[n][0] for n, t in pairs)
    high = sum(float(t) * state.speeds.bands[n][1] for n, t in pairs)
    day = found["hourly"]["tokens_served"][-24:].sum() if state.clock.hours else 0.0
    fact = catalog.load().get("rate", "usage")
    each = sum(fact.number(f) for f in ("input_tokens_per_request", "output_tokens_per_request"))
    users = float(day) / each / fact.number("requests_per_user_day")
    used = tuple(
        fact[f]
        for f in ("input_tokens_per_request", "output_tokens_per_request", "requests_per_user_day")
    )
    return [
        make("served_tokens", "Tokens served, input and output", served, "tokens",
             "accelerators x peak x serving utilisation / FLOP of a request, up to the demand",
             "tokens_served", band=(low, high),
             note=_speed_note(services, _too_large(state, state.speeds.serving))),
        make("unserved_tokens", "Tokens asked for but not served",
             float(services["tokens_unserved"].sum()), "tokens",
             "demand - tokens served, where the demand is stated", "tokens_served"),
        make("users_equivalent", "Daily users on the last day, in typical chat users", users,
             "users", "tokens served on the last day / tokens of a typical user a day",
             "tokens_served", facts=used,
             note="a capacity, not a forecast: agents and long contexts take far more than a chat"),
    ]  # fmt: skip


def _money(state: State, found: dict[str, Table]) -> list[Headline]:
    make, yearly = _Maker(state, "money"), found["yearly"]
    services, ledger = found["services"], found["ledger_money"]
    start, end = state.clock.start, state.clock.end
    dates = [p.date for p in state.campus.phases]
    built = np.array([d < end for d in dates], dtype=bool)
    capital = float(state.money.capital_usd[built].sum()) if dates else 0.0
    earlier = sum(
        float(usd) for d, usd in zip(dates, state.money.capital_usd, strict=True) if d < start
    )
    low, high = state.rates.capital_band
    last = _last_whole_year(found)
    total, hours = float(ledger["usd"].sum()), float(state.capacity.installed.sum())
    hosting = float(services["cost_usd"].sum())
    served = float(services["tokens_served"].sum())
    output = float(services["output_tokens_served"].sum())
    per = _ratio(hosting, served) * 1e6
    spread = _serving_spread(state, found)
    note = f"of which {earlier / 1e9:.1f} billion USD before the horizon" if earlier else ""
    return [
        make("capital_usd", "Capital, computers and facility", capital, "USD",
             "IT power of the phases x capital per MW of IT", "capital",
             band=(capital * low, capital * high), note=note),
        make("yearly_cost_usd", "Cost of the last whole year",
             float(yearly["total_cost_usd"][last]), "USD/yr",
             "capital charge + electricity + operations in the last whole year", "cost",
             note=f"the year {int(yearly['year'][last])}"),
        make("total_cost_usd", "Cost over the horizon", total, "USD",
             "capital charge + electricity + operations, summed over the hours", "cost"),
        make("usd_per_accelerator_hour", "Cost of an accelerator-hour", _ratio(total, hours),
             "USD/h", "cost over the horizon / accelerator-hours installed", "cost", "chips"),
        make("usd_per_million_tokens_served", "Cost of a million tokens served", per,
             "USD/Mtoken", "cost of hosting / tokens served, input and output", "cost",
             "tokens_served", band=(per / spread[1], per / spread[0]) if served else (None, None)),
        make("usd_per_million_output_tokens", "Cost of a million output tokens",
             _ratio(hosting, output) * 1e6, "USD/Mtoken",
             "cost of hosting / output tokens; reading the input is in the cost", "cost",
             "tokens_served"),
    ]  # fmt: skip


def _serving_spread(state: State, found: dict[str, Table]) -> tuple[float, float]:
    """Return low and high of the tokens served over their value, services weighted by tokens."""
    weights = found["services"]["tokens_served"]
    if not weights.sum():
        return 1.0, 1.0
    bands = np.array([state.speeds.bands[r.service.name] for r in state.services])
    low, high = (bands * weights[:, None]).sum(axis=0) / weights.sum()
    return float(low), float(high)


def _homes(state: State, found: dict[str, Table]) -> list[Headline]:
    make, yearly = _Maker(state, "homes"), found["yearly"]
    home = catalog.load().get("rate", "home")
    energy, year = _best_year(yearly)
    peak = float(yearly["peak_facility_mw"].max())
    kw = home["peak_kw"]
    least, most = kw.span
    us = home["energy_kwh_per_year"]
    rows = [
        make("homes_by_energy", "US homes of the same yearly energy",
             homes_by_energy(energy, us.number), "homes",
             f"energy in {year} / energy of the mean US home a year", "facility_power",
             facts=(us,)),
        make("homes_by_peak", "Homes of the same power at the system's peak",
             homes_by_peak(peak, kw.number), "homes",
             "highest facility power / power of one home in the hour when all homes draw most",
             "facility_power", facts=(kw,),
             band=(homes_by_peak(peak, most), homes_by_peak(peak, least))),
    ]  # fmt: skip
    book, state_id = catalog.load(), state.campus.site.state
    if state_id is not None and book.has("state", state_id):
        local = book.get("state", state_id)
        if "home_kwh_per_year" in local:
            fact = local["home_kwh_per_year"]
            rows.insert(1, make(
                "homes_by_energy_in_state", "Homes of its own state of the same yearly energy",
                homes_by_energy(energy, fact.number), "homes",
                f"energy in {year} / energy of the mean home of the state a year",
                "facility_power", facts=(fact,), note=local.text("name")))  # fmt: skip
    announced = state.campus.announced_maximum_mw
    return rows + (_announced_homes(make, announced, us, kw) if announced else [])


def _announced_homes(make: _Maker, power_mw: float, us: Fact, kw: Fact) -> list[Headline]:
    """Return the homes of the announced maximum, by both accountings."""
    least, most = kw.span
    full_year_mwh = power_mw * 8760.0
    named = f"announced {power_mw:,.0f} MW"
    return [
        make("announced_homes_by_energy", "US homes of the announced maximum, at full load",
             homes_by_energy(full_year_mwh, us.number), "homes",
             f"{named} x 8,760 h / energy of the mean US home a year", "announced", facts=(us,)),
        make("announced_homes_by_peak", "Homes of the announced maximum, at the system's peak",
             homes_by_peak(power_mw, kw.number), "homes",
             f"{named} / power of one home in the hour when all homes draw most", "announced",
             facts=(kw,), band=(homes_by_peak(power_mw, most), homes_by_peak(power_mw, least))),
    ]  # fmt: skip


def _best_year(yearly: Table) -> tuple[float, int]:
    best = int(np.argmax(yearly["facility_energy_mwh"]))
    return float(yearly["facility_energy_mwh"][best]), int(yearly["year"][best])


def _last_whole_year(found: dict[str, Table]) -> int:
    """Return the row of the last calendar year that the horizon covers whole, or the fullest."""
    hours: Any = found["yearly"]["hours"]
    whole = np.flatnonzero(hours >= 8760)
    return int(whole[-1]) if whole.size else int(np.argmax(hours))


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom else float("nan")
