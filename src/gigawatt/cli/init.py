"""``gigawatt init``: start a campus file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gigawatt.cli._files import new_file
from gigawatt.cli._options import examples, format_option, quiet_option
from gigawatt.cli._text import note, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command"]


@click.command(
    "init",
    epilog=examples(
        "gigawatt init",
        "gigawatt init mine.yaml --template full",
        "gigawatt init hyperion.yaml --from hyperion",
        "gigawatt init --list",
    ),
)
@click.argument("file", default="campus.yaml", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--template", metavar="NAME", help="Template to start from; --list names them.")
@click.option("--from", "campus", metavar="CAMPUS", help="Start from a campus of the catalogue.")
@click.option("--list", "listing", is_flag=True, help="Name the templates and stop.")
@format_option
@quiet_option
def command(
    file: Path, template: str | None, campus: str | None, style: str, *, listing: bool, quiet: bool
) -> None:
    """Start a campus file from a template or a known campus.

    Writes FILE (campus.yaml if left out), which must not exist: a file is never overwritten.
    """
    from gigawatt import spec  # noqa: PLC0415  read only once a command runs

    if template is not None and campus is not None:
        message = "--template and --from exclude each other."
        raise click.UsageError(message)
    if listing:
        _list(spec.template_names(), style)
        return
    if campus is not None:
        text = spec.to_yaml(spec.from_catalog(campus))
    else:
        text = spec.template(template if template is not None else spec.template_names()[0])
    new_file(file, text)
    if style == "json":
        print_json({"file": str(file)})
    else:
        click.echo(str(file))
        note(f"Edit it, then: gigawatt check {file} && gigawatt run {file}", quiet=quiet)


def _list(names: Sequence[str], style: str) -> None:
    if style == "json":
        print_json(list(names))
    else:
        click.echo("\n".join(names))
