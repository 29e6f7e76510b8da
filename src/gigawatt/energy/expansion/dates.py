"""Days: when what is ordered can be in service, and what stands in which hours of a year."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.energy.system import Hours, Source
    from gigawatt.energy.technologies import Technology

__all__ = [
    "by_calendar_year",
    "earliest_service",
    "hour_of",
    "lead_time_months",
    "masked",
    "standing_from",
]

_EPOCH: Final = 1970
_MONTHS: Final = 12
_MEDIAN: Final = 0.5
_DAYS_PER_MONTH: Final = 365.2425 / 12.0


def lead_time_months(tech: Technology, quantile: float = 0.5) -> float:
    r"""Return the time from order to service, months: the median, or another quantile.

    No shape of the distribution is published; a triangle from the least over the likeliest
    :math:`m` to the most needs no fitted parameter. Its quantile :math:`q \le (m - a) / (b - a)` is

    .. math:: a + \sqrt{q\,(b - a)(m - a)},

    and the like from the other end beyond it. Where a figure is published and no range, the median
    is that figure.

    Raises
    ------
    NotModelledError
        If no lead time is published, or another quantile is asked for and no range is.
    """
    if not 0.0 <= quantile <= 1.0:
        message = f"a quantile of lead times lies within [0, 1]; found {quantile:g}"
        raise InputError(message)
    if tech.lead_time_months is None:
        entry = catalog.load().get("technology", tech.id)
        if "lead_time_months" not in entry:
            message = f"no lead time is published for {tech.name}; state the date of service"
            raise NotModelledError(message)
        months = float(entry["lead_time_months"].number)
        if quantile != _MEDIAN:
            message = (
                f"no range of lead times is published for {tech.name}, only {months:g} months: "
                "leave the quantile out"
            )
            raise NotModelledError(message)
        return months
    least, likely, most = tech.lead_time_months
    if most == least:
        return least
    if quantile <= (likely - least) / (most - least):
        return least + sqrt(quantile * (most - least) * (likely - least))
    return most - sqrt((1.0 - quantile) * (most - least) * (most - likely))


def earliest_service(tech: Technology, ordered: str, quantile: float = 0.5) -> str:
    """Return the first day of service of what is ordered on a day, ISO 8601.

    Examples
    --------
    >>> from gigawatt.energy.technologies import technology
    >>> earliest_service(technology("combined-cycle"), "2026-11-25")
    '2031-11-25'
    """
    months = lead_time_months(tech, quantile)
    try:
        day = dt.date.fromisoformat(ordered)
    except ValueError:
        message = f"an order date is a day such as 2027-04-01; found '{ordered}'"
        raise InputError(message) from None
    whole = int(months)
    years, month = divmod(day.month - 1 + whole, _MONTHS)
    first = dt.date(day.year + years, month + 1, 1) + dt.timedelta(days=day.day - 1)
    return (first + dt.timedelta(days=round((months - whole) * _DAYS_PER_MONTH))).isoformat()


def standing_from(part: Source, year: int, hours: int, first: str, last: str = "") -> Source:
    """Return a source of given capacity as it stands in a year, between two days.

    Its availability is nothing before its first day and after its last, where these fall into the
    year; hours that sample a year are taken to be spread evenly over it.

    Parameters
    ----------
    part : Source
        With its capacity.
    year, hours : int
        The year and its hours.
    first, last : str
        First and last day of service, ISO 8601; an empty one is open.
    """
    from_hour = hour_of(first, year, hours) if first else 0
    to_hour = hours
    if last:
        day = (dt.date.fromisoformat(last) + dt.timedelta(days=1)).isoformat()
        to_hour = hour_of(day, year, hours)
    at = np.arange(hours)
    return masked(part, (at >= from_hour) & (at < to_hour))


def masked(source: Source, mask: Any) -> Source:  # noqa: ANN401  an array of flags
    """Return a source that gives nothing in hours where the mask is false."""
    if mask.all():
        return source
    return replace(
        source,
        availability=np.asarray(source.availability, dtype=float) * mask,
        least_output=np.asarray(source.least_output, dtype=float) * mask,
    )


def hour_of(day: str, year: int, hours: int) -> int:
    """Return the hour of a year at which a day begins, of `hours` spread evenly over it."""
    begin, date = dt.date(year, 1, 1), dt.date.fromisoformat(day)
    part = (date - begin).days / (dt.date(year + 1, 1, 1) - begin).days
    return int(np.clip(round(part * hours), 0, hours))


def by_calendar_year(values: Hours, start: str) -> dict[int, Hours]:
    """Return an hourly series by calendar year; the first and the last may be parts of one.

    Parameters
    ----------
    values : ndarray (hours,)
        The series.
    start : str
        Its first hour, ISO 8601.

    Examples
    --------
    >>> parts = by_calendar_year(np.arange(6.0), "2027-12-31T21")
    >>> {year: part.tolist() for year, part in parts.items()}
    {2027: [0.0, 1.0, 2.0], 2028: [3.0, 4.0, 5.0]}
    """
    times = np.datetime64(start, "h") + np.arange(len(values))
    of = times.astype("datetime64[Y]").astype(np.int64) + _EPOCH
    return {int(year): values[of == year] for year in np.unique(of)}
