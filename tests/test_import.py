"""Starting up stays light: what is imported, and how much CPU time it takes."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import pytest

import gigawatt
from gigawatt.cli._app import COMMANDS

HEAVY = {"numpy", "pydantic", "duckdb", "pandas", "ruamel", "rich", "jinja2", "plotly", "scipy"}
MOST_CPU_MS = 150.0
TRIES = 10  # the machine may be busy with other tests; the best try is the one that counts

ENTRIES = {
    "import": "import gigawatt",
    "help": "from gigawatt.cli import main; main(['--help'])",
    "version": "from gigawatt.cli import main; main(['--version'])",
}


@pytest.mark.parametrize("code", ENTRIES.values(), ids=ENTRIES)
def test_nothing_heavy_is_imported(code):
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr)}
    assert "gigawatt" in loaded
    assert not loaded & HEAVY


def test_help_imports_no_command():
    script = f"import sys\n{ENTRIES['help']}\nprint(*sys.modules, sep='\\n', file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert "gigawatt.cli._app" in loaded
    assert not loaded & {module for module, _ in COMMANDS.values()}


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="CPU time of a child needs os.wait4")
@pytest.mark.parametrize("code", ENTRIES.values(), ids=ENTRIES)
def test_start_up_takes_little_cpu(code):
    spent_ms: list[float] = []
    while len(spent_ms) < TRIES and min(spent_ms, default=MOST_CPU_MS) >= MOST_CPU_MS:
        spent_ms.append(_cpu_ms([sys.executable, "-c", code]))
    assert min(spent_ms) < MOST_CPU_MS, f"CPU time of {len(spent_ms)} tries: {spent_ms}"


def _cpu_ms(args: list[str]) -> float:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    # A machine told not to keep bytecode would compile every module at every start.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    child = os.posix_spawn(args[0], args, kept, file_actions=quiet)
    _, status, usage = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return 1e3 * (usage.ru_utime + usage.ru_stime)


@pytest.mark.parametrize("name", gigawatt.__all__)
def test_every_public_name_is_there(name):
    assert getattr(gigawatt, name) is not None
    assert name in dir(gigawatt)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gigawatt.nothing


def test_simulate_is_the_one_that_makes_runs():
    results = importlib.import_module("gigawatt.results")
    assert gigawatt.simulate is results.simulate
