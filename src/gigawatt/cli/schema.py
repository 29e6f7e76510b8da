"""``gigawatt schema``: the JSON Schema of campus files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.cli._files import replace_file
from gigawatt.cli._options import examples
from gigawatt.cli._text import dim, note, print_json, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Key", "command", "keys"]


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
    help="A list of keys for people or the schema for programs.",
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
        click.echo("\n".join(_described(key) for key in keys(schema)))


@dataclass(frozen=True)
class Key:
    """A key that a campus file may hold.

    Parameters
    ----------
    path : str
        Where it stands; ``[]`` marks a list.
    kind : str
        What it holds: text, number, date, a choice, or keys of its own.
    unit : str
        Unit of a plain number; empty where it has none.
    need : str
        ``required``, ``optional``, or its default.
    meaning : str
        What it means, in a sentence.
    """

    path: str
    kind: str
    unit: str
    need: str
    meaning: str


def keys(schema: dict[str, Any]) -> Iterator[Key]:
    """Yield every key that a campus file may hold.

    Parameters
    ----------
    schema : dict
        JSON Schema as ``gigawatt.spec.schema`` returns it.
    """
    yield from _keys(schema, schema.get("$defs", {}), "")


def _described(key: Key) -> str:
    facts = ", ".join(part for part in (key.kind, key.unit, key.need) if part)
    meaning = wrap(key.meaning, "    ") if key.meaning else ""
    return "\n".join(line for line in (f"{key.path}  {dim(facts)}", meaning) if line)


def _keys(node: dict[str, Any], defs: dict[str, Any], prefix: str) -> Iterator[Key]:
    for name, value in node.get("properties", {}).items():
        inner, mark = _object(value, defs)
        path = f"{prefix}{name}{mark}"
        meaning = value.get("description") or inner.get("description") or ""
        kind = "list" if mark else "mapping" if inner else _kind(value)
        unit = _unit(name) if kind in {"number", "integer"} else ""
        need = _need(name, value, node)
        yield Key(path, kind, unit, need, " ".join(meaning.split()))
        yield from _keys(inner, defs, f"{path}.")


def _kind(node: dict[str, Any]) -> str:
    """Return what a value may be; a number may also be written as text with its unit."""
    if "const" in node:
        return f"always {node['const']}"
    if "enum" in node:
        *others, last = (str(choice) for choice in node["enum"])
        return f"{', '.join(others)} or {last}" if others else last
    options = [o for key in ("anyOf", "oneOf", "allOf") for o in node.get(key, ())]
    kinds = [_kind(option) for option in options if option.get("type") != "null"]
    if kinds:
        return next((kind for kind in kinds if kind in {"number", "integer"}), kinds[0])
    if node.get("format") == "date":
        return "date"
    return {"string": "text", "boolean": "true or false"}.get(node["type"], str(node["type"]))


def _need(name: str, value: dict[str, Any], parent: dict[str, Any]) -> str:
    if name in parent.get("required", ()):
        return "required"
    default = value.get("default")
    if default is None or default == "" or isinstance(default, dict | list):
        return "optional"
    return f"default {json.dumps(default) if isinstance(default, bool) else default}"


def _unit(name: str) -> str:
    """Return the unit that a key's name ends with."""
    return next((u for ending, u in _UNITS if name == ending or name.endswith(f"_{ending}")), "")


_UNITS: Final = (
    ("usd_per_it_mw_year", "USD/MW/yr"),
    ("usd_per_it_mw", "USD/MW"),
    ("usd_per_mwh", "USD/MWh"),
    ("kg_per_mwh", "kg/MWh"),
    ("l_per_kwh", "L/kWh"),
    ("gbit_per_s", "Gbit/s"),
    ("tokens_per_day", "tokens/day"),
    ("mw", "MW"),
    ("ms", "ms"),
    ("tokens", "tokens"),
    ("years", "years"),
)


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
