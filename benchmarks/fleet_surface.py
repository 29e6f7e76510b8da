"""How far the surface of an instance, on which a fleet rests, is from simulating every request.

    uv run python benchmarks/fleet_surface.py [--requests 20000]

Requests arrive by chance (Poisson) and are played through the engine one by one with the step
times of the same model, at five shares of the most that the surface says an instance finishes.
Printed are the surface's errors in the mean time to the first token and per further token, with
lengths all alike and with lognormal ones of variation 1, for instances whose attention is in one
group and in several. In several groups, which work in step, the simulation knows that a prompt is
read by one of them while the others wait; the surface takes all groups to read at the same time.
Below 1 in "finished" the instance does not finish what the surface says, and its latencies grow
without end. This is for people; a test holds one of the rows.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.compute.hosting.planning.percentiles import Tail

LOADS = (0.2, 0.5, 0.7, 0.85, 0.95)


@dataclass(frozen=True, slots=True)
class Row:
    """One instance and its requests."""

    model: str
    chip: str
    split: dict[str, int]
    sequences: int  # at most, of each attention group
    tokens: tuple[int, int]  # of the mean prompt and answer

    @property
    def title(self) -> str:
        """What is served on what."""
        split = " ".join(f"{name}={value}" for name, value in self.split.items())
        return (
            f"{self.model} on {self.chip}, {split}, {self.sequences} sequences a group, "
            f"{self.tokens[0]:,} / {self.tokens[1]:,} tokens"
        )


ROWS = (
    Row("llama-3.1-70b", "h100-sxm", {"tp": 4}, 256, (1024, 256)),
    Row("llama-3.1-8b", "h100-sxm", {"tp": 1}, 256, (1024, 1024)),
    Row("deepseek-v3", "gb200", {"tp": 8, "ep": 8}, 512, (1155, 211)),
    Row("llama-3.1-70b", "h100-sxm", {"tp": 8}, 256, (8000, 500)),
    Row("gpt-oss-120b", "b200", {"tp": 1, "attn_dp": 2}, 256, (1024, 512)),
    Row("deepseek-v3", "gb200", {"tp": 2, "attn_dp": 4, "ep": 8}, 128, (1155, 211)),
    Row("deepseek-v3", "gb200", {"tp": 1, "attn_dp": 8, "ep": 8}, 64, (1155, 211)),
    Row("deepseek-v3", "gb200", {"tp": 1, "attn_dp": 16, "ep": 16}, 64, (4000, 1000)),
)


def compared(row: Row, variation: float, requests: int) -> list[tuple[float, float, Tail]]:
    """Return the surface's errors in TTFT and TPOT, and the simulation, for each load."""
    from gigawatt import catalog
    from gigawatt.catalog.architecture import architecture
    from gigawatt.compute.dims import dims_of
    from gigawatt.compute.hosting import calibration
    from gigawatt.compute.hosting.fleet.surface import VariedMix, hosting_surface
    from gigawatt.compute.hosting.planning.percentiles import (
        Arrivals,
        Case,
        measured,
        play,
        trace_of,
    )
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.step import Split
    from gigawatt.compute.hosting.step_latency import Instance, instance_latency

    mix = VariedMix(
        input_tokens=row.tokens[0],
        output_tokens=row.tokens[1],
        input_variation=variation,
        output_variation=variation,
    )
    arch, split = architecture(row.model), Split(**row.split)
    setting = ServingSetting(catalog.load().get("chip", row.chip))
    surface = hosting_surface(arch, setting, split, mix, most_sequences=row.sequences)
    server, _, _ = calibration.server(setting)
    case = Case(Instance(dims_of(arch), split, server), mix, 1e5, 8192.0, row.sequences)
    latency = instance_latency(case.instance)
    # The same number for all: at least 4,000, and five for each of these at a time.
    trace = trace_of(mix, Arrivals(length_variation=variation), 90, (requests - 4000) / 5.0)
    found = []
    for load in LOADS:
        rate = load * surface.most_per_s
        tail, at = measured(case, play(case, latency, trace.at_rate(rate))), surface.at(rate)
        found.append(
            (
                float(at.ttft_s) / tail.ttft_s["mean"] - 1.0,
                float(at.tpot_s) / tail.tpot_s["mean"] - 1.0,
                tail,
            )
        )
    return found


def shown(name: str, values: Sequence[str]) -> None:
    """Print a line."""
    print(f"  {name:22}" + "".join(f"{value:>10}" for value in values))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000, help="of each simulation")
    requests = parser.parse_args().requests
    begun = time.perf_counter()
    for row in ROWS:
        print(row.title)
        shown("load", [f"{load:.0%}" for load in LOADS])
        for name, variation in (("alike", 0.0), ("varied", 1.0)):
            found = compared(row, variation, requests)
            shown(f"TTFT, {name}", [f"{ttft:+.1%}" for ttft, _, _ in found])
            shown(f"TPOT, {name}", [f"{tpot:+.1%}" for _, tpot, _ in found])
            # The mean over a request weighs short answers as much as long ones.
            shown(f"finished, {name}", [f"{tail.finished:.3f}" for *_, tail in found])
        print()
    print(f"{len(ROWS) * 2 * len(LOADS)} simulations of {requests:,} requests in "
          f"{time.perf_counter() - begun:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
