"""``gigawatt energy``: who feeds a campus for a year, what it is billed, what it emits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.cli._files import TABLES, check_file, replace_file, write_table
from gigawatt.cli._options import (
    examples,
    figure_option,
    format_option,
    hours_option,
    quiet_option,
    seed_option,
    set_option,
    year_option,
)
from gigawatt.cli._text import note, print_json, warn
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["command"]

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_READ: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "energy",
    epilog=examples(
        "gigawatt energy hyperion",
        "gigawatt energy prometheus --year 2029 --figure energy.html",
        "gigawatt energy hyperion --announced --clean-share 0.5 --co2-price 50",
        "gigawatt energy prometheus --plan --lole 2.4",
        "gigawatt energy prometheus --price prices.csv --hours hours.parquet",
        "gigawatt energy hyperion --export-pypsa hyperion.nc",
    ),
)
@click.argument("campus")
@year_option
@click.option(
    "--commitment",
    is_flag=True,
    help="Switch plants as whole units, with starts and least loads; takes minutes.",
)
@click.option(
    "--plan",
    is_flag=True,
    help="Plan the least-cost supply over the years, and of a gigawatt more.",
)
@click.option(
    "--price",
    type=_READ,
    metavar="FILE",
    help="Hourly grid prices in USD/MWh as .csv; left out: the campus's, or a seeded year.",
)
@click.option(
    "--weather",
    type=_READ,
    metavar="FILE",
    help="Typical year as TMY3 or EPW; left out: a seeded year from the climate's normals.",
)
@click.option(
    "--announced",
    is_flag=True,
    help="Feed the power announced, with the plants that are proposed.",
)
@click.option(
    "--co2-price",
    "co2_usd_per_t",
    type=click.FloatRange(min=0.0),
    default=0.0,
    show_default=True,
    metavar="USD",
    help="Price of a tonne of CO2.",
)
@click.option(
    "--clean-share",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Part of the energy that must be clean in the same hour, 0 to 1.",
)
@click.option(
    "--lole",
    "loss_of_load_h",
    type=click.FloatRange(min=0.0),
    metavar="HOURS",
    help="With --plan: hours a year in which load may go unserved when units fail.",
)
@click.option(
    "--export-pypsa",
    "pypsa_file",
    type=_FILE,
    metavar="FILE",
    help="Write the year as a network of PyPSA, as .nc; needs the extra 'pypsa'.",
)
@hours_option
@figure_option
@set_option
@seed_option
@format_option
@quiet_option
def command(
    campus: str,
    overrides: Mapping[str, str],
    style: str,
    *,
    quiet: bool,
    **asked: Any,  # noqa: ANN401  the options that the model takes as they are
) -> None:
    """Supply of a campus over a year: dispatch, bill, carbon, homes.

    CAMPUS is the name of a campus in the catalogue ('gigawatt catalog campus' lists them) or the
    path of a campus file. Its sources and the grid carry its load at least cost, hour by hour.
    """
    table, page = asked.pop("hours_file"), asked.pop("figure_file")
    network = asked.pop("pypsa_file")
    check_file(table, TABLES, "--hours")
    check_file(page, (".html",), "--figure")
    check_file(network, (".nc",), "--export-pypsa")
    if asked["loss_of_load_h"] is not None and not asked["plan"]:
        message = "--lole: expected --plan with it, whose target it is; found none"
        raise InputError(message)
    from gigawatt.cli._energy_text import energy_text  # noqa: PLC0415  read only once it runs
    from gigawatt.spec import load  # noqa: PLC0415
    from gigawatt.twin.energy_year.record import energy_record  # noqa: PLC0415
    from gigawatt.twin.energy_year.simulate import simulate_energy  # noqa: PLC0415

    energy = simulate_energy(load(campus, overrides), **asked)
    text = energy_text(energy) if style == "text" else ""
    record = energy_record(energy) if style == "json" else {}
    if table is not None:
        write_table(energy.table(), table)
        note(f"a row for each hour is in {table}", quiet=quiet)
    if network is not None:
        from gigawatt.energy.pypsa_export import write_pypsa  # noqa: PLC0415

        write_pypsa(energy.system, network, start=str(energy.times[0]))
        note(f"the network is in {network}", quiet=quiet)
    if page is not None:
        from gigawatt.results.energy_figures import render  # noqa: PLC0415

        replace_file(page, render(energy))
        note(f"the figures are in {page}", quiet=quiet)
    if style == "json":
        print_json(record)
    else:
        click.echo(text)
    warn(energy.warnings, quiet=quiet)
