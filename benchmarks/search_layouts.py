"""How fast the search over training layouts is.

    uv run python benchmarks/search_layouts.py

Searches all layouts of dense models on as many accelerators as the published tables of Calculon
(Isaev et al., "Calculon: a methodology and tool for high-level co-design of systems and large
language models", SC23) and of two modern ones on more, each after one search to warm up. Prints the
best of three: CPU seconds on one core, layouts decided (timed, or found too large for the memory)
and timed for each second, and the best layout; then the time of one estimate. Calculon itself was
measured at 145 to 320 layouts/s on such a machine, SimuMax at 40 to 60 ms an estimate. Timing never
decides a test: this is for people.
"""

from __future__ import annotations

import resource
import time
from dataclasses import fields

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.memory import STATE_RECIPES
from gigawatt.compute.training.calibration import machine
from gigawatt.compute.training.estimate import capacity_gb, estimate_step
from gigawatt.compute.training.layout import Layout
from gigawatt.compute.training.limits import Limits
from gigawatt.compute.training.plan import stack_of
from gigawatt.compute.training.search import Found, search
from gigawatt.compute.training.setting import Setting

REPEATS = 3
ESTIMATES = 20
BATCHES = 20

# Model, chip, accelerators, tokens of a sequence, sequences of a step, share that may stay idle.
# A million is 2^6 5^6: a batch of 16,000 divides well on all of them; 16,384 on most of them.
CASES = (
    ("gpt-3-175b", "a100-80gb", 64, 2048, 1536, 0.0),
    ("gpt-3-175b", "a100-80gb", 512, 2048, 1536, 0.0),
    ("gpt-3-175b", "a100-80gb", 4096, 2048, 1536, 0.0),
    ("megatron-1t", "a100-80gb", 64, 2048, 3072, 0.0),
    ("megatron-1t", "a100-80gb", 512, 2048, 3072, 0.0),
    ("megatron-1t", "a100-80gb", 4096, 2048, 3072, 0.0),
    ("llama-3.1-405b", "h100-sxm", 16_384, 8192, 2048, 0.0),
    ("llama-3.1-405b", "h100-sxm", 16_384, 131_072, 128, 0.0),
    ("llama-3.1-405b", "h100-sxm", 16_384, 8192, 2048, 0.1),
    ("llama-4-maverick", "gb200", 1_000_000, 8192, 16_000, 0.0),
    ("llama-4-maverick", "gb200", 1_000_000, 8192, 16_384, 0.05),
    ("llama-4-maverick", "gb200", 1_048_576, 8192, 16_384, 0.0),
    ("deepseek-v3", "gb200", 1_000_000, 8192, 16_384, 0.05),
)


def setting_of(chip: str) -> Setting:
    """Return a chip in BF16 with the newest software."""
    entry = catalog.load().get("chip", chip)
    return Setting(entry, "bf16", stack_of("today", entry))


def timed(
    model: str, chip: str, accelerators: int, seq_len: int, batch: int, idle: float
) -> tuple[float, Found]:
    """Return the CPU seconds of a warm search, and what it found."""
    setting = setting_of(chip)
    dims, (where, _) = dims_of(architecture(model)), machine(setting)
    seconds = []
    for _ in range(REPEATS + 1):
        begun = time.process_time()
        found = search(
            dims,
            where,
            accelerators=accelerators,
            seq_len=seq_len,
            global_batch=batch,
            recipe=STATE_RECIPES["bf16"],
            hbm_gb=capacity_gb(setting),
            limits=Limits(idle=idle),
        )
        seconds.append(time.process_time() - begun)
    return min(seconds[1:]), found


def described(found: Found) -> str:
    """Return the best layout in words."""
    if found.timed == 0:
        return "nothing fits"
    best = found.layout.take(0)
    degrees = " ".join(f"{item.name}={int(getattr(best, item.name))}" for item in fields(Layout))
    step_s, used_gb = float(found.step.total_s[0]), float(found.used_gb[0])
    return f"{step_s:.3f} s, {used_gb:.1f} GB, {int(found.idle[0])} idle: {degrees}"


def main() -> None:
    """Print one line and the best layout of each case."""
    heads = ("layouts", "timed", "s", "decided/s", "timed/s")
    print("{:18}{:>10}{:>12}{:>11}{:>8}{:>12}{:>12}".format("model", "chips", *heads))
    for case in CASES:
        seconds, found = timed(*case)
        model, _, accelerators = case[:3]
        rates = f"{found.decided / seconds:12,.0f}{found.timed / seconds:12,.0f}"
        counts = f"{found.decided:12,}{found.timed:11,}"
        print(f"{model:18}{accelerators:10,}{counts}{seconds:8.3f}{rates}\n  {described(found)}")
    arch, setting = architecture("llama-3.1-405b"), setting_of("h100-sxm")
    layout = Layout(tp=8, pp=16, vpp=8, dp=128, shard=128)
    batches = []
    for _ in range(BATCHES):
        begun = time.process_time()
        for _ in range(ESTIMATES):
            estimate_step(arch, layout, setting, 8192, 2048)
        batches.append((time.process_time() - begun) / ESTIMATES)
    print(f"one estimate with memory and band: {min(batches) * 1e3:.2f} ms")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
