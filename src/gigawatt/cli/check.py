"""``gigawatt check``: name every problem of campus files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gigawatt.cli._options import examples, format_option, quiet_option, set_option
from gigawatt.cli._text import number, print_json, warn
from gigawatt.errors import InputError, SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.spec import Campus

__all__ = ["command"]

_BAD_INPUT = 2


@click.command(
    "check",
    epilog=examples(
        "gigawatt check campus.yaml",
        "gigawatt check campus.yaml --set 'phases[0].it_mw=1.2 GW'",
        "gigawatt check sites/*.yaml --format json",
    ),
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@set_option
@format_option
@quiet_option
def command(
    files: tuple[str, ...], overrides: Mapping[str, str], style: str, *, quiet: bool
) -> None:
    """Check campus files and name every problem.

    Problems go to stderr, one to a line as 'file:line: path: expected ...; found ...', and the exit
    code is 2. Otherwise one line for each file says what was read, and warnings on stderr what is
    allowed but hardly meant.
    """
    answers = [_check(file, overrides) for file in files]
    if style == "json":
        print_json({"ok": all(a["ok"] for a in answers), "files": answers})
    else:
        for answer in answers:
            _show(answer, quiet=quiet)
    if not all(answer["ok"] for answer in answers):
        raise click.exceptions.Exit(_BAD_INPUT)


def _check(file: str, overrides: Mapping[str, str]) -> dict[str, Any]:
    from gigawatt import spec  # noqa: PLC0415  read only once a command runs

    try:
        campus = spec.load(file, overrides)
    except SpecError as error:
        problems = [asdict(problem) for problem in error.problems]
        return {"file": file, "ok": False, "message": str(error), "problems": problems}
    except InputError as error:
        return {"file": file, "ok": False, "message": str(error), "problems": []}
    return {"file": file, "ok": True, "campus": _read(campus), "warnings": _advice(campus)}


def _advice(campus: Campus) -> list[str]:
    """Return what the models would warn of before they run."""
    from gigawatt import twin  # noqa: PLC0415  read only once a command runs

    return list(twin.advise(campus))


def _read(campus: Campus) -> dict[str, Any]:
    """Return what a reader wants to see again of what was read."""
    return {
        "name": campus.name,
        "start": campus.horizon.start.isoformat(),
        "years": campus.horizon.years,
        "phases": len(campus.phases),
        "it_mw": sum(phase.it_mw for phase in campus.phases),
        "facility_mw": sum(phase.facility_mw for phase in campus.phases),
        "training_runs": len(campus.programme.training),
        "services": len(campus.programme.services),
    }


def _show(answer: dict[str, Any], *, quiet: bool) -> None:
    if not answer["ok"]:
        click.echo(answer["message"], err=True)
    elif not quiet:
        read = answer["campus"]
        click.echo(
            f"{answer['file']}: {read['name']}, {read['years']} years from {read['start']}, "
            f"{_count(read['phases'], 'phase')} with {number(read['it_mw'])} MW of IT power and "
            f"{number(read['facility_mw'])} MW at the meter, "
            f"{_count(read['training_runs'], 'training run')}, "
            f"{_count(read['services'], 'service')}"
        )
        warn(answer["warnings"], quiet=quiet, about=f"{answer['file']}: ")


def _count(number_of: int, noun: str) -> str:
    return f"{number_of} {noun}{'' if number_of == 1 else 's'}"
