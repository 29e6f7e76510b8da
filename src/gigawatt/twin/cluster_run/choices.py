"""What a campus file does not say of its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gigawatt.cluster.storage import Storage

__all__ = ["Choices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a campus file does not say of its jobs.

    Parameters
    ----------
    restart_s : int
        From a failure or a placement to the first productive second [s].
    research : str
        Trace whose jobs stand for research: an entry of the catalogue's kind ``workload``.
    research_scale : int, optional
        How many times as large as published its jobs are; where not given, the least power of two
        that keeps their number within what is quick to simulate.
    reliability : str
        Preset that the planner takes checkpoint intervals for.
    checkpoint_interval_s : int, optional
        Work between checkpoints [s]; where not given, the planner's optimum for training runs, and
        an hour for research.
    patience_s : int
        For which a training run that lost a host waits for another, holding those it has [s].
    storage : Storage, optional
        Where training runs write checkpoints to; where not given, each is held up for as long as
        its accelerators copy theirs to their hosts.
    """

    restart_s: int
    research: str = "seren"
    research_scale: int | None = None
    reliability: str = "llama-3-405b"
    checkpoint_interval_s: int | None = None
    patience_s: int = 3600
    storage: Storage | None = None
