"""Which published facts and which of the user's inputs each quantity rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Lineage"]


class Lineage:
    """A graph of quantities: what each was read from, and which others it follows from.

    Stages record what they used as they use it, so that a headline's sources are a walk over the
    graph and never a list kept by hand.

    Parameters
    ----------
    published : mapping of str to tuple of str
        Facts that inputs of the campus file come from, by path of the input.
    """

    def __init__(self, published: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._published = dict(published or {})
        self._facts: dict[str, set[str]] = {}
        self._inputs: dict[str, set[str]] = {}
        self._after: dict[str, set[str]] = {}

    def record(
        self,
        quantity: str,
        *,
        facts: Iterable[str] = (),
        inputs: Iterable[str] = (),
        after: Iterable[str] = (),
    ) -> None:
        """Note that `quantity` rests on these facts, inputs and earlier quantities.

        Raises
        ------
        ValueError
            If an earlier quantity was never recorded: the graph would have a hole.
        """
        after = set(after)
        missing = after - self._facts.keys()
        if missing:
            message = f"{quantity} follows from {sorted(missing)}, which nothing recorded"
            raise ValueError(message)
        self._facts.setdefault(quantity, set()).update(facts)
        self._inputs.setdefault(quantity, set()).update(inputs)
        self._after.setdefault(quantity, set()).update(after - {quantity})

    def facts(self, *quantities: str) -> tuple[str, ...]:
        """Return the keys of every fact behind the quantities, sorted."""
        found = set(self._gather(self._facts, quantities))
        for path in self.inputs(*quantities):
            for published, keys in self._published.items():
                if _within(published, path) or _within(path, published):
                    found.update(keys)
        return tuple(sorted(found))

    def inputs(self, *quantities: str) -> tuple[str, ...]:
        """Return the paths of every input behind the quantities, sorted."""
        return self._gather(self._inputs, quantities)

    def _gather(self, kept: dict[str, set[str]], quantities: tuple[str, ...]) -> tuple[str, ...]:
        todo, seen, found = list(quantities), set[str](), set[str]()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            found |= kept[name]
            todo.extend(self._after[name])
        return tuple(sorted(found))


def _within(path: str, part: str) -> bool:
    """Return whether `path` is `part` or lies below it."""
    return path == part or path.startswith((f"{part}.", f"{part}["))
