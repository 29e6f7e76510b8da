"""A run: one simulated campus, from memory or from its folder, with the same face either way."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gigawatt
from gigawatt import spec
from gigawatt.errors import InputError
from gigawatt.results import identity, store
from gigawatt.results.figures import figure
from gigawatt.results.numbers import quantity
from gigawatt.results.report import render
from gigawatt.results.summary import build
from gigawatt.results.tables import Frames, MemoryTables, ParquetTables, Tables
from gigawatt.twin.outcome import Headline

if TYPE_CHECKING:
    from collections.abc import Callable

    import plotly.graph_objects as go

    from gigawatt.catalog import Fact
    from gigawatt.spec import Campus
    from gigawatt.twin.outcome import Outcome

__all__ = ["Run", "from_outcome", "open_run", "simulate"]

_LEDGERS = {
    "energy": "ledger_energy",
    "accelerator_hours": "ledger_accelerator_hours",
    "money": "ledger_money",
}


class Run:
    """What a campus came to: answers, tables, ledgers and figures.

    Made by `simulate` and `open_run`.

    Parameters
    ----------
    summary : dict
        Everything a reader asks for, in JSON types.
    meta : dict
        Version, seed and digests that decide the run.
    campus_yaml : str
        The campus as simulated.
    tables : Tables
        Where the columns are.
    timings_s : dict of str to float, optional
        Wall time of each stage; known only where the run was just made, and never stored.
    """

    def __init__(
        self,
        summary: dict[str, Any],
        meta: dict[str, Any],
        campus_yaml: str,
        tables: Tables,
        timings_s: dict[str, float] | None = None,
    ) -> None:
        self.summary = summary
        self.meta = meta
        self.campus_yaml = campus_yaml
        self.columns = tables
        self.timings_s = dict(timings_s or {})
        self.tables = Frames(tables)
        self.ledger = Frames(tables, _LEDGERS)

    @property
    def id(self) -> str:
        """Name of the run: the campus and a digest of all that decides its bytes."""
        return str(self.summary["run"])

    @property
    def seed(self) -> int:
        """Seed of every draw of chance."""
        return int(self.meta["seed"])

    @property
    def campus(self) -> Campus:
        """The campus as simulated."""
        return spec.loads(self.campus_yaml, name=f"{self.id}/campus.yaml")

    @property
    def headlines(self) -> dict[str, Headline]:
        """Answers by name, in the order a reader wants them."""
        return {
            name: Headline(name, **{**h, "facts": tuple(h["facts"]), "inputs": tuple(h["inputs"])})
            for name, h in self.summary["headlines"].items()
        }

    def figure(self, name: str) -> go.Figure:
        """Return a figure by name; `gigawatt.results.FIGURES` lists them.

        Raises
        ------
        UnknownPartError
            If there is no such figure.
        """
        import plotly.graph_objects as go  # noqa: PLC0415  heavy, and only notebooks need it

        return go.Figure(figure(name, self.summary, self.columns))

    def report(self, path: str | Path) -> Path:
        """Write the report, one HTML file that needs nothing else, and return its path.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        target = Path(path)
        store.write_text(target, render(self))
        return target

    def save(self, parent: str | Path = "runs") -> Path:
        """Write the run's folder under `parent`, whole or not at all, and return it.

        A whole run of the same name is left alone, since its name stands for its bytes.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        return store.save(Path(parent), self.id, self.meta, self._write)

    def _write(self, folder: Path) -> None:
        from gigawatt.results.parquet import write_tables  # noqa: PLC0415  loads DuckDB

        summary = json.dumps(self.summary, indent=2, ensure_ascii=False, allow_nan=False)
        texts = {
            "campus.yaml": self.campus_yaml,
            "summary.json": summary + "\n",
            "report.html": render(self),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        write_tables(self.columns, folder)

    def __repr__(self) -> str:
        horizon, headlines = self.summary["horizon"], self.headlines
        shown = [f"{self.summary['campus']}, {horizon['start']} to {horizon['end']}"]
        for name in ("peak_facility_mw", "training_tokens", "total_cost_usd"):
            if name in headlines and headlines[name].value is not None:
                h = headlines[name]
                shown.append(f"{h.label.lower()} {quantity(h.value, h.unit, name)}")
        return f"<Run {self.id}: {'; '.join(shown)}>"


def simulate(campus: Campus, seed: int = 0) -> Run:
    """Simulate a campus, hour by hour over its horizon.

    Parameters
    ----------
    campus : Campus
        From `gigawatt.load`, `gigawatt.loads` or built in code.
    seed : int
        Seed of every draw of chance.
    """
    from gigawatt.twin import simulate_campus  # noqa: PLC0415  a run is opened without it

    return from_outcome(simulate_campus(campus, seed=seed))


def from_outcome(
    outcome: Outcome,
    campus_yaml: str | None = None,
    fact: Callable[[str], Fact] | None = None,
) -> Run:
    """Return the run of an outcome.

    Parameters
    ----------
    outcome : Outcome
        What the twin came to.
    campus_yaml : str, optional
        The campus as canonical YAML, where the caller has it already.
    fact : callable, optional
        Finds a fact by its key; the catalogue's own by default.
    """
    if campus_yaml is None:
        campus_yaml = spec.to_yaml(outcome.campus)
    inputs = identity.input_digest(outcome.campus)
    run = identity.run_id(outcome.campus.name, campus_yaml, outcome.seed, inputs)
    meta = {
        "format": 1,
        "gigawatt": gigawatt.__version__,
        "run": run,
        "campus": outcome.campus.name,
        "seed": outcome.seed,
        "input_sha256": hashlib.sha256((campus_yaml + inputs).encode()).hexdigest(),
        "package_sha256": identity.package_digest(),
        "libraries": identity.libraries(),
        "tables": {name: len(next(iter(t.values()))) for name, t in outcome.tables.items()},
    }
    summary = build(outcome, run, fact)
    return Run(summary, meta, campus_yaml, MemoryTables(outcome.tables), outcome.timings_s)


def open_run(path: str | Path) -> Run:
    """Open a run's folder.

    Raises
    ------
    InputError
        If the folder is no run, or lost a file.
    """
    folder = Path(path)
    meta = store.read_meta(folder)
    if not store.is_complete(folder):
        message = f"{folder} is not whole: a file that {store.META} lists is missing or cut short"
        raise InputError(message)
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        campus_yaml = (folder / "campus.yaml").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        message = f"{folder} cannot be read: {error}"
        raise InputError(message) from error
    if not isinstance(summary, dict) or "run" not in summary:
        message = f"{folder / 'summary.json'} is no summary of a run"
        raise InputError(message)
    return Run(summary, meta, campus_yaml, ParquetTables(folder, tuple(meta["tables"])))
