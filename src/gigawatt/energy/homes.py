"""A campus in homes: two honest ways to count, which differ four-fold for the same campus."""

from __future__ import annotations

__all__ = ["homes_by_energy", "homes_by_peak"]


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
