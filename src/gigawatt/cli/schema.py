"""``gigawatt schema``: the JSON Schema of campus files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gigawatt.cli._files import replace_file
from gigawatt.cli._options import examples
from gigawatt.cli._text import note, print_json, table, width

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command", "keys"]


@click.command(
    "schema",
    epilog=examples(
        "gigawatt schema --format text",
        "gigawatt schema --output campus.schema.json",
        "gigawatt schema | jq .properties",
    ),
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the JSON Schema to FILE instead of stdout.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json"]),
    default="json",
    show_default=True,
    help="A table of keys for people or the schema for programs.",
)
def command(output: Path | None, style: str) -> None:
    """Print the JSON Schema of campus files, for editors.

    Editors that read YAML schemas then complete keys and mark mistakes while you type. Campus files
    that 'gigawatt init' writes name the schema in their first line.
    """
    from gigawatt import spec  # noqa: PLC0415  read only once a command runs

    schema = spec.schema()
    if output is not None:
        if style == "text":
            message = "--output writes the JSON Schema; leave --format text out."
            raise click.UsageError(message)
        replace_file(output, json.dumps(schema, indent=2, allow_nan=False) + "\n")
        note(f"schema: {output}", quiet=False)
    elif style == "json":
        print_json(schema)
    else:
        most = max(40, width() - 50)
        rows = [(path, text if len(text) <= most else f"{text[: most - 1]}…")
                for path, text in keys(schema)]  # fmt: skip
        click.echo(table(("key", "meaning"), rows))


def keys(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every key that a campus file may hold, with its description.

    Parameters
    ----------
    schema : dict
        JSON Schema as ``gigawatt.spec.schema`` returns it.
    """
    yield from _keys(schema, schema.get("$defs", {}), "")


def _keys(node: dict[str, Any], defs: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in node.get("properties", {}).items():
        inner, mark = _object(value, defs)
        path = f"{prefix}{name}{mark}"
        meaning = value.get("description") or inner.get("description") or ""
        yield path, " ".join(meaning.split())
        yield from _keys(inner, defs, f"{path}.")


def _object(node: dict[str, Any], defs: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the mapping that a value holds, and ``[]`` where it is a list of them."""
    if "$ref" in node:
        return defs[node["$ref"].rpartition("/")[2]], ""
    if "items" in node and isinstance(node["items"], dict):
        inner, mark = _object(node["items"], defs)
        return (inner, f"[]{mark}") if inner else ({}, "")
    for option in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        inner, mark = _object(option, defs)
        if inner:
            return inner, mark
    return (node, "") if "properties" in node else ({}, "")
