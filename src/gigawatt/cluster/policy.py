"""Who goes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from gigawatt.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAMED", "Backfill", "Fit", "Order", "Policy"]

Order = Literal["fifo", "sjf", "priority", "fair-share"]
Backfill = Literal["none", "easy", "conservative"]
Fit = Literal["best", "worst"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How waiting jobs are put in order and started.

    Parameters
    ----------
    order : str
        ``"fifo"`` by time of arrival; ``"sjf"`` the shortest first; ``"priority"`` the highest
        first; ``"fair-share"`` those of the tenant that has used least of its share. Ties go to
        the job that came first.
    backfill : str
        ``"none"``: nothing overtakes the head of the queue. ``"easy"``: what does not make the
        head late does. ``"conservative"``: what makes no waiting job late does.
    depth : int
        Most waiting jobs that backfill looks at, or plans; 0 for all.
    preempt : bool
        Whether a job stops preemptible jobs of lower priority to start.
    shares : mapping of int to float, optional
        Share of each tenant under fair share; 1 for those not named.
    quotas : mapping of int to int, optional
        Most accelerators that a tenant may use at once; without limit for those not named.
    half_life_s : float
        Time after which an accelerator-second counts half under fair share [s].
    fit : str
        ``"best"`` puts a job where fewest nodes stay free, ``"worst"`` where most do.

    Raises
    ------
    InputError
        If a value is none of these.

    Examples
    --------
    >>> Policy.named("easy")
    Policy(order='fifo', backfill='easy', depth=0, preempt=False, shares=None, quotas=None, \
half_life_s=604800.0, fit='best')
    """

    order: Order = "fifo"
    backfill: Backfill = "none"
    depth: int = 0
    preempt: bool = False
    shares: Mapping[int, float] | None = None
    quotas: Mapping[int, int] | None = None
    half_life_s: float = 7 * 86_400.0
    fit: Fit = "best"

    def __post_init__(self) -> None:
        for name, known in (("order", Order), ("backfill", Backfill), ("fit", Fit)):
            if getattr(self, name) not in get_args(known):
                options = ", ".join(get_args(known))
                message = f"{name} must be one of {options}. Got {getattr(self, name)!r} instead."
                raise InputError(message)
        if self.depth < 0 or not self.half_life_s > 0:
            message = (
                "depth must be >= 0 and half_life_s > 0. "
                f"Got {self.depth!r} and {self.half_life_s!r} instead."
            )
            raise InputError(message)
        if any(not share > 0 for share in (self.shares or {}).values()):
            message = f"shares must be above 0. Got {self.shares!r} instead."
            raise InputError(message)

    @classmethod
    def named(cls, name: str) -> Policy:
        """Return the policy of a short name, see `NAMED`."""
        if name not in NAMED:
            hint = " or ".join(f"'{n}'" for n in nearest(name, NAMED))
            message = f"policy must be one of {', '.join(NAMED)}. Got {name!r} instead." + (
                f" Did you mean {hint}?" if hint else ""
            )
            raise InputError(message)
        return NAMED[name]


NAMED: Final[dict[str, Policy]] = {
    "fifo": Policy(),
    "sjf": Policy(order="sjf"),
    "priority": Policy(order="priority", preempt=True),
    "fair-share": Policy(order="fair-share"),
    "easy": Policy(backfill="easy"),
    "conservative": Policy(backfill="conservative"),
}
"""Policies that have a short name."""
