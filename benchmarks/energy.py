"""Least-cost supply and dispatch of a year beside PyPSA and HiGHS, in CPU-seconds.

    uv run python benchmarks/energy.py [--folder ../shared/oracles/energy] [--whole]
        [--pypsa PYTHON] [--years 5]

The problem is read from the folder of the energy oracle: 8,760 hours, six capacities, a battery, a
ramp. `--whole` also hands the whole program to HiGHS. PyPSA is run where it is installed, or by
the interpreter given, with HiGHS's default solver and with HiPO, which HiGHS has with the extra
`highspy[extras]` alone. CPU time of the process with all its threads is what counts; every figure
comes from the same machine in the same run. Timing never decides a test: this is for people.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "oracles" / "energy"

PYPSA = '''
import json, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
import logging; logging.disable(logging.CRITICAL)
import pypsa
folder, options = sys.argv[1], json.loads(sys.argv[2])
read = json.load(open(folder + "/parameters.json"))
by, co2 = read["technologies"], read["co2_price_usd_per_t"]
data = np.genfromtxt(folder + "/hourly.csv", delimiter=",", names=True)
n = pypsa.Network(); n.set_snapshots(range(len(data)))
n.add("Bus", "bus"); n.add("Load", "load", bus="bus", p_set=data["load_mw"])
for name, one in by.items():
    if name == "battery":
        n.add("Bus", "cell")
        n.add("Store", "cell", bus="cell", e_nom_extendable=True, e_cyclic=True)
        n.add("Link", "in", bus0="bus", bus1="cell", p_nom_extendable=True,
              efficiency=one["charge_efficiency"])
        n.add("Link", "out", bus0="cell", bus1="bus", p_nom_extendable=True,
              efficiency=one["discharge_efficiency"],
              marginal_cost=one["discharge_usd_per_mwh"] * one["discharge_efficiency"],
              capital_cost=one["capital_usd_per_mw_year"] * one["discharge_efficiency"])
        continue
    if name == "load_shedding":
        n.add("Generator", name, bus="bus", p_nom=one["max_mw"],
              marginal_cost=one["marginal_usd_per_mwh"])
        continue
    terms = {"marginal_cost": one["marginal_usd_per_mwh"]}
    if name == "grid":
        terms["marginal_cost"] = data["grid_price_usd_per_mwh"]
    terms["marginal_cost"] = terms["marginal_cost"] + co2 * one.get("co2_t_per_mwh", 0.0)
    if "fixed_capacity_mw" in one:
        terms |= {"p_nom": one["fixed_capacity_mw"], "p_max_pu": one["availability"]}
    else:
        terms |= {"p_nom_extendable": True, "capital_cost": one["capital_usd_per_mw_year"],
                  "p_nom_max": one.get("max_capacity_mw", float("inf"))}
    if name in ("solar", "wind"):
        terms["p_max_pu"] = data[name + "_per_unit"]
    if "ramp_limit_per_hour_of_capacity" in one:
        terms |= {"ramp_limit_up": one["ramp_limit_per_hour_of_capacity"],
                  "ramp_limit_down": one["ramp_limit_per_hour_of_capacity"]}
    n.add("Generator", name, bus="bus", **terms)
battery = by["battery"]
def tie(n, snapshots):
    """One battery: both links and the store have the size of its power."""
    m = n.model
    power = m.variables["Link-p_nom"]; energy = m.variables["Store-e_nom"]
    key = power.dims[0]; ekey = energy.dims[0]
    give = power.sel({key: "out"}) * battery["discharge_efficiency"]
    m.add_constraints(power.sel({key: "in"}) - give == 0, name="tie-power")
    m.add_constraints(energy.sel({ekey: "cell"}) - battery["energy_hours"] * give == 0,
                      name="tie-energy")
begun = time.process_time()
n.optimize(solver_name="highs", extra_functionality=tie, **options)
print("ANSWER", json.dumps([time.process_time() - begun, float(n.objective)]))
'''


HIPO = """
import highspy
class Quiet(highspy.Highs):
    def enableCallbacks(self):
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()
raise SystemExit(Quiet().setOptionValue("solver", "hipo") != highspy.HighsStatus.kOk)
"""


def has_hipo(python: str) -> bool:
    """Return whether the HiGHS of an interpreter was built with HiPO."""
    done = subprocess.run([python, "-c", HIPO], capture_output=True, check=False)
    return done.returncode == 0


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU-seconds of a call, and what it gave."""
    begun = time.process_time()
    found = call()
    return time.process_time() - begun, found


def pypsa(python: str, folder: Path, options: dict[str, object]) -> tuple[float, float]:
    """Return PyPSA's CPU-seconds, building and solving, and its objective."""
    command = [python, "-c", PYPSA, str(folder), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(part for part in done.stdout.splitlines() if part.startswith("ANSWER"))
    seconds, objective = json.loads(line.removeprefix("ANSWER"))
    return seconds, objective


def beside(python: str | None, folder: Path, own: float, cost: float) -> None:
    """Print what PyPSA takes, over `own` CPU-seconds, and how far its cost is from `cost`."""
    if python is None:
        print("PyPSA is not installed; name an interpreter that has it with --pypsa")
        return
    for name, options in (
        ("PyPSA, default", {}),
        ("PyPSA, HiPO", {"solver_options": {"solver": "hipo"}}),
    ):
        if "HiPO" in name and not has_hipo(python):
            print(f"{name:28s} not run: this HiGHS has no HiPO; install highspy[extras]")
            continue
        try:
            taken, value = pypsa(python, folder, options)
        except (subprocess.CalledProcessError, StopIteration):
            print(f"{name:28s} did not finish here")
            continue
        print(f"{name:28s} {taken:8.2f} s   PyPSA / this = {taken / own:.0f}")
        off = cost / value - 1
        print(f"  cost {value:,.1f} USD, this is off by {off:+.1e}", flush=True)


def main() -> None:
    """Print what takes how long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--whole", action="store_true", help="HiGHS on the whole program too")
    parser.add_argument("--years", type=int, default=0, help="plan over so many years too")
    parser.add_argument("--pypsa", default=sys.executable if find_spec("pypsa") else None)
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "energy"))
    from energy_oracle import oracle_system

    begun = time.process_time()
    from gigawatt.energy.dispatch.build import build
    from gigawatt.energy.dispatch.run import dispatch
    from gigawatt.energy.expansion.plan import plan_supply
    from gigawatt.energy.program.monolithic import solve_monolithic

    imports = time.process_time() - begun
    system = oracle_system(given.folder)
    known = json.loads((given.folder / "expected.json").read_text())["objective_usd_per_year"]
    cold, plan = timed(lambda: plan_supply(system))
    own = min(timed(lambda: plan_supply(system))[0] for _ in range(3))
    print(f"imports                      {imports:8.2f} s")
    print(f"plan, first / warm           {cold:8.2f} s {own:8.2f} s")
    print(f"  cost {plan.total_usd:,.1f} USD, at least {plan.lower_bound_usd:,.1f}")
    print(f"  off the known optimum by {plan.total_usd / known - 1:+.1e}")
    runs = [timed(lambda: dispatch(system, plan.capacity_mw))[0] for _ in range(5)]
    print(f"dispatch, first / best of 5  {runs[0]:8.2f} s {min(runs):8.2f} s", flush=True)
    if given.years:
        from dataclasses import replace

        from gigawatt.energy.expansion.years import Build, plan_supply_over_years

        years = {
            2027 + y: replace(system, load_mw=system.load_mw * (0.4 + 0.2 * y))
            for y in range(given.years)
        }
        builds = {
            "ccgt": Build(earliest="2029-07-01"),
            "wind": Build(earliest="2028-04-01", most_mw_per_year=300.0),
        }
        taken, over = timed(lambda: plan_supply_over_years(years, builds, discount_rate=0.07))
        print(f"plan over {given.years} years            {taken:8.2f} s   gap {over.gap:.1e}")
    if given.whole:
        program = build(system).program
        taken, point = timed(lambda: solve_monolithic(program))
        value = program.objective(point.x, point.capacity)
        print(f"HiGHS, whole program         {taken:8.2f} s   HiGHS / this = {taken / own:.0f}")
        print(f"  cost {value:,.1f} USD, this is off by {plan.total_usd / value - 1:+.1e}")
    beside(given.pypsa, given.folder, own, plan.total_usd)


if __name__ == "__main__":
    main()
