"""What is planned together: blocks, decisions that stand in them, limits, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.energy.dispatch.result import Dispatch
    from gigawatt.energy.system import System

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Block", "Decision", "Joint", "Limit"]


@dataclass(frozen=True, eq=False)
class Block:
    """One of the systems.

    Parameters
    ----------
    label : str
        What messages call it, such as ``2029``.
    system : System
        What is planned in it is shared; its `least_mw` and `most_mw` are not looked at.
    weight : float
        What its running cost counts.
    firm_mw : float
        Firm capacity it must have.
    masks : mapping of str to ndarray (hours,)
        Part of a storage's capacity that stands in each hour, where not all of it does.
    why : str
        Added to the message if its load cannot be served.
    """

    label: str
    system: System
    weight: float = 1.0
    firm_mw: float = 0.0
    masks: Mapping[str, Array] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, eq=False)
class Decision:
    """MW of a part, at a price, that stand in some of the blocks.

    Parameters
    ----------
    part : str
        Name of the source or storage.
    usd_per_mw : float
        What a MW costs over all blocks, weighted.
    stands : ndarray (blocks,)
        1 where it stands, else 0.
    most_mw : float
        No more than this.
    """

    part: str
    usd_per_mw: float
    stands: Array
    most_mw: float = np.inf


@dataclass(frozen=True, eq=False)
class Limit:
    """What stands of a part in a block lies within `least_mw` and `most_mw`."""

    part: str
    block: int
    least_mw: float
    most_mw: float


@dataclass(frozen=True, eq=False)
class Joint:
    """Decisions (D,) at least cost, how each block then runs, and a certificate.

    Parameters
    ----------
    decision_mw : ndarray (D,)
        By decision.
    dispatch : tuple of Dispatch
        By block.
    total_usd, lower_bound_usd : float
        Weighted cost of all, and what no plan undercuts.
    short_usd_per_mw : ndarray (D,)
        What a further MW of a decision costs over what it saves, weighted.
    last_unit : tuple of dict
        By block, what the last unit of each limit costs, not weighted.
    steps : int
        Steps of the solver.
    """

    decision_mw: Array
    dispatch: tuple[Dispatch, ...]
    total_usd: float
    lower_bound_usd: float
    short_usd_per_mw: Array
    last_unit: tuple[Mapping[str, float], ...]
    steps: int
