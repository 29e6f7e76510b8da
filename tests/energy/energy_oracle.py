"""The published problem of least-cost supply, read from its files."""

from __future__ import annotations

import json

import numpy as np

from gigawatt.energy.system import Source, Storage, System


def oracle_system(folder, hours=8760):
    """Return the oracle's system, read from its files."""
    text = (folder / "parameters.json").read_text(encoding="utf-8")
    read = json.loads(text)
    by = read["technologies"]
    data = np.genfromtxt(folder / "hourly.csv", delimiter=",", names=True)[:hours]

    def planned(name, **terms):
        one = by[name]
        known = {"co2_t_per_mwh": "co2_t_per_mwh", "max_capacity_mw": "most_mw",
                 "capital_usd_per_mw_year": "capital_usd_per_mw_year",
                 "ramp_limit_per_hour_of_capacity": "ramp_per_hour"}  # fmt: skip
        terms |= {mine: one[theirs] for theirs, mine in known.items() if theirs in one}
        terms.setdefault("marginal_usd_per_mwh", one["marginal_usd_per_mwh"])
        return Source(name=name, **(terms))

    nuclear = by["nuclear"]
    battery = by["battery"]
    shedding = by["load_shedding"]
    return System(
        load_mw=data["load_mw"],
        sources=(
            Source(
                name="grid", marginal_usd_per_mwh=data["grid_price_usd_per_mwh"],
                co2_t_per_mwh=by["grid"]["co2_t_per_mwh"], most_mw=by["grid"]["max_capacity_mw"],
                capital_usd_per_mw_year=by["grid"]["capital_usd_per_mw_year"],
            ),
            planned("ccgt", fuel="natural gas"),
            planned("ocgt", fuel="natural gas"),
            Source(
                name="nuclear", marginal_usd_per_mwh=nuclear["marginal_usd_per_mwh"],
                capacity_mw=nuclear["fixed_capacity_mw"], availability=nuclear["availability"],
            ),
            planned("solar", availability=data["solar_per_unit"]),
            planned("wind", availability=data["wind_per_unit"]),
        ),
        storages=(
            Storage(
                name="battery", energy_hours=battery["energy_hours"],
                charge_efficiency=battery["charge_efficiency"],
                discharge_efficiency=battery["discharge_efficiency"],
                discharge_usd_per_mwh=battery["discharge_usd_per_mwh"],
                capital_usd_per_mw_year=battery["capital_usd_per_mw_year"],
            ),
        ),
        unserved_usd_per_mwh=shedding["marginal_usd_per_mwh"],
        unserved_most_mw=shedding["max_mw"],
        co2_usd_per_t=read["co2_price_usd_per_t"],
    )  # fmt: skip
