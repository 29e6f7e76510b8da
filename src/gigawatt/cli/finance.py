"""``gigawatt finance``: what a campus costs and earns over years, and what that is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gigawatt.cli._files import TABLES, check_file, replace_file, write_table
from gigawatt.cli._options import examples, format_option, quiet_option, set_option
from gigawatt.cli._text import note, print_json, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["command"]

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


def _ranges(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, tuple[float, float]]:
    """Return ranges such as ``discount_rate=4%..10%`` by the name of the input."""
    found = {}
    for text in values:
        name, equals, span = text.partition("=")
        low, dots, high = span.partition("..")
        try:
            ends = (_number(low), _number(high))
        except ValueError:
            ends = (1.0, 0.0)
        if not (equals and dots and ends[0] <= ends[1]):
            message = f"'{text}' is not of the form name=low..high, such as discount_rate=4%..10%"
            raise click.BadParameter(message, ctx=ctx, param=param)
        found[name.strip()] = ends
    return found


def _number(text: str) -> float:
    plain = text.strip()
    return float(plain.removesuffix("%")) / 100.0 if plain.endswith("%") else float(plain)


@click.command(
    "finance",
    epilog=examples(
        "gigawatt finance hyperion",
        "gigawatt finance hyperion --price rent=6 --financing joint-venture --figure money.html",
        "gigawatt finance prometheus --years 15 --price 'transfer=10 %' --format json",
        "gigawatt finance stargate-abilene --price rent --financing 'bonds=60 %'",
        "gigawatt finance hyperion --set finance.chip_price_trend=epoch-2025 --ledger ledger.csv",
        "gigawatt finance hyperion --price rent=6 --vary discount_rate=4%..10%",
    ),
)
@click.argument("campus")
@click.option(
    "--years",
    type=click.IntRange(1, 30),
    default=20,
    show_default=True,
    metavar="N",
    help="Years looked at, from the start of the campus's horizon.",
)
@click.option(
    "--price",
    metavar="WHAT[=VALUE]",
    help="Who pays for the computing: none; rent (published) or rent=2.5 in USD an accelerator-"
    "hour; tokens=0.5 in USD a million; 'transfer=10 %' over cost. Left out: as the file says.",
)
@click.option(
    "--financing",
    metavar="KIND[=SHARE]",
    help="Who pays for what is built: equity; 'bonds=60 %' of capital; joint-venture, or with the "
    "owner's share. Left out: as the file says.",
)
@click.option(
    "--vary",
    metavar="NAME=LOW..HIGH",
    multiple=True,
    callback=_ranges,
    help="A range of your own for an input of 'finance', electricity or price (as factors). May "
    "be repeated.",
)
@click.option(
    "--ledger",
    "ledger_file",
    type=_FILE,
    metavar="FILE",
    help="Write every entry of the books, as .csv or .parquet.",
)
@click.option(
    "--figure",
    "figure_file",
    type=_FILE,
    metavar="FILE",
    help="Write a page with the figures, as .html.",
)
@set_option
@format_option
@quiet_option
def command(
    campus: str,
    overrides: Mapping[str, str],
    style: str,
    vary: dict[str, tuple[float, float]],
    *,
    quiet: bool,
    ledger_file: Path | None,
    figure_file: Path | None,
    **asked: object,
) -> None:
    """Price a campus over years: cost, income, worth to its owner.

    CAMPUS is the name of a campus in the catalogue ('gigawatt catalog campus' lists them) or the
    path of a campus file. It is simulated over the years; what it uses and makes is then priced.
    All money is in real US dollars of the file's finance.price_year.
    """
    check_file(ledger_file, TABLES, "--ledger")
    check_file(figure_file, (".html",), "--figure")
    from gigawatt.cli._finance_text import finance_text  # noqa: PLC0415  read once a command runs
    from gigawatt.spec import load  # noqa: PLC0415
    from gigawatt.twin.cash.plan import plan_finance  # noqa: PLC0415
    from gigawatt.twin.cash.record import finance_record  # noqa: PLC0415
    from gigawatt.twin.cash.tornado import swing_inputs  # noqa: PLC0415

    plan = plan_finance(load(campus, overrides), **asked)  # type: ignore[arg-type]
    swings = swing_inputs(plan, vary) if vary else plan.swings
    if ledger_file is not None:
        write_table(plan.ledger.table(), ledger_file)
        note(f"every entry of the books is in {ledger_file}", quiet=quiet)
    if figure_file is not None:
        from gigawatt.results.finance_figures import render  # noqa: PLC0415

        replace_file(figure_file, render(plan, swings))
        note(f"the figures are in {figure_file}", quiet=quiet)
    if style == "json":
        print_json(finance_record(plan, swings))
    else:
        click.echo(finance_text(plan, swings))
    warn(plan.run.warnings, quiet=quiet)
