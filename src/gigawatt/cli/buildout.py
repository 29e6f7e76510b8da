"""``gigawatt buildout``: when the power of a campus is likely to be there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gigawatt.cli._files import check_file, replace_file
from gigawatt.cli._options import examples, format_option, quiet_option, seed_option, set_option
from gigawatt.cli._text import note, print_json

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

__all__ = ["command"]

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(
    "buildout",
    epilog=examples(
        "gigawatt buildout prometheus",
        "gigawatt buildout hyperion --target 5000 --by 2030-12-31 --by 2035-12-31",
        "gigawatt buildout my-campus.yaml --figure buildout.html",
        "gigawatt buildout my-campus.yaml --set buildout.start=2027-01-01 --format json",
        "gigawatt buildout prometheus --usd-per-accelerator-hour 4",
    ),
)
@click.argument("campus")
@click.option(
    "--target",
    "target_mw",
    type=float,
    metavar="MW",
    help="Facility power whose day counts; left out: a gigawatt, or all if that is less.",
)
@click.option(
    "--by",
    type=_DAY,
    multiple=True,
    metavar="DATE",
    help="A day for which the probability is told; may be repeated. Left out: the end of the year.",
)
@click.option(
    "--as-of",
    type=_DAY,
    metavar="DATE",
    help="Day up to which is known what is done; left out: that of the file or the catalogue.",
)
@click.option(
    "--usd-per-accelerator-hour",
    type=float,
    metavar="USD",
    help="What an hour of an accelerator is worth; left out: the file's rent, else yearly cost.",
)
@click.option(
    "--samples",
    type=int,
    default=10_000,
    show_default=True,
    metavar="COUNT",
    help="Build-outs.",
)
@click.option(
    "--figure",
    "figure_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page with the figures, as .html.",
)
@set_option
@seed_option
@format_option
@quiet_option
def command(
    campus: str,
    overrides: Mapping[str, str],
    style: str,
    figure_file: Path | None,
    by: tuple[dt.datetime, ...],
    as_of: dt.datetime | None,
    *,
    quiet: bool,
    **asked: Any,  # noqa: ANN401  the options that the model takes as they are
) -> None:
    """When a campus is likely to have its power, and what to hurry.

    CAMPUS is the name of a campus in the catalogue ('gigawatt catalog campus' lists them) or the
    path of a campus file. Where the file states work (a section buildout with a start), dates
    follow from tasks; else announced dates are held against how others moved.
    """
    check_file(figure_file, (".html",), "--figure")
    from gigawatt.cli._buildout_text import buildout_text  # noqa: PLC0415  once a command runs
    from gigawatt.programme.buildout.record import buildout_record  # noqa: PLC0415
    from gigawatt.programme.buildout.simulate import simulate_buildout  # noqa: PLC0415
    from gigawatt.spec import load  # noqa: PLC0415

    build = simulate_buildout(
        load(campus, overrides), as_of=as_of.date() if as_of else None, **asked
    )
    days = [day.date() for day in by]
    if figure_file is not None:
        from gigawatt.results.buildout_figures import render  # noqa: PLC0415

        replace_file(figure_file, render(build))
        note(f"the figures are in {figure_file}", quiet=quiet)
    if style == "json":
        print_json(buildout_record(build, days))
    else:
        click.echo(buildout_text(build, days))
