"""A day of a service on a gigawatt: hourly chips, power, latency, tokens and cost.

    uv run python benchmarks/fleet_day.py [--model deepseek-v3] [--users 10e6]

Picks the split that serves most requests a second and accelerator within the limits, plays a day
hour by hour, and prints the seconds from the first import to the answer, goal 5, beside those of a
year of four services. Timing never decides a test: this is for people.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gigawatt.compute.hosting.fleet.run import FleetRun
    from gigawatt.compute.hosting.fleet.simulate import Service

BEGUN = time.perf_counter()


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llama-4-maverick")
    parser.add_argument("--chip", default="gb200")
    parser.add_argument("--it-mw", type=float, default=1000.0, help="IT power of the pool")
    parser.add_argument("--users", type=float, default=10e6)
    parser.add_argument("--ttft-ms", type=float, default=1000.0, help="limit on the mean")
    parser.add_argument("--tpot-ms", type=float, default=50.0, help="limit on the mean")
    parser.add_argument("--start-up-h", type=float, default=0.25)
    parser.add_argument("--repair-h", type=float, default=24.0)
    parser.add_argument("--spares", type=int, default=1)
    parser.add_argument("--headroom", type=float, default=0.1)
    parser.add_argument("--usd-per-chip-hour", type=float, help="default: the catalogue's own cost")
    return parser.parse_args()


def best_service(asked: argparse.Namespace, chip: Any) -> Service:  # noqa: ANN401  a lazy import
    """Return the service on the split that serves most with each accelerator."""
    from gigawatt import catalog
    from gigawatt.catalog.architecture import architecture
    from gigawatt.compute.hosting.fleet.simulate import Service
    from gigawatt.compute.hosting.fleet.surface import VariedMix, hosting_surface
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.step import Split
    from gigawatt.errors import InputError

    usage = catalog.load().get("rate", "usage")
    mix = VariedMix(
        input_tokens=usage.number("input_tokens_per_request"),
        output_tokens=usage.number("output_tokens_per_request"),
    )
    arch, on = architecture(asked.model), ServingSetting(chip)
    best: tuple[float, Service] | None = None
    for ranks in (4, 8, 16):
        for tp in (1, ranks):
            split = Split(tp=tp, attn_dp=ranks // tp, ep=ranks)
            try:
                surface = hosting_surface(arch, on, split, mix)
            except InputError:
                continue
            rate = surface.most_within(asked.ttft_ms / 1e3, asked.tpot_ms / 1e3)
            if rate > 0 and (best is None or rate / ranks > best[0]):
                service = Service(
                    name=f"{asked.model} on {ranks} x {chip.id}, tp {tp}",
                    surface=surface,
                    rate_per_s=rate,
                    headroom=asked.headroom,
                    spares=asked.spares,
                    start_up_h=asked.start_up_h,
                )
                best = (rate / ranks, service)
    if best is None:
        message = "no split keeps the limits"
        raise SystemExit(message)
    return best[1]


def show(run: FleetRun, usd: float) -> None:
    """Print the day."""
    print("IT power: of the instances, and of the whole pool with what stands idle")
    print("hour  instances   chips   MW of all MW  TTFT ms  TPOT ms  M tokens  unserved  kUSD/h")
    chips = run.accelerators[0]
    for h in range(run.asked.shape[1]):
        print(
            f"{h:4d}  {run.there[0, h]:9,.0f} {chips[h]:7,.0f}"
            f" {run.service_power_w[0, h] / 1e6:6.2f} {run.it_power_w[h] / 1e6:6.1f}"
            f"  {run.ttft_s[0, h] * 1e3:7.0f}  {run.tpot_s[0, h] * 1e3:7.1f}"
            f"  {run.output_tokens_served[0, h] / 1e6:8.1f}"
            f"  {run.unserved[0, h] / run.asked[0, h]:8.2%}  {chips[h] * usd / 1e3:6.2f}"
        )
    tokens = run.output_tokens_served.sum()
    energy_j = run.service_power_w.sum() * 3600 * run.step_h
    print(f"energy of the instances  {energy_j / tokens:.3f} J per output token")
    print(
        f"their cost               {chips.sum() * usd / tokens * 1e6:.3f} USD per M output tokens"
    )
    for name, hours in run.accelerator_hours().items():
        print(f"{name:12s} {hours:14,.0f} accelerator-hours")


def main() -> None:
    """Answer, and say how long it took."""
    asked = arguments()
    from gigawatt import catalog
    from gigawatt.compute.hosting.fleet.demand import demand_per_s, failures_of
    from gigawatt.compute.hosting.fleet.simulate import Pool, simulate_fleet
    from gigawatt.compute.hosting.fleet.surface import rated_power_w

    book = catalog.load()
    chip, usage = book.get("chip", asked.chip), book.get("rate", "usage")
    service = best_service(asked, chip)
    idle_w, _, rated_w = rated_power_w(chip)
    per_host = int(book.get("system", chip.text("system")).number("chips_per_host"))
    pool = Pool(
        accelerators=int(asked.it_mw * 1e6 / rated_w + 1e-9),
        idle_w=idle_w,
        outages=failures_of("lablup-b200", asked.repair_h, per_host),
    )
    a_day, swing = usage.number("requests_per_user_day"), usage.number("peak_to_mean") - 1.0
    demand = demand_per_s(24, [asked.users], a_day, swing=swing, peak_hour=15.0)
    run = simulate_fleet([service], demand, pool)
    usd = asked.usd_per_chip_hour
    print(
        f"{service.name}: {service.rate_per_s:.1f} requests/s an instance, of {pool.accelerators:,}"
    )
    show(run, chip.number("own_usd_per_h") if usd is None else usd)
    print(f"a day, first import to answer  {time.perf_counter() - BEGUN:6.2f} s wall  (goal 5 s)")
    year = demand_per_s(8760, [asked.users] * 4, a_day, swing=swing, growth_per_year=0.5)
    begun = time.perf_counter()
    simulate_fleet([service] * 4, year, pool)
    print(f"a year of four services, warm  {time.perf_counter() - begun:6.2f} s wall")


if __name__ == "__main__":
    main()
