"""``gigawatt capability``: how good the models of a campus will be, and what limits them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gigawatt.cli._files import check_file, replace_file
from gigawatt.cli._options import examples, figure_option, format_option, quiet_option, set_option
from gigawatt.cli._text import note, print_json
from gigawatt.cli._train_options import quantity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["command"]


@click.command(
    "capability",
    epilog=examples(
        "gigawatt capability hyperion",
        "gigawatt capability prometheus --by 2027-06-30 --budget '300 MUSD' --web-share '20 %'",
        "gigawatt capability hyperion --researchers 3000 --figure capability.html",
        "gigawatt capability hyperion --set 'programme.training[0].tokens=400 T' --format json",
    ),
)
@click.argument("campus")
@click.option(
    "--by",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Last day on which each run may end; left out: the end of the horizon.",
)
@click.option(
    "--budget",
    "budget_usd",
    callback=quantity("USD", 0.0),
    metavar="USD",
    help="Money for each run, such as '300 MUSD'; left out: no limit.",
)
@click.option(
    "--web-share",
    callback=quantity("ratio", 1e-9, 1.0),
    default="100 %",
    show_default=True,
    metavar="SHARE",
    help="Part of the usable web that the company can collect.",
)
@click.option(
    "--epochs",
    "most_epochs",
    type=click.FloatRange(min=1.0, max=1000.0),
    default=4.0,
    show_default=True,
    help="How often a token may be seen; up to four cost next to nothing.",
)
@click.option(
    "--rivals",
    type=click.IntRange(0, 100),
    default=8,
    show_default=True,
    help="Models set beside each run and each published model.",
)
@click.option(
    "--researchers",
    type=click.FloatRange(min=0.0, max=1e7, min_open=True),
    metavar="NUMBER",
    help="Researchers of the owner, for compute a researcher; nobody publishes comparable counts.",
)
@figure_option
@set_option
@format_option
@quiet_option
def command(  # noqa: PLR0913  the options
    campus: str,
    *,
    by: dt.datetime | None,
    budget_usd: float | None,
    web_share: float,
    most_epochs: float,
    rivals: int,
    researchers: float | None,
    figure_file: Path | None,
    overrides: Mapping[str, str],
    style: str,
    quiet: bool,
) -> None:
    """How good a campus's models will be, and what limits them.

    CAMPUS is the name of a campus in the catalogue ('gigawatt catalog campus' lists them) or the
    path of a campus file. Speeds, dates and costs of its training runs are those of 'gigawatt run'.
    """
    check_file(figure_file, (".html",), "--figure")
    from gigawatt.cli._capability_text import capability_text  # noqa: PLC0415  on demand
    from gigawatt.spec import load  # noqa: PLC0415
    from gigawatt.twin.capability.record import capability_record  # noqa: PLC0415
    from gigawatt.twin.capability.runs import Ask, assess_capability  # noqa: PLC0415

    ask = Ask(
        None if by is None else by.date(), budget_usd, web_share, most_epochs, rivals, researchers
    )
    found = assess_capability(load(campus, overrides), ask)
    if figure_file is not None:
        from gigawatt.results.capability_figures import render  # noqa: PLC0415

        replace_file(figure_file, render(found))
        note(f"the figures are in {figure_file}", quiet=quiet)
    if style == "json":
        print_json(capability_record(found))
    else:
        click.echo(capability_text(found))
