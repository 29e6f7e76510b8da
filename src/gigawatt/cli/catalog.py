"""``gigawatt catalog``: published facts, each with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gigawatt.cli._options import examples, format_option
from gigawatt.cli._text import heading, print_json, quantity, span, table, width, wrap
from gigawatt.errors import InputError, nearest
from gigawatt.results.layout import TIED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gigawatt.catalog import Catalog, Entry, Fact, Field

__all__ = ["command"]


@click.command(
    "catalog",
    epilog=examples(
        "gigawatt catalog",
        "gigawatt catalog chip",
        "gigawatt catalog chip gb200",
        "gigawatt catalog --search louisiana",
        "gigawatt catalog model llama-3.1-405b --format json",
    ),
)
@click.argument("kind", required=False)
@click.argument("name", required=False)
@click.option("--search", metavar="TEXT", help="Only entries that mention TEXT.")
@format_option
def command(kind: str | None, name: str | None, search: str | None, style: str) -> None:
    """Show published facts, each with its source.

    Without arguments: the kinds of entry. With KIND: its entries. With KIND and NAME: every fact of
    that entry with unit, range, date and source.
    """
    from gigawatt.catalog import load  # noqa: PLC0415  read only once a command runs

    catalog = load()
    if search is not None and name is not None:
        message = "--search looks through entries; leave NAME out."
        raise click.UsageError(message)
    if kind is not None and kind not in catalog.kinds:
        raise InputError(_no_kind(kind, catalog))
    if name is not None and kind is not None:
        _show_entry(catalog, catalog.get(kind, name), style)
    elif search is not None:
        kinds = catalog.kinds if kind is None else (kind,)
        _show_found(list(_search(catalog, kinds, search)), search, style)
    elif kind is not None:
        _show_kind(catalog, kind, style)
    else:
        _show_kinds(catalog, style)


def _no_kind(word: str, catalog: Catalog) -> str:
    """Return what to say of a kind that does not exist: perhaps the word is an entry's name."""
    kinds = [kind for kind in catalog.kinds if catalog.has(kind, word)]
    calls = [f"'gigawatt catalog {kind} {word}'" for kind in kinds]
    if word.removesuffix("s") in catalog.kinds:  # a kind in the plural, whatever else is called so
        calls = [f"'gigawatt catalog {word.removesuffix('s')}'"]
    if not calls:
        calls = [f"'gigawatt catalog {kind}'" for kind in nearest(word, catalog.kinds)]
    if not calls and any(_search(catalog, catalog.kinds, word)):
        calls = [f"'gigawatt catalog --search {word}'"]
    hint = f"; did you mean {' or '.join(calls)}?" if calls else "."
    return f"the catalogue has no kind '{word}'{hint} The kinds are {', '.join(catalog.kinds)}."


def _show_kinds(catalog: Catalog, style: str) -> None:
    rows = [
        (kind, len(entries), sum(len(entry.facts) for entry in entries))
        for kind in catalog.kinds
        for entries in [catalog.entries(kind)]
    ]
    if style == "json":
        print_json([{"kind": k, "entries": entries, "facts": facts} for k, entries, facts in rows])
        return
    cells = [(kind, f"{entries:,}", f"{facts:,}") for kind, entries, facts in rows]
    click.echo(table(("kind", "entries", "facts"), cells, right=(1, 2)))


def _show_kind(catalog: Catalog, kind: str, style: str) -> None:
    entries = catalog.entries(kind)
    if style == "json":
        print_json([_brief(entry) for entry in entries])
        return
    fields = list(catalog.fields(kind).values())
    if 2 * sum(len(entry.facts) for entry in entries) < len(entries) * len(fields):
        chosen = [field for field in fields if field.name in _TELLING.get(kind, ())]
        if not chosen:
            click.echo(_sparse(entries))
            return
        fields = sorted(chosen, key=lambda field: _TELLING[kind].index(field.name))
    _show_columns(kind, entries, [f for f in fields if any(f.name in e for e in entries)])


def _show_columns(kind: str, entries: tuple[Entry, ...], fields: list[Field]) -> None:
    """Print a row for each entry, with as many of the fields as fit side by side."""
    columns = [("id", *(entry.id for entry in entries))]
    for field in fields:
        title = field.name if field.unit in {"", "1"} else f"{field.name} [{field.unit}]"
        columns.append((title, *(_cell(entry, field.name) for entry in entries)))
    shown = columns[: _fitting(columns)]
    rows = list(zip(*(column[1:] for column in shown), strict=True))
    numeric = [i for i, f in enumerate(fields[: len(shown) - 1], 1) if f.type in _NUMBERS]
    words = [i for i in range(1, len(shown)) if i not in numeric]
    click.echo(table([column[0] for column in shown], rows, right=numeric, folding=words))
    if len(shown) < len(columns):
        left = ", ".join(column[0].partition(" ")[0] for column in columns[len(shown) :])
        click.echo(wrap(f"Also stated, shown by 'gigawatt catalog {kind} NAME': {left}.", ""))


def _sparse(entries: tuple[Entry, ...]) -> str:
    """Return a row for each entry with its first facts, for a kind that shares no fields."""
    rows = []
    for entry in entries:
        facts = list(entry)
        first = [f"{_field(fact)} {quantity(fact.value, fact.unit)}" for fact in facts[:_FIRST]]
        more = len(facts) - len(first)
        rows.append((entry.id, "; ".join(first) + (f"; and {more} more" if more else "")))
    return table(("id", "facts"), rows, folding=(1,))


def _whole(fact: Fact) -> str:
    """Return a fact's value; a number stays on the line of its unit."""
    text = quantity(fact.value, fact.unit)
    return text if isinstance(fact.value, str) else text.replace(" ", TIED)


def _field(fact: Fact) -> str:
    return fact.key.rpartition("/")[2]


_NUMBERS = frozenset({"number", "integer"})
_FOLDED = 32
_FIRST = 2  # facts of an entry that stand for it where entries share no fields
# What tells most of an entry, for kinds whose entries state few of very many fields.
_TELLING = {
    "model": (
        "developer",
        "kind",
        "total_params_b",
        "active_params_b",
        "train_tokens",
        "train_chip",
        "released",
        "context_tokens",
    )
}


def _cell(entry: Entry, field: str) -> str:
    return quantity(entry[field].value, "") if field in entry else ""


def _fitting(columns: list[tuple[str, ...]]) -> int:
    """Return how many columns, from the left, fit side by side; never fewer than two.

    A column of long texts counts as `_FOLDED` wide, for it can fold; the names of entries never do.
    """
    used = 0
    for count, column in enumerate(columns):
        widest = max(len(cell) for cell in column)
        used += (min(widest, max(_FOLDED, len(column[0]))) if count else widest) + 2
        if used > width() + 2 and count >= 2:
            return count
    return len(columns)


def _show_entry(catalog: Catalog, entry: Entry, style: str) -> None:
    fields = catalog.fields(entry.kind)
    if style == "json":
        facts = {
            name: {"description": fields[name].description, **_fact(fact)}
            for name, fact in entry.facts.items()
        }
        print_json({**_brief(entry), "facts": facts})
        return
    click.echo(heading(f"{entry.kind} {entry.id}"))
    if entry.aliases:
        click.echo(wrap(f"also {', '.join(entry.aliases)}", ""))
    rows = [
        (
            _field(fact),
            _whole(fact),
            span(fact.low, fact.high, fact.unit).replace(" ", TIED),
            fact.date,
            fact.basis,
            fact.source.id,
        )
        for fact in entry
    ]
    click.echo()
    head = ("fact", "value", "range", "date", "basis", "source")
    drawn = table(head, rows, folding=(1, 2))
    if max(len(click.unstyle(line)) for line in drawn.splitlines()) > width():
        drawn = table(head, rows, folding=(1, 2, 5))  # a source's key is folded last
    click.echo(drawn)
    _show_notes(entry)
    _show_sources(entry)


def _show_notes(entry: Entry) -> None:
    notes = [(_field(fact), fact.note) for fact in entry if fact.note]
    if notes:
        click.echo("\n" + heading("Notes"))
        for field, text in notes:
            click.echo(wrap(f"{field}: {text}", "  "))


def _show_sources(entry: Entry) -> None:
    click.echo("\n" + heading("Sources"))
    for source in {fact.source.id: fact.source for fact in entry}.values():
        credit = f" [{source.licence}]" if source.licence else ""
        parts = ", ".join(part for part in (source.title, source.publisher, source.date) if part)
        click.echo(wrap(f"{source.id}: {parts}{credit}", "  "))
        click.echo(f"    {source.where}")


def _brief(entry: Entry) -> dict[str, Any]:
    values = {name: fact.value for name, fact in entry.facts.items()}
    return {"kind": entry.kind, "id": entry.id, "aliases": list(entry.aliases), "facts": values}


def _fact(fact: Fact) -> dict[str, Any]:
    source = fact.source
    return {
        "value": fact.value,
        "unit": fact.unit,
        "low": fact.low,
        "high": fact.high,
        "date": fact.date,
        "basis": fact.basis,
        "note": fact.note,
        "source": {
            "id": source.id,
            "title": source.title,
            "publisher": source.publisher,
            "where": source.where,
            "date": source.date,
            "licence": source.licence,
        },
    }


def _search(catalog: Catalog, kinds: Iterable[str], text: str) -> Iterator[tuple[Entry, str]]:
    """Yield each entry that mentions the text, with where it does."""
    wanted = text.casefold()
    for kind in kinds:
        for entry in catalog.entries(kind):
            where = _mention(entry, wanted)
            if where is not None:
                yield entry, where


def _mention(entry: Entry, wanted: str) -> str | None:
    if wanted in entry.id:
        return ""
    for alias in entry.aliases:
        if wanted in alias.casefold():
            return f"alias {alias}"
    for field, fact in entry.facts.items():
        if isinstance(fact.value, str) and wanted in fact.value.casefold():
            return f"{field} {fact.value}"
    return None


def _show_found(found: list[tuple[Entry, str]], text: str, style: str) -> None:
    if style == "json":
        print_json([_brief(entry) for entry, _ in found])
    elif found:
        rows = [(e.kind, e.id, where) for e, where in found]
        click.echo(table(("kind", "id", "where"), rows, folding=(2,)))
    else:
        click.echo(f"no entry mentions '{text}'", err=True)
