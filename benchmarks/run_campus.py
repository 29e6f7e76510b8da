"""How long a campus takes, from the command to the written run.

    uv run python benchmarks/run_campus.py

Prints wall and CPU seconds of ``gigawatt run hyperion`` (five years, hour by hour) in a new
process and of the simulation alone once the program is loaded, each the best of five. Timing never
decides a test: this is for people.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time

REPEATS = 5


def command_s() -> tuple[float, float]:
    """Return wall and CPU seconds of the whole command, run and report written."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "gigawatt", "run", "hyperion", "--out", folder, "--quiet"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def simulation_s() -> float:
    """Return the wall seconds of one simulation in a warm process."""
    import gigawatt as gw
    from gigawatt.twin import simulate_campus

    campus = gw.load("hyperion")
    begun = time.perf_counter()
    simulate_campus(campus)
    return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    wall, cpu = min(command_s() for _ in range(REPEATS))
    warm = min(simulation_s() for _ in range(REPEATS))
    print(f"gigawatt run hyperion, new process   {wall:6.2f} s wall  {cpu:6.2f} s CPU  (goal 3 s)")
    print(f"simulation of five years, warm       {warm:6.3f} s wall")


if __name__ == "__main__":
    main()
