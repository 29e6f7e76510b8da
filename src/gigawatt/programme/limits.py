"""What limits a training run: compute, data, money or the date; and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gigawatt.errors import InputError

__all__ = ["LIMITS", "Limit", "Means", "RunLimits", "limits_of"]

LIMITS: Final = ("compute", "date", "data", "money")
"""What can limit a run."""

Band = tuple[float, float, float]
"""P10, median and P90."""


@dataclass(frozen=True)
class Means:
    """What a run may use.

    Parameters
    ----------
    tokens_per_chip_hour : tuple of float or None
        P10, median and P90 of the tokens that an accelerator trains in an hour; None where none
        of the run's work falls within the time looked at.
    chip_hours : float
        Accelerator-hours that the campus grants it.
    chip_hours_by_date : float or None
        Those until the day by which it must end; None without such a day.
    unique_tokens : tuple of float or None
        P10, median and P90 of the tokens that there are; None where the data are at hand.
    most_epochs : float
        How often a token may be seen.
    budget_usd : float or None
        Money; None without a limit.
    usd_per_chip_hour : float
        What an accelerator-hour costs.
    """

    tokens_per_chip_hour: Band | None
    chip_hours: float
    chip_hours_by_date: float | None = None
    unique_tokens: Band | None = None
    most_epochs: float = 4.0
    budget_usd: float | None = None
    usd_per_chip_hour: float = 0.0


@dataclass(frozen=True)
class Limit:
    """What one means allows.

    Parameters
    ----------
    name : str
        One of `LIMITS`.
    tokens : tuple of float
        P10, median and P90 of the tokens that it allows.
    lacks : str
        What would have to be added for the wanted tokens; empty where nothing would.
    """

    name: str
    tokens: Band
    lacks: str


@dataclass(frozen=True)
class RunLimits:
    """All limits of a run.

    Parameters
    ----------
    wanted_tokens : float
        Tokens that the run is to have.
    limits : tuple of Limit
        From the tightest to the loosest.
    """

    wanted_tokens: float
    limits: tuple[Limit, ...]

    @property
    def binding(self) -> Limit:
        """The tightest, at the median."""
        return self.limits[0]

    @property
    def reached_share(self) -> float:
        """Part of the wanted tokens that the tightest limit allows, at most 1."""
        return min(self.binding.tokens[1] / self.wanted_tokens, 1.0)

    @property
    def enough(self) -> bool:
        """Whether no limit stands in the way, at the median."""
        return self.binding.tokens[1] >= self.wanted_tokens


def limits_of(wanted_tokens: float, means: Means) -> RunLimits:
    """Return how many tokens each means allows, and what is lacking.

    compute, date: accelerator-hours x rate; money: budget over the price of an hour x rate; data:
    unique tokens x epochs. A run none of whose work falls within the time looked at has no rate:
    compute allows it nothing, and of date and money nothing is said.

    Raises
    ------
    InputError
        If a value makes no sense.
    """
    _check(wanted_tokens, means)
    found = _of_chips(wanted_tokens, means)
    if means.unique_tokens is not None:
        low, middle, high = (u * means.most_epochs for u in means.unique_tokens)
        short = wanted_tokens - middle
        lacks = f"{_digits(short / 1e12)} trillion tokens" if short > 0 else ""
        found.append(Limit("data", (low, middle, high), lacks))
    found.sort(key=lambda limit: (limit.tokens[1], LIMITS.index(limit.name)))
    return RunLimits(wanted_tokens, tuple(found))


def _of_chips(wanted_tokens: float, means: Means) -> list[Limit]:
    rate = means.tokens_per_chip_hour
    if rate is None:
        return [Limit("compute", (0.0, 0.0, 0.0), "accelerators before the end of the horizon")]
    needed_hours = wanted_tokens / rate[1]
    found = [_by_hours("compute", means.chip_hours, rate, needed_hours)]
    if means.chip_hours_by_date is not None:
        found.append(_by_hours("date", means.chip_hours_by_date, rate, needed_hours))
    if means.budget_usd is not None and means.usd_per_chip_hour > 0:
        hours = means.budget_usd / means.usd_per_chip_hour
        short = (needed_hours - hours) * means.usd_per_chip_hour
        lacks = f"{_digits(short / 1e6)} million USD" if short > 0 else ""
        found.append(Limit("money", (hours * rate[0], hours * rate[1], hours * rate[2]), lacks))
    return found


def _by_hours(name: str, hours: float, rate: Band, needed: float) -> Limit:
    lacks = f"{_digits((needed - hours) / 1e6)} million accelerator-hours" if needed > hours else ""
    return Limit(name, (hours * rate[0], hours * rate[1], hours * rate[2]), lacks)


def _digits(value: float) -> str:
    """Return three digits, without an exponent however large the number."""
    return f"{float(f'{value:.3g}'):,.10g}"


def _check(wanted_tokens: float, means: Means) -> None:
    low, middle, high = means.tokens_per_chip_hour or (1.0, 1.0, 1.0)
    wanted = (
        (wanted_tokens > 0, "wanted_tokens must be above 0", wanted_tokens),
        (0 < low <= middle <= high, "tokens_per_chip_hour must rise from above 0", low),
        (means.chip_hours >= 0, "chip_hours must be 0 or more", means.chip_hours),
        (
            1 <= means.most_epochs < float("inf"),
            "most_epochs must be 1 or more, and finite",
            means.most_epochs,
        ),
        ((means.budget_usd or 0.0) >= 0, "budget_usd must be 0 or more", means.budget_usd),
    )
    for good, expected, value in wanted:
        if not good:
            message = f"{expected}; found {value:g}"
            raise InputError(message)
