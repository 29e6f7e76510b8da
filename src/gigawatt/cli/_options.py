"""Options that several commands share, so that each is spelt and explained once."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = [
    "examples",
    "figure_option",
    "format_option",
    "hours_option",
    "quiet_option",
    "seed_option",
    "set_option",
    "year_option",
]


def examples(*lines: str) -> str:
    """Return the examples that end a command's help, one to a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in values:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            message = (
                f"'{text}' is not of the form path=value, such as power.interconnection_mw=900"
            )
            raise click.BadParameter(message, ctx=ctx, param=param)
        pairs[path.strip()] = value.strip()
    return pairs


set_option = click.option(
    "--set",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    callback=_pairs,
    help="Change one value of the campus, such as 'phases[0].it_mw=1.2 GW'. May be repeated.",
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of every draw of chance.",
)

format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people or JSON for programs.",
)

figure_option = click.option(
    "--figure",
    "figure_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a page with the figures, as .html.",
)

hours_option = click.option(
    "--hours",
    "hours_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a row for each hour, as .csv or .parquet.",
)

year_option = click.option(
    "--year",
    type=int,
    metavar="YEAR",
    help="A calendar year of the horizon; left out: the last whole one.",
)

quiet_option = click.option("--quiet", is_flag=True, help="Write nothing but results and errors.")
