"""A year of supply as plain numbers and text, for programs, and as a table of hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigawatt.twin.energy_year.money import exit_fees

if TYPE_CHECKING:
    from gigawatt.energy.expansion.extra import ExtraCost
    from gigawatt.twin.energy_year.firmness import Holding
    from gigawatt.twin.energy_year.plan import EnergyPlan
    from gigawatt.twin.energy_year.simulate import EnergyYear
    from gigawatt.twin.outcome import Table

__all__ = ["energy_record", "hourly_table"]


def energy_record(energy: EnergyYear) -> dict[str, Any]:
    """Return what ``gigawatt energy --format json`` prints; the glossary has its keys."""
    run, bill, firmness = energy.dispatch, energy.utility_bill, energy.firmness
    fees = exit_fees(energy)
    return {
        "campus": energy.campus.name,
        "period": energy.site.installed.period,
        "hours": int(energy.times.size),
        "announced": energy.announced,
        "seed": energy.seed,
        "tariff": energy.grid.terms.name,
        "import_mw": energy.import_mw,
        "contracted_mw": energy.contracted_mw,
        "answers": {
            head.name: {
                "label": head.label, "group": head.group, "value": head.value, "unit": head.unit,
                "low": head.low, "high": head.high, "formula": head.formula, "note": head.note,
                "facts": list(head.facts),
            }
            for head in energy.answers
        },
        "capacity_mw": dict(run.capacity_mw),
        "energy_mwh": run.energy_mwh,
        "cost_usd": energy.cost_usd,
        "bill": {
            "parts_usd": dict(bill.parts_usd),
            "demand_mw": bill.demand_mw.tolist(),
            "billed_mw": bill.billed_mw.tolist(),
        },
        "exit_fee_usd": None if isinstance(fees, str) else [usd for _, usd in fees],
        "co2_t": run.co2_t,
        "fuel_mmbtu": dict(energy.carbon.fuel_mmbtu),
        "islands": [_holding(h) for h in firmness.islands],
        "without_grid": None if firmness.alone is None else _holding(firmness.alone),
        "dispatch_gap": run.gap,
        "plan": None if energy.plan is None else _plan(energy.plan),
        "facts": sorted({key for head in energy.answers for key in head.facts}),
    }  # fmt: skip


def _holding(one: Holding) -> dict[str, Any]:
    return {
        "name": one.name,
        "peak_mw": one.peak_mw,
        "installed_mw": one.installed_mw,
        "firm_mw": one.firm_mw,
        "loss_of_load_h": one.loss_of_load_h,
        "expected_unserved_mwh": one.unserved_mwh,
        "why": one.why,
    }


def _plan(plan: EnergyPlan) -> dict[str, Any]:
    found = plan.over_years
    return {
        "ordered": plan.ordered,
        "earliest": plan.earliest,
        "years": list(found.years),
        "total_usd": found.total_usd,
        "lower_bound_usd": found.lower_bound_usd,
        "gap": found.gap,
        "built_mw": {name: mw.tolist() for name, mw in found.built_mw.items()},
        "standing_mw": {name: mw.tolist() for name, mw in found.capacity_mw.items()},
        "yearly_usd": found.cost_usd.tolist(),
        "extra_gigawatt": [_extra(row) for row in plan.extra],
        "reliable": None
        if plan.reliable is None
        else {
            "capacity_mw": dict(plan.reliable.plan.capacity_mw),
            "lolh_h": plan.reliable.reliability.lolh_h,
            "firm_mw": plan.reliable.firm_mw,
            "firmness_usd": plan.reliable.firmness_usd,
        },
    }


def _extra(row: ExtraCost) -> dict[str, Any]:
    return {
        "year": row.year,
        "built_mw": dict(row.built_mw),
        "extra_usd_per_year": row.usd_per_year,
        "extra_usd_per_mwh": row.usd_per_mwh,
        "capital_usd": row.capital_usd,
        "co2_t_per_year": row.co2_t_per_year,
        "why_not": row.why_not,
    }


def hourly_table(energy: EnergyYear) -> Table:
    """Return a row for each hour: load, what each source gives, price and carbon."""
    run = energy.dispatch
    table: Table = {"time": energy.times, "load_mw": energy.load_mw}
    table |= {f"{name} [MW]": mw for name, mw in run.output_mw.items()}
    for name in run.charge_mw:
        table[f"{name} charge [MW]"] = run.charge_mw[name]
        table[f"{name} discharge [MW]"] = run.discharge_mw[name]
        table[f"{name} stored [MWh]"] = run.stored_mwh[name]
    table |= {f"{name} [MW]": mw for name, mw in run.throttled_mw.items()}
    table |= {
        "unserved_mw": run.unserved_mw,
        "grid_price_usd_per_mwh": energy.grid.price_usd_per_mwh,
        "grid_co2_kg_per_mwh": 1000.0 * energy.grid.co2_t_per_mwh,
        "marginal_usd_per_mwh": run.price_usd_per_mwh,
    }
    return table
