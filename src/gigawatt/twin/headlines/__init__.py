"""The headlines of a run: each number with its band, its formula and what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.twin.headlines.programme import programme
from gigawatt.twin.headlines.site import capacity, energy, power
from gigawatt.twin.headlines.value import homes, money
from gigawatt.twin.headlines.work import hosting, training

if TYPE_CHECKING:
    from gigawatt.twin.outcome import Headline, Table
    from gigawatt.twin.state import State

__all__ = ["headlines"]


def headlines(state: State, found: dict[str, Table]) -> tuple[Headline, ...]:
    """Return the answers, in the order a reader wants them."""
    groups = (capacity, power, energy, training, hosting, programme, money, homes)
    return tuple(headline for group in groups for headline in group(state, found))
