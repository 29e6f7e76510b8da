"""A campus in homes: two honest ways to count, which differ four-fold for the same campus."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt import catalog

__all__ = ["HomeCount", "count_homes", "homes_by_energy", "homes_by_peak"]


@dataclass(frozen=True)
class HomeCount:
    """How many homes a campus equals, by one way of counting.

    Parameters
    ----------
    name, label : str
        Its name, and what a reader sees.
    homes : float
        The count.
    low, high : float or None
        Its range, where what a home takes is published as one.
    formula : str
        How it follows, with its numbers.
    facts : tuple of str
        Keys of the facts.
    """

    name: str
    label: str
    homes: float
    low: float | None
    high: float | None
    formula: str
    facts: tuple[str, ...]


def homes_by_energy(energy_mwh: float, home_kwh_per_year: float) -> float:
    """Return how many homes use in a year the energy that the campus uses.

    homes = energy / energy of one home. At full load 5 GW is 43.8 TWh, and at the US mean of
    10,715 kWh a home that is 4.1 million homes.

    Parameters
    ----------
    energy_mwh : float
        Energy of the campus in one year.
    home_kwh_per_year : float
        Energy of one home in one year.

    Examples
    --------
    >>> round(homes_by_energy(5000 * 8760, 10715) / 1e6, 2)
    4.09
    """
    return energy_mwh * 1000.0 / home_kwh_per_year


def homes_by_peak(peak_mw: float, home_peak_kw: float) -> float:
    """Return how many homes have, in the hour of the system's peak, the power of the campus.

    homes = peak power / coincident peak of one home. A home draws three to four times its mean
    when all homes draw most, and a campus does not, so this count is the lower one: ERCOT's 250
    homes to the MW make 5 GW 1.25 million homes.

    Parameters
    ----------
    peak_mw : float
        Highest power of the campus.
    home_peak_kw : float
        Power of one home in the hour of the system's peak.

    Examples
    --------
    >>> homes_by_peak(5000, 4.0) / 1e6
    1.25
    """
    return peak_mw * 1000.0 / home_peak_kw


def count_homes(
    energy_mwh: float, peak_mw: float, state: str | None = None
) -> tuple[HomeCount, ...]:
    """Return the homes that a campus equals by yearly energy, in nation and state, and by power.

    Five gigawatts at full load are 43.8 TWh a year. That is 4.1 million homes of the US mean and
    3.0 million of Louisiana's, which use more. At the peak, when each draws 2 to 5 kW, they are the
    power of 1.0 to 2.5 million: hence "one to four million homes".

    Parameters
    ----------
    energy_mwh : float
        Energy of a year.
    peak_mw : float
        Highest power.
    state : str, optional
        US state in two letters.

    Examples
    --------
    >>> [(one.name, round(one.homes / 1e6, 2)) for one in count_homes(43.8e6, 5000.0, "LA")]
    [('homes_by_energy', 4.09), ('homes_by_energy_in_state', 2.97), ('homes_by_peak', 1.25)]
    """
    book = catalog.load()
    nation, peak = (book.get("rate", "home")[f] for f in ("energy_kwh_per_year", "peak_kw"))
    found = [
        HomeCount(
            "homes_by_energy", "yearly energy, US",
            homes_by_energy(energy_mwh, nation.number), None, None,
            f"{energy_mwh / 1e6:,.4g} TWh / {nation.number:,.0f} kWh of a home", (nation.key,),
        ),
    ]  # fmt: skip
    if state is not None and book.has("state", state):
        entry = book.get("state", state)
        fact = entry["home_kwh_per_year"]
        found.append(HomeCount(
            "homes_by_energy_in_state", f"yearly energy, {entry.text('name')}",
            homes_by_energy(energy_mwh, fact.number), None, None,
            f"{energy_mwh / 1e6:,.4g} TWh / {fact.number:,.0f} kWh of a home", (fact.key,),
        ))  # fmt: skip
    low, high = peak.span
    found.append(HomeCount(
        "homes_by_peak", "power at the peak",
        homes_by_peak(peak_mw, peak.number), homes_by_peak(peak_mw, high),
        homes_by_peak(peak_mw, low),
        f"{peak_mw:,.0f} MW / {peak.number:g} kW of a home, {low:g} to {high:g} by weather",
        (peak.key,),
    ))  # fmt: skip
    return tuple(found)
