"""``gigawatt site``: a campus at the point of interconnection, over a year and within a second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["command"]


@click.command(
    "site",
    epilog=examples(
        "gigawatt site hyperion",
        "gigawatt site prometheus --year 2027 --topology ac-rack-shelf --figure site.html",
        "gigawatt site hyperion --weather monroe.epw --warming 2 --heat-wave",
        "gigawatt site hyperion --plant waterside-economiser --hours hours.parquet",
        "gigawatt site prometheus --specification southern-2026 --job 24576",
        "gigawatt site hyperion --set 'power.interconnection_mw=1.1 GW' --format json",
    ),
)
@click.argument("campus")
@year_option
@click.option(
    "--weather",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Typical year as TMY3 or EPW; left out: a seeded year from the climate's normals.",
)
@click.option(
    "--topology",
    metavar="NAME",
    help="Electrical chain, as in 'gigawatt catalog topology'; left out: ac-ups.",
)
@click.option(
    "--plant",
    metavar="NAME",
    help="Cooling plant, as in 'gigawatt catalog cooling_plant'; left out: the campus's own.",
)
@click.option(
    "--warming",
    "warming_k",
    type=click.FloatRange(-20.0, 20.0),
    default=0.0,
    show_default=True,
    metavar="K",
    help="By which every hour is warmer, at the same relative humidity.",
)
@click.option(
    "--heat-wave",
    is_flag=True,
    help="Put six days as hot as the hottest of twenty years into the hottest month.",
)
@click.option(
    "--job",
    "accelerators",
    type=click.IntRange(min=0),
    default=16_384,
    show_default=True,
    metavar="CHIPS",
    help="Accelerators of the synchronous job held against the specification; 0: none.",
)
@click.option(
    "--specification",
    default="choukse-2025",
    show_default=True,
    metavar="NAME",
    help="What the grid allows, as in 'gigawatt catalog grid_specification'.",
)
@click.option(
    "--short-circuit",
    "short_circuit_mva",
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="MVA",
    help="Short-circuit power of the grid there; limits of flicker need it.",
)
@click.option(
    "--event",
    metavar="NAME",
    help="Play a published event on the worst hour, as in 'gigawatt catalog grid_event'.",
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
    """Power, water and limits of a campus at the grid over a year.

    CAMPUS is the name of a campus in the catalogue ('gigawatt catalog campus' lists them) or the
    path of a campus file. What stands there at the end of the year is taken to stand all year
    long. Its chips work as its programme says; chain and cooling plant follow hour by hour.
    """
    table, page, event = asked.pop("hours_file"), asked.pop("figure_file"), asked.pop("event")
    check_file(table, TABLES, "--hours")
    check_file(page, (".html",), "--figure")
    from gigawatt.cli._site_text import site_text  # noqa: PLC0415  read only once a command runs
    from gigawatt.spec import load  # noqa: PLC0415
    from gigawatt.twin.site_year.event import play_event  # noqa: PLC0415
    from gigawatt.twin.site_year.job import JobQuestion  # noqa: PLC0415
    from gigawatt.twin.site_year.record import site_record  # noqa: PLC0415
    from gigawatt.twin.site_year.simulate import simulate_site  # noqa: PLC0415

    count, wanted = asked.pop("accelerators"), asked.pop("specification")
    circuit = asked.pop("short_circuit_mva")
    question = JobQuestion(
        accelerators=count, specification=wanted, short_circuit_mva=circuit
    ) if count else None  # fmt: skip
    site = simulate_site(load(campus, overrides), job=question, **asked)
    played = play_event(site, event) if event else None
    text = site_text(site, played) if style == "text" else ""
    record = site_record(site, played) if style == "json" else {}
    if table is not None:
        write_table(site.table(), table)
        note(f"a row for each hour is in {table}", quiet=quiet)
    if page is not None:
        from gigawatt.results.site_figures import render  # noqa: PLC0415

        replace_file(page, render(site, played))
        note(f"the figures are in {page}", quiet=quiet)
    if style == "json":
        print_json(record)
    else:
        click.echo(text)
    warn(site.warnings, quiet=quiet)
