"""Run the program in this process, and as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from gigawatt.cli._app import app

if TYPE_CHECKING:
    from collections.abc import Callable


SMALL = """\
gigawatt: 1
name: Small
site: {place: Richland Parish, state: LA, climate: monroe-la, grid: miso}
horizon: {start: 2027-01-01, years: 1}
phases:
  - {name: one, date: 2027-01-01, it_mw: 10, facility_mw: 13, chips: [{type: gb200}]}
cooling: {plant: closed-loop-dry}
programme:
  training_share: 0.5
  training: [{name: run, model: llama-3.1-8b, tokens: 1 T}]
  services: [{name: chat, model: llama-3.1-70b, users: 100 k, share: 0.3}]
"""


@pytest.fixture(autouse=True)
def _one_width(monkeypatch):
    """Fold text as in a terminal of 120 columns: workers of a parallel run have another width."""
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def small(tmp_path):
    """Return the path of a campus file that is quick to simulate."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def cli(tmp_path, monkeypatch) -> Callable[..., Result]:
    """Return a function that runs the program here, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> Result:
        result = CliRunner().invoke(app, [str(arg) for arg in args], prog_name="gigawatt")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def program(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the program as a process, in an empty folder."""

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gigawatt", *(str(arg) for arg in args)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return call
