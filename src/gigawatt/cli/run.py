"""``gigawatt run``: simulate a campus and write the run."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from gigawatt.cli._interrupts import held_back
from gigawatt.cli._options import examples, format_option, quiet_option, seed_option, set_option
from gigawatt.cli._text import dim, note, print_json, table, warn
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["command"]


@click.command(
    "run",
    epilog=examples(
        "gigawatt run hyperion",
        "gigawatt run campus.yaml --report campus.html",
        "gigawatt run prometheus --set 'power.interconnection_mw=900 MW' --set cooling.pue=1.2",
        "gigawatt run hyperion --format json --quiet > hyperion.json",
    ),
)
@click.argument("campus")
@seed_option
@set_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="runs",
    show_default=True,
    metavar="DIR",
    help="Folder that the run's own folder is made in.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report to FILE as well; the run's folder always holds one.",
)
@format_option
@quiet_option
@click.option("--verbose", is_flag=True, help="Say on stderr where the time went.")
def command(
    campus: str,
    seed: int,
    overrides: Mapping[str, str],
    out: Path,
    report: Path | None,
    style: str,
    *,
    quiet: bool,
    verbose: bool,
) -> None:
    """Simulate a campus and write the run with its report.

    CAMPUS is the name of a campus in the catalogue ('gigawatt catalog campus' lists them) or the
    path of a campus file. The same campus, seed and version give the same run, byte for byte.
    """
    if report is not None and not report.parent.is_dir():
        message = f"--report {report}: the folder {report.parent} does not exist"
        raise InputError(message)
    clock = _Clock()
    with clock.stage("load the program"):
        from gigawatt import results, spec, twin  # noqa: PLC0415  read only once a command runs

        # Names load what they need when first asked for; here, so that it counts as loading.
        simulate, _, load = results.simulate, twin.simulate_campus, spec.load
    with clock.stage("read the campus"):
        read = load(campus, overrides)
    with clock.stage("simulate"):
        run = simulate(read, seed=seed)
    with clock.stage("write the run"), held_back():
        folder = run.save(out)
    if report is not None:
        with clock.stage("write the report"):
            run.report(report)
    with clock.stage("print the summary"):
        if style == "json":
            print_json(run.summary)
        else:
            click.echo(results.summary_text(run.summary, dim=dim))
    warn(run.summary["warnings"], quiet=quiet)
    note(f"run: {folder}", quiet=quiet)
    note(f"report: {folder / 'report.html' if report is None else report}", quiet=quiet)
    if verbose:
        click.echo(clock.table(inside={"simulate": run.timings_s}), err=True)


class _Clock:
    """Wall time by stage, in the order the stages ran."""

    def __init__(self) -> None:
        self._spent_s: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what runs inside."""
        begin = perf_counter()
        yield
        self._spent_s[name] = perf_counter() - begin

    def table(self, inside: Mapping[str, Mapping[str, float]]) -> str:
        """Return the stages with their milliseconds and the total.

        Parameters
        ----------
        inside : mapping of str to mapping of str to float
            Seconds of the steps within a stage, where they are known.
        """
        rows = []
        for name, spent_s in self._spent_s.items():
            rows.append((name, _ms(spent_s)))
            rows += [(f"  {step}", _ms(step_s)) for step, step_s in inside.get(name, {}).items()]
        rows.append(("total", _ms(sum(self._spent_s.values()))))
        return table(("stage", "ms"), rows, right=(1,))


def _ms(spent_s: float) -> str:
    return f"{1e3 * spent_s:,.0f}"
