"""Which published facts and which of the user's inputs each quantity rests on."""

from __future__ import annotations

from collections import deque
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
        # Dictionaries stand for ordered sets: the same campus gives the same order.
        self._facts: dict[str, dict[str, None]] = {}
        self._inputs: dict[str, dict[str, None]] = {}
        self._after: dict[str, dict[str, None]] = {}

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
        earlier = [name for name in after if name != quantity]
        missing = [name for name in earlier if name not in self._facts]
        if missing:
            message = f"{quantity} follows from {missing}, which nothing recorded"
            raise ValueError(message)
        self._facts.setdefault(quantity, {}).update(dict.fromkeys(facts))
        self._inputs.setdefault(quantity, {}).update(dict.fromkeys(inputs))
        self._after.setdefault(quantity, {}).update(dict.fromkeys(earlier))

    def facts(self, *quantities: str) -> tuple[str, ...]:
        """Return the keys of every fact behind the quantities, the nearest first."""
        found = dict.fromkeys(self._gather(self._facts, quantities))
        for path in self.inputs(*quantities):
            for published, keys in self._published.items():
                if _within(published, path) or _within(path, published):
                    found.update(dict.fromkeys(keys))
        return tuple(found)

    def inputs(self, *quantities: str) -> tuple[str, ...]:
        """Return the paths of every input behind the quantities, the nearest first."""
        return self._gather(self._inputs, quantities)

    def _gather(
        self, kept: dict[str, dict[str, None]], quantities: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Walk the graph breadth first, so that what is read directly comes before the rest."""
        todo, seen, found = deque(quantities), set[str](), dict[str, None]()
        while todo:
            name = todo.popleft()
            if name in seen:
                continue
            seen.add(name)
            found.update(kept[name])
            todo.extend(self._after[name])
        return tuple(found)


def _within(path: str, part: str) -> bool:
    """Return whether `path` is `part` or lies below it."""
    return path == part or path.startswith((f"{part}.", f"{part}["))
