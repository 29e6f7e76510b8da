"""Write the reference pages that follow from the program: command line, catalogue, Python.

Called from ``conf.py`` at every build. The pages are not kept in the repository, so they cannot
fall behind the program.
"""

# ruff: noqa: INP001  a script beside conf.py, not a package

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import shutil
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt import catalog
from gigawatt.cli._app import COMMANDS, app
from gigawatt.cli._text import quantity, span
from gigawatt.validation import validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gigawatt.catalog import Catalog, Entry, Fact, Source
    from gigawatt.validation import Prediction

__all__ = [
    "api_page",
    "catalog_page",
    "cli_page",
    "sources_page",
    "validation_page",
    "write_all",
]

PACKAGES: Final = (
    "errors",
    "units",
    "catalog",
    "spec",
    "compute",
    "site",
    "energy",
    "programme",
    "twin",
    "results",
    "validation",
)
"""Packages with a public face, in the order of their imports."""

_DOMAINS: Final = {
    "training": (
        "Accelerator-hours of the same runs by the step model: the best layout at the run's "
        "count, the software of its year, and one share of time that whole runs spend on other "
        "things, learnt from the other runs. With a file of measured steps or of MLPerf results "
        "it predicts those; [its accuracy](../../concepts/training-accuracy.md) on published "
        "steps has a page of its own."
    ),
    "training-runs": (
        "Accelerator-hours of whole published runs, from tokens, model, accelerator and the "
        "utilisation of the other runs. Small models are the hardest: their launch overhead and "
        "their extra stages (the 8B runs of Llama 3 include more than pre-training) are not "
        "modelled yet."
    ),
    "training-new-chips": (
        "The same, but every run of the same chip is left out: what a chip must expect on which "
        "nobody has published a run."
    ),
    "serving": (
        "Share of the peak that became served tokens, within the latency class of the point, from "
        "points of other models. One share for a class knows neither batch nor memory bandwidth: "
        "long answers, and many small experts at a tight latency, are overestimated most. "
        "With a file of measured "
        "points or of MLPerf results it predicts those by the step model of `gigawatt host`; "
        "[its accuracy](../../concepts/serving.md) on published points has a page of its own."
    ),
    "serving-new-chips": (
        "The same, but every point of the same chip is left out. FLOP/s have grown faster than "
        "memory bandwidth, so newer chips come out too fast."
    ),
    "schedule": (
        "Dates of the last copy of Epoch AI's tracker, forecast from earlier copies by a fit that "
        "has not seen it; days from the earlier copy to the date. Beside them the dates as they "
        "were announced."
    ),
    "finance": (
        "Published figures of money: capital of a gigawatt, its cost for a year, what owning an "
        "accelerator costs for an hour, and Hyperion's joint venture. Nothing is fitted to them; "
        "bands are published ranges of the inputs."
    ),
    "capability": (
        "Losses of models on the Pile by a law of scaling whose one scale comes from another "
        "family, and indices of models, each by a fit without it."
    ),
}
_ERROR_HEADER: Final = ("group", "rows", "mean", "median", "P90", "bias", "in P10–P90")
_PHASES_LAST: Final = ("phase", "month", "serving")
_HELP_WIDTH: Final = 88
_STREAMS: Final = (
    "Results go to stdout, progress and warnings to stderr. Exit codes: 0 done, 1 failed, "
    "2 bad input, 130 interrupted."
)


def write_all(folder: Path) -> None:
    """Write every generated page into the folder, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "catalogue").mkdir(parents=True)
    (folder / "python").mkdir()
    (folder / "cli.md").write_text(cli_page(), encoding="utf-8")
    (folder / "validation.md").write_text(validation_page(), encoding="utf-8")
    facts = catalog.load()
    kinds = sorted(facts.kinds, key=lambda kind: (kind in _PHASES_LAST, kind))
    for kind in kinds:
        page = folder / "catalogue" / f"{kind}.md"
        page.write_text(catalog_page(facts, kind), encoding="utf-8")
    (folder / "catalogue" / "sources.md").write_text(sources_page(facts), encoding="utf-8")
    (folder / "catalogue" / "index.md").write_text(_catalog_index(facts, kinds), encoding="utf-8")
    packages = [name for name in PACKAGES if importlib.util.find_spec(f"gigawatt.{name}")]
    for name in packages:
        (folder / "python" / f"{name}.rst").write_text(api_page(name), encoding="utf-8")
    (folder / "python" / "index.md").write_text(_api_index(packages), encoding="utf-8")


def cli_page() -> str:
    """Return the command-line reference: the help of every command as the program prints it."""
    parts = [
        "# Command line",
        _STREAMS,
        _help(app, "gigawatt", None, **app.context_settings),
    ]
    with click.Context(app, info_name="gigawatt", **app.context_settings) as parent:
        for name in COMMANDS:
            command = app.get_command(parent, name)
            if command is None:
                message = f"the table names a command '{name}' that does not exist"
                raise LookupError(message)
            parts += [f"## gigawatt {name}", _help(command, name, parent)]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, name: str, parent: click.Context | None, **settings: Any) -> str:  # noqa: ANN401  what click takes
    settings |= {"terminal_width": _HELP_WIDTH, "max_content_width": _HELP_WIDTH}
    context = click.Context(command, info_name=name, parent=parent, color=False, **settings)
    return f"```text\n{click.unstyle(command.get_help(context)).rstrip()}\n```"


def validation_page() -> str:
    """Return how predictions compare with measurements, by domain and group, as of this build."""
    parts = [
        (
            "# Validation\n\nEvery row is predicted by a model that has not seen it: a training "
            "run without its own model, a serving point without any point of its model. Errors are "
            "absolute, in per cent of the measurement; the bias is the median error with its sign; "
            "coverage is the share of rows within the P10–P90 band and should be near 80.\n\n"
            "`gigawatt validate` prints the same from the installed program.\n"
        )
    ]
    for name, words in _DOMAINS.items():
        scored, rows = validate(name)
        groups = [("all", scored), *scored["groups"].items()]
        table = [(label, str(g["predicted"]), *_errors(g)) for label, g in groups]
        parts.append(f"## {name}\n\n{words}\n")
        parts += [f"- {count} skipped: {why}" for why, count in scored["skipped"].items()]
        parts.append("\n" + _table(_ERROR_HEADER, table))
        parts.append(f"\n### Worst rows\n\n{_worst(rows)}\n")
    return "\n".join(parts) + "\n"


def _errors(scored: dict[str, Any]) -> tuple[str, ...]:
    ape = scored["ape"]
    shown = (ape["mean"], ape["median"], ape["p90"], scored["bias"], scored["coverage_p10_p90"])
    return tuple(f"{value:.1f}" for value in shown)


def _worst(rows: Sequence[Prediction], count: int = 10) -> str:
    done = [(r, r.predicted / r.measured - 1.0) for r in rows if r.predicted and r.measured]
    done.sort(key=lambda pair: -abs(pair[1]))
    return _table(
        ("row", "group", "measured", "predicted", "P10", "P90", "error %"),
        [
            (
                r.row,
                r.group,
                *(_number(value) for value in (r.measured, r.predicted, r.low, r.high)),
                f"{100 * off:+.0f}",
            )
            for r, off in done[:count]
        ],
    )


def _number(value: float | None) -> str:
    number = value or 0.0
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def catalog_page(facts: Catalog, kind: str) -> str:
    """Return the page of one kind: what its fields mean, then every entry with every fact."""
    fields = [
        (f"`{field.name}`", _unit(field.unit), _cell(field.description))
        for field in facts.fields(kind).values()
    ]
    parts = [
        f"# {kind}",
        (
            f"{len(facts.entries(kind)):,} entries. `gigawatt catalog {kind} NAME` shows one. "
            "[Sources](sources.md) explains the keys in the column *source*."
        ),
        "## Fields",
        _table(("field", "unit", "meaning"), fields),
        "## Entries",
    ]
    parts += [_entry(entry) for entry in facts.entries(kind)]
    return "---\ntocdepth: 2\n---\n\n" + "\n\n".join(parts) + "\n"


def _entry(entry: Entry) -> str:
    header = ("field", "value", "range", "date", "basis", "source")
    parts = [f"### {entry.id}", _table(header, [_fact(fact) for fact in entry])]
    if entry.aliases:
        parts.insert(1, f"Also {_cell(', '.join(entry.aliases))}.")
    notes = [f"- {_field(fact)}: {_cell(fact.note)}" for fact in entry if fact.note]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])


def _fact(fact: Fact) -> tuple[str, ...]:
    return (
        _field(fact),
        _cell(quantity(fact.value, fact.unit)),
        _cell(span(fact.low, fact.high, fact.unit)),
        fact.date,
        fact.basis,
        _link(fact.source, fact.source.id),
    )


def _field(fact: Fact) -> str:
    return f"`{fact.key.rpartition('/')[2]}`"


def sources_page(facts: Catalog) -> str:
    """Return the page of every source with publisher, date, licence and address."""
    rows = [
        (
            f"`{s.id}`",
            _link(s, s.title),
            _cell(s.publisher),
            s.date,
            _cell(s.licence),
            f"`{s.where}`",
        )
        for s in sorted(facts.sources.values(), key=lambda s: s.id)
    ]
    header = ("key", "title", "publisher", "date", "licence", "where")
    return f"# Sources\n\n{_table(header, rows)}\n"


def _catalog_index(facts: Catalog, kinds: Sequence[str]) -> str:
    rows = [
        (
            f"[{kind}]({kind}.md)",
            f"{len(facts.entries(kind)):,}",
            f"{sum(len(entry.facts) for entry in facts.entries(kind)):,}",
        )
        for kind in kinds
    ]
    return (
        "# Catalogue\n\n"
        "Every published figure that an answer may rest on. Each has a unit, the date it held, "
        "how it came about (its basis: "
        + ", ".join(catalog.BASES)
        + ") and its source; a range where one "
        "is known.\n\n"
        + _table(("kind", "entries", "facts"), rows)
        + f"\n\n{_toctree([*kinds, 'sources'])}\n"
    )


def api_page(name: str) -> str:
    """Return the page of one package, which autodoc fills from the docstrings.

    A package that offers names itself is shown as it is used; of others every public module is.
    """
    title = f"gigawatt.{name}"
    package = importlib.import_module(title)
    modules = [title]
    if not hasattr(package, "__all__"):
        inside = pkgutil.iter_modules(package.__path__)
        modules += [f"{title}.{m.name}" for m in inside if not m.name.startswith("_")]
    directives = [f".. automodule:: {module}\n   :members:\n" for module in modules]
    return "\n".join([title, "=" * len(title), "", *directives])


def _api_index(packages: Sequence[str]) -> str:
    return (
        "# Python\n\n"
        "`import gigawatt` offers `load`, `loads`, `simulate`, `open_run`, `plan_training`, "
        "`plan_hosting`, `simulate_requests`, the classes `Campus`, `Run`, `TrainingPlan` and "
        "`HostingPlan`, and the errors. The packages below hold the "
        f"rest, each importing only those before it.\n\n{_toctree(packages)}\n"
    )


def _toctree(names: Iterable[str]) -> str:
    return "```{toctree}\n:maxdepth: 1\n\n" + "\n".join(names) + "\n```"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Return text that stands in a cell as it is: no signs that Markdown would read."""
    for sign in "\\`*_[]<>|$#~":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _unit(unit: str) -> str:
    return f"`{unit}`" if unit else ""


def _link(source: Source, text: str) -> str:
    shown = _cell(text)
    return f"[{shown}](<{source.where}>)" if source.where.startswith("http") else shown
