"""``gigawatt compare``: campuses or finished runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gigawatt.cli._options import examples, format_option, quiet_option, seed_option, set_option
from gigawatt.cli._text import note, print_json, warn
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["command"]


@click.command(
    "compare",
    epilog=examples(
        "gigawatt compare prometheus hyperion",
        "gigawatt compare hyperion stargate-abilene colossus-2 --format json",
        "gigawatt compare runs/mine-0123456789 hyperion",
        "gigawatt compare prometheus hyperion --set 'power.price_usd_per_mwh=60'",
    ),
)
@click.argument("campuses", metavar="CAMPUS|RUN...", nargs=-1, required=True)
@seed_option
@set_option
@format_option
@quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    campuses: tuple[str, ...],
    seed: int,
    overrides: Mapping[str, str],
    style: str,
    *,
    quiet: bool,
) -> None:
    """Put campuses or finished runs side by side.

    Each argument is a campus of the catalogue, a campus file, or the folder of a finished run. A
    campus is simulated and nothing is written; --seed and --set apply to campuses only, and are
    refused when a run is among the arguments, for a run is as it was.
    """
    seeded = ctx.get_parameter_source("seed") is not click.core.ParameterSource.DEFAULT
    for name in campuses:
        if _is_run(name) and (overrides or seeded):
            message = f"{name} is a finished run: --seed and --set change campuses only"
            raise InputError(message)
    from gigawatt import results, spec  # noqa: PLC0415  read only once a command runs

    # All are read before the first is simulated: a name that does not exist costs no time.
    read = [
        results.open_run(Path(name)) if _is_run(name) else spec.load(name, overrides)
        for name in campuses
    ]
    runs = []
    for name, one in zip(campuses, read, strict=True):
        note(f"{'reading' if _is_run(name) else 'simulating'} {name}", quiet=quiet)
        runs.append(one if isinstance(one, results.Run) else results.simulate(one, seed=seed))
    answer = results.compare(runs)
    for run in runs:
        warn(run.summary.get("warnings", ()), quiet=quiet, about=f"{run.summary['campus']}: ")
    if style == "json":
        print_json(answer)
    else:
        click.echo(results.comparison_text(answer))


def _is_run(name: str) -> bool:
    return Path(name).is_dir()
