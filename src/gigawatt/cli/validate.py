"""``gigawatt validate``: hold predictions against measurements."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gigawatt.cli._files import replace_file
from gigawatt.cli._options import examples, format_option
from gigawatt.cli._text import heading, print_json, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.validation import Prediction

__all__ = ["command"]

_HEADER = ("group", "rows", "mean %", "median %", "p90 %", "bias %", "in P10-P90 %")


@click.command(
    "validate",
    epilog=examples(
        "gigawatt validate",
        "gigawatt validate training-runs --rows rows.csv",
        "gigawatt validate training --measurements my_steps.csv --format json",
        "gigawatt validate reliability --measurements my_failures.csv",
    ),
)
@click.argument("domain", required=False)
@click.option(
    "--measurements",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="CSV file with your own measurements, in place of the catalogue's points.",
)
@click.option(
    "--rows",
    "rows_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write each row's measured value, prediction and band, or why it was skipped, as CSV.",
)
@format_option
def command(
    domain: str | None, measurements: Path | None, rows_file: Path | None, style: str
) -> None:
    """Hold predictions against published measurements.

    Every row is predicted by a model that has not seen it. Errors are in per cent; coverage is the
    share of rows within the P10-P90 band, which should be near 80. Without DOMAIN, every domain.
    """
    from gigawatt.validation import DOMAINS, validate  # noqa: PLC0415  read once a command runs

    if domain is None and (measurements or rows_file):
        message = f"--measurements and --rows need a domain: {', '.join(DOMAINS)}"
        raise click.UsageError(message)
    found = [validate(name, measurements) for name in ([domain] if domain else DOMAINS)]
    if rows_file:
        replace_file(rows_file, _csv(found[0][1]))
    scores = [scored for scored, _ in found]
    if style == "json":
        print_json(scores[0] if domain else {"domains": scores})
        return
    for scored in scores:
        _show(scored)


def _show(scored: dict[str, Any]) -> None:
    click.echo(heading(scored["domain"]))
    click.echo(f"{scored['predicted']} of {scored['rows']} rows predicted")
    for reason, count in scored["skipped"].items():
        click.echo(f"  {count} skipped: {reason}")
    rows = [_row("all", scored)]
    rows += [_row(name, group) for name, group in scored["groups"].items()]
    click.echo(table(_HEADER, rows, right=range(1, len(_HEADER)), indent=2))


def _row(name: str, scored: dict[str, Any]) -> list[str]:
    if not scored["ape"]:
        return [name, "0", "", "", "", "", ""]
    ape = scored["ape"]
    numbers = (
        ape["mean"], ape["median"], ape["p90"], scored["bias"], scored["coverage_p10_p90"]
    )  # fmt: skip
    return [name, str(scored["predicted"]), *(f"{n:.1f}" for n in numbers)]


def _csv(rows: Sequence[Prediction]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "group", "measured", "predicted", "p10", "p90", "reason"])
    for r in rows:
        writer.writerow([r.row, r.group, r.measured, r.predicted, r.low, r.high, r.reason])
    return text.getvalue()
