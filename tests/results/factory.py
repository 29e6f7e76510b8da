# ruff: noqa: E501  tables read best with one row to a line
"""A made-up outcome with tables as the twin makes them, so that results are tested on their own."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np

from gigawatt.catalog import Fact, Source
from gigawatt.results.run import Run, from_outcome
from gigawatt.spec import Campus, Cooling, Horizon, Phase, Programme, Site
from gigawatt.spec.campus import ChipLot
from gigawatt.twin.outcome import Headline, Outcome, Table

ACTIVITIES = ("training", "hosting", "research", "data_processing", "idle")
BLOCKS = ("compute capital", "facility capital", "electricity", "operations")
SHARES = (0.45, 0.3, 0.15, 0.05, 0.05)

SOURCES = (
    Source("epoch", "Frontier data centers", "Epoch AI", "https://epoch.ai/data", "2026-06",
           "Epoch AI (CC BY 4.0)"),
    Source("vendor", "Rack <specification>", "Maker", "owner/repo@0123abc:docs/rack.md", "2025", ""),
    Source("odd", "A report on paper", "Somebody", "javascript:alert(1)", "2024-05-01", ""),
)  # fmt: skip


def facts() -> dict[str, Fact]:
    rows = [
        (
            "chip/gb200/all_in_it_kw",
            1.9,
            "kW",
            1.8,
            2.1,
            "2025-03",
            SOURCES[1],
            "derived",
            "incl. hosts",
        ),
        ("rate/home/peak_kw", 2.5, "kW/home", 1.2, 3.7, "2024", SOURCES[2], "estimate", ""),
        (
            "rate/home/energy_kwh_per_year",
            10500.0,
            "kWh/yr",
            None,
            None,
            "2024",
            SOURCES[2],
            "reported",
            "",
        ),
        (
            "campus/big/planned_facility_mw",
            2262.0,
            "MW",
            None,
            None,
            "2026-06-01",
            SOURCES[0],
            "reported",
            "<b>plan</b>",
        ),
    ]
    return {row[0]: Fact(*row) for row in rows}


def campus(name: str = "Big River", *, phases: bool = True, years: int = 2) -> Campus:
    built = tuple(
        Phase.model_construct(
            name=f"hall {i}", date=dt.date(2026, 1 + 4 * i, 1), it_mw=500.0, facility_mw=580.0,
            halls=2, chips=(ChipLot.model_construct(type=chip, count=None),), source=None,
        )
        for i, chip in enumerate(("gb200", "gb300"))
    )  # fmt: skip
    return Campus.model_construct(
        name=name,
        owner="Meta & Co",
        site=Site.model_construct(place="Richland Parish", state="LA", climate="c", grid="g"),
        horizon=Horizon.model_construct(start=dt.date(2026, 1, 1), years=years),
        phases=built if phases else (),
        cooling=Cooling.model_construct(plant="p"),
        programme=Programme(),
    )


def yaml(of: Campus) -> str:
    """Stand in for canonical YAML: JSON is YAML too."""
    return json.dumps(of.model_dump(mode="json", warnings=False), indent=1) + "\n"


def hourly(years: int, *, phases: bool) -> Table:
    time = np.arange("2026-01-01T00", f"{2026 + years}-01-01T00", dtype="datetime64[h]")
    hours, n = np.arange(len(time)), len(time)
    stage = (hours >= 0).astype(float) + (hours >= 24 * 120) if phases else np.zeros(n)
    chips = stage * 260_000.0
    swing = 0.72 + 0.05 * np.sin(hours * 2 * np.pi / 24)
    season = 12.0 + 10.0 * np.sin((hours - 2500) * 2 * np.pi / 8766)
    it_mw = stage * 500.0 * swing
    pue = 1.08 + 0.004 * np.maximum(season, 0.0)
    facility = np.minimum(it_mw * pue, stage * 580.0)
    split = {f"chips_{a}": chips * s for a, s in zip(ACTIVITIES, SHARES, strict=True)}
    return {
        "time": time.astype("datetime64[s]"), "chips_installed": chips, **split,
        "it_capacity_mw": stage * 500.0, "it_mw": it_mw, "pue": pue, "facility_mw": facility,
        "interconnection_mw": stage * 580.0, "onsite_mw": 0.25 * facility,
        "grid_mw": 0.75 * facility, "capped_mw": np.zeros(n), "water_m3": 0.2 * it_mw,
        "co2_t": 0.38 * facility, "electricity_usd": 62.0 * facility,
        "tokens_trained": chips * 0.45 * 3600 * 900.0, "tokens_served": chips * 0.3 * 3600 * 4000.0,
        "tokens_unserved": np.zeros(n), "temperature_c": season, "wet_bulb_c": season - 3.0,
    }  # fmt: skip


def tables(of: Campus) -> dict[str, Table]:
    hour = hourly(of.horizon.years, phases=bool(of.phases))
    size = len(of.phases)
    energy, it = hour["facility_mw"].sum(), hour["it_mw"].sum()
    text = lambda *v: np.array(v, dtype=object)  # noqa: E731
    money = [(b, a) for b in BLOCKS for a in ACTIVITIES]
    paid = 1e9 * hour["chips_installed"].sum() / 9e9
    years = hour["time"].astype("datetime64[Y]").astype(int) + 1970
    names, where = np.unique(years, return_inverse=True)
    yearly = {"year": names, "hours": np.bincount(where)}
    yearly["facility_energy_mwh"] = np.bincount(where, hour["facility_mw"])
    yearly["it_energy_mwh"] = np.bincount(where, hour["it_mw"])
    yearly["mean_pue"] = np.full(len(names), 1.13 if size else np.nan)
    share = np.bincount(where, hour["chips_installed"]) / max(hour["chips_installed"].sum(), 1.0)
    charges = (
        "compute_capital_charge_usd",
        "facility_capital_charge_usd",
        "electricity_usd",
        "operations_usd",
    )
    for column in charges:
        yearly[column] = 5 * paid * share
    yearly["total_cost_usd"] = sum(yearly[column] for column in charges)
    yearly["capital_usd"] = np.array([4.4e10 if size else 0.0] + [0.0] * (len(names) - 1))
    return {
        "hourly": hour,
        "phases": {
            "name": text(*(p.name for p in of.phases)),
            "date": np.array([p.date.isoformat() for p in of.phases], dtype="datetime64[D]"),
            "chip": text(*(p.chips[0].type for p in of.phases)),
            "chips": np.full(size, 260_000, dtype=np.int64),
            "it_mw": np.full(size, 500.0),
            "facility_mw": np.full(size, 580.0),
            "halls": np.full(size, 2, dtype=np.int64),
            "cumulative_chips": 260_000 * np.arange(1, size + 1),
            "cumulative_it_mw": 500.0 * np.arange(1, size + 1),
            "cumulative_facility_mw": 580.0 * np.arange(1, size + 1),
        },
        "yearly": yearly,
        "training_runs": _runs(),
        "services": _services(hour["tokens_served"].sum()),
        "supply": {
            "name": text("gas plant", "grid"), "technology": text("combined-cycle", "grid"),
            "connection": text("behind-the-meter", "interconnection"),
            "capacity_mw": np.array([300.0, 1160.0]), "energy_mwh": energy * np.array([0.25, 0.75]),
            "co2_t": energy * np.array([0.09, 0.29]), "cost_usd": energy * np.array([12.0, 50.0]),
        },
        "ledger_energy": {
            "side": text(*["use"] * 6, "supply", "supply"),
            "account": text(*(f"IT: {a.replace('_', ' ')}" for a in ACTIVITIES), "cooling and losses",
                            "gas plant", "grid"),
            "mwh": np.array([*(it * s for s in SHARES), energy - it, 0.25 * energy, 0.75 * energy]),
        },
        "ledger_accelerator_hours": {
            "account": text(*ACTIVITIES), "chip": text(*["gb200"] * 5),
            "hours": hour["chips_installed"].sum() * np.array(SHARES),
        },
        "ledger_money": {
            "account": text(*(b for b, _ in money)), "activity": text(*(a for _, a in money)),
            "usd": np.full(len(money), paid),
        },
    }  # fmt: skip


def _runs() -> Table:
    times = lambda *t: np.array(t, dtype="datetime64[s]")  # noqa: E731
    return {
        "name": np.array(["first", "second"], dtype=object),
        "model": np.array(["llama-4-maverick", "llama-4-scout"], dtype=object),
        "chip": np.array(["gb200", "gb200"], dtype=object),
        "precision": np.array(["bf16", "bf16"], dtype=object),
        "start": times("2026-01-01T00:00:00", "2026-04-02T13:20:11"),
        "end": times("2026-04-02T13:20:11", "NaT"),
        "end_low": times("2026-03-01", "NaT"),
        "end_high": times("2026-05-09", "NaT"),
        "tokens_planned": np.array([22e12, 4e17]),
        "tokens_trained": np.array([22e12, 3.1e15]),
        "finished": np.array([True, False]),
        "accelerator_hours": np.array([2.5e8, 1e9]),
        "tokens_per_s_per_chip": np.array([900.0, np.nan]),
        "tokens_per_s_per_chip_low": np.array([700.0, np.nan]),
        "tokens_per_s_per_chip_high": np.array([1100.0, np.nan]),
        "published_runs": np.array([7, 0]),
        "cost_usd": np.array([4e8, 2e9]),
    }


def _services(served: float) -> Table:
    return {
        "name": np.array(["chat"], dtype=object),
        "model": np.array(["llama-4-maverick"], dtype=object),
        "chip": np.array(["gb200"], dtype=object),
        "precision": np.array(["fp8"], dtype=object),
        "requests_served": np.array([served / 1200]),
        "tokens_served": np.array([served]),
        "tokens_unserved": np.array([0.0]),
        "output_tokens_served": np.array([served / 4]),
        "accelerator_hours": np.array([1.3e9]),
        "tokens_per_s_per_chip": np.array([4000.0]),
        "tokens_per_s_per_chip_low": np.array([2000.0]),
        "tokens_per_s_per_chip_high": np.array([7000.0]),
        "published_points": np.array([12]),
        "peak_chips": np.array([156_000.0]),
        "cost_usd": np.array([1.9e9]),
        "usd_per_million_tokens": np.array([0.1 if served else np.nan]),
        "usd_per_million_tokens_low": np.array([0.06 if served else np.nan]),
        "usd_per_million_tokens_high": np.array([0.2 if served else np.nan]),
        "usd_per_million_output_tokens": np.array([0.4 if served else np.nan]),
    }


def headlines(of: Campus, made: dict[str, Table]) -> tuple[Headline, ...]:
    keys = tuple(facts())
    energy = float(made["yearly"]["facility_energy_mwh"][-1])
    peak = float(made["hourly"]["facility_mw"].max())
    gw = "2026-05-01" if of.phases else None
    rows: list[tuple[Any, ...]] = [
        ("chips_installed", "Accelerators at the end of the horizon", "capacity", 520_000.0, "chips"),
        ("first_gw_date", "First gigawatt energised", "capacity", gw, "date", None, None,
         "first date at which the phases' facility power reaches 1,000 MW", keys[-1:], ("phases[0]",),
         "" if gw else "never: the phases come to 0 MW"),
        ("planned_maximum_mw", "Planned maximum of the dated phases", "capacity", 1160.0, "MW"),
        ("planned_maximum_date", "Date of the planned maximum", "capacity", gw, "date"),
        ("peak_facility_mw", "Highest facility power", "power", peak, "MW", 0.9 * peak, 1.1 * peak,
         "IT power x PUE of the hour, within the point of interconnection", keys[:1], ("phases", "cooling.pue")),
        ("peak_facility_time", "Hour of the highest facility power", "power", "2026-07-21T18:00:00Z", "time"),
        ("mean_pue", "PUE over the horizon", "power", 1.134, "ratio", 1.1, 1.2, "facility energy / IT energy"),
        ("facility_energy_mwh_last_year", "Energy in 2027", "energy", energy, "MWh", None, None, "sum"),
        ("co2_t", "CO2 over the horizon", "energy", 0.38 * energy, "t", None, None, "energy x intensity"),
        ("training_tokens", "Tokens trained", "training", 3.12e15, "tokens", 2e15, 4e15, "chips x rate"),
        ("training_runs_finished", "Training runs finished", "training", 1.0, "runs"),
        ("served_tokens", "Tokens served, input and output", "hosting", 2.2e18, "tokens"),
        ("total_cost_usd", "Cost over the horizon", "money", float(made["yearly"]["total_cost_usd"].sum()), "USD"),
        ("usd_per_million_tokens_served", "Cost of a million tokens served", "money", 0.1, "USD/Mtoken", 0.06, 0.2),
        ("homes_by_energy", "US homes of the same yearly energy", "homes", energy / 10.5, "homes", None, None,
         "energy in 2027 / energy of the mean US home a year", keys[2:3], ()),
        ("homes_by_peak", "Homes of the same power at the system's peak", "homes", peak / 2.5e-3, "homes",
         peak / 3.7e-3, peak / 1.2e-3, "highest facility power / power of one home at the peak", keys[1:2], ()),
    ]  # fmt: skip
    return tuple(Headline(*row) for row in rows)


def outcome(of: Campus | None = None, seed: int = 0, warnings: tuple[str, ...] = ()) -> Outcome:
    of = of or campus()
    made = tables(of)
    return Outcome(
        campus=of, seed=seed, headlines=headlines(of, made), tables=made, facts=tuple(facts()),
        warnings=warnings, timings_s={"all": 0.01},
    )  # fmt: skip


def run(of: Campus | None = None, seed: int = 0, warnings: tuple[str, ...] = ()) -> Run:
    made = outcome(of, seed, warnings)
    return from_outcome(made, yaml(made.campus), facts().__getitem__)
