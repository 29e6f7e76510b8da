r"""Storage that gives the grid a smoother load than the job draws.

The grid follows the load with a first-order lag, storage carries the difference, and a slow pull
brings it back to half full:

.. math:: \dot g = \frac{P - g}{\tau}, \qquad
          P_{grid} = g + \frac{E/2 - e}{T}, \qquad
          \dot e = -\eta^{\mp 1/2} (P - P_{grid})

with e the energy held, :math:`\eta` the round-trip efficiency and T ten times the lag. A
fluctuation of frequency f passes with :math:`1 / \sqrt{1 + (2 \pi f \tau)^2}` of its amplitude, if
the storage answers at once. It answers with a time constant of its own, and what is quicker than
that comes through: batteries need help from storage in the racks.
Storage behind a high-pass is the control of the literature [1]_ [2]_.

References
----------
.. [1] E. Choukse et al., "Power stabilization for AI training datacenters", arXiv:2508.14318
   (2025): power floor, rack storage and software as levers, and their costs.
.. [2] M.-S. Ko and J. W. Shim, "Mitigation of datacenter demand ramping and fluctuation using
   hybrid ESS and supercapacitor", arXiv:2512.08076 (2025).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.site.waveform.render import Waveform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.site.waveform.job import Job

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Smoothed", "Storage", "floored", "sized", "smooth", "storage", "yearly_usd"]

_MJ_PER_MWH: Final = 3600.0
_PULL: Final = 10.0  # the pull to half full is this much slower than the lag: it may not ring
_BOUNDLESS_MJ: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Storage behind the meter.

    Parameters
    ----------
    name : str
        Entry of the kind ``smoothing``, or what the user calls it.
    power_mw, energy_mwh : float
        Most it gives or takes, and what it holds when full.
    round_trip_efficiency : float
        Energy given back over energy taken.
    follow_s : float
        Lag with which the grid follows the load [s].
    response_s : float
        Time constant with which its power follows what is asked [s].
    usd_per_kw, usd_per_kwh, life_years : float
        Capital cost and life; nan where nobody stated them.
    """

    name: str
    power_mw: float
    energy_mwh: float
    round_trip_efficiency: float
    follow_s: float
    response_s: float = 0.0
    usd_per_kw: float = math.nan
    usd_per_kwh: float = math.nan
    life_years: float = math.nan

    def __post_init__(self) -> None:
        if (
            min(self.power_mw, self.energy_mwh, self.response_s) < 0.0
            or not 0.0 < self.round_trip_efficiency <= 1.0
            or self.follow_s <= 0.0
        ):
            message = (
                f"storage '{self.name}': power, energy and response must not be negative, the "
                f"efficiency must lie in (0, 1] and the lag be above 0; got {self}"
            )
            raise InputError(message)

    @property
    def capital_usd(self) -> float:
        """Capital cost [USD]."""
        return 1e3 * (self.power_mw * self.usd_per_kw + self.energy_mwh * self.usd_per_kwh)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A waveform behind storage.

    ``load energy + lost = grid energy + what the storage gave of its content``.

    Parameters
    ----------
    waveform : Waveform
        Power at the grid.
    lost_mwh : tuple of float
        Energy lost in each storage.
    held_mwh : tuple of ndarray
        Energy in each storage at the end of every sample.
    """

    waveform: Waveform
    lost_mwh: tuple[float, ...]
    held_mwh: tuple[Array, ...]


def storage(
    name: str, *, follow_s: float, power_mw: float = 0.0, energy_mwh: float = 0.0
) -> Storage:
    """Return storage of the catalogue (kind ``smoothing``): ``rack-storage``, ``site-battery``."""
    entry = catalog.load().get("smoothing", name)
    return Storage(
        name=entry.id,
        power_mw=power_mw,
        energy_mwh=energy_mwh,
        round_trip_efficiency=entry.number("round_trip_efficiency"),
        follow_s=follow_s,
        response_s=entry.number("response_s"),
        usd_per_kw=entry.number("usd_per_kw"),
        usd_per_kwh=entry.number("usd_per_kwh"),
        life_years=entry.number("life_years"),
    )


def smooth(waveform: Waveform, storages: Sequence[Storage]) -> Smoothed:
    """Return the waveform that the grid sees behind storages, the first nearest to the load.

    Parameters
    ----------
    waveform : Waveform
        Power of the load.
    storages : sequence of Storage
        Each half full at the start; where one is empty, full or at its power, the load comes
        through.
    """
    from gigawatt.site.waveform import kernels  # noqa: PLC0415  Numba is slow to import

    load, lost, held = waveform.power_mw, [], []
    for one in storages:
        grid, content = np.empty_like(load), np.empty_like(load)
        lost_mj = kernels.store(
            load,
            waveform.dt_s,
            one.power_mw,
            one.energy_mwh * _MJ_PER_MWH,
            math.sqrt(one.round_trip_efficiency),
            _share(waveform.dt_s, one.follow_s),
            1.0 / (_PULL * one.follow_s),
            _before(load, one.follow_s / waveform.dt_s),
            _share(waveform.dt_s, one.response_s),
            grid,
            content,
        )
        lost.append(lost_mj / _MJ_PER_MWH)
        held.append(content / _MJ_PER_MWH)
        load = grid
    return Smoothed(Waveform(load, waveform.dt_s), tuple(lost), tuple(held))


def _share(dt_s: float, time_constant_s: float) -> float:
    """Return the share of a difference that a first-order lag makes up in a sample."""
    return 1.0 - math.exp(-dt_s / time_constant_s) if time_constant_s > 0.0 else 1.0


def _before(load: Array, samples: float) -> float:
    """Return what the grid gave before the start: the load as it begins, over one lag."""
    return float(load[: max(round(samples), 1)].mean())


def sized(waveform: Waveform, one: Storage) -> Storage:
    """Return storage with just the power and energy that this waveform asks of its lag.

    Parameters
    ----------
    waveform : Waveform
        Power of the load, or what storage nearer to it leaves.
    one : Storage
        Its power and energy are replaced.
    """
    boundless = replace(one, power_mw=1e9, energy_mwh=_BOUNDLESS_MJ / _MJ_PER_MWH)
    free = smooth(waveform, [boundless])
    flow = waveform.power_mw - free.waveform.power_mw
    content = free.held_mwh[0] - 0.5 * boundless.energy_mwh
    return replace(
        one,
        power_mw=float(np.abs(flow).max()),
        energy_mwh=2.0 * float(np.abs(content).max()),
    )


def floored(jobs: Sequence[Job], share: float) -> list[Job]:
    """Return jobs whose accelerators never draw less than a share of their most while they run.

    Parameters
    ----------
    jobs : sequence of Job
        As they are.
    share : float
        Of the greatest of a job's levels, 0 to 1.

    Raises
    ------
    InputError
        If the share is outside [0, 1].
    """
    if not 0.0 <= share <= 1.0:
        message = f"a power floor lies in [0, 1] of the most that is drawn; got {share}"
        raise InputError(message)
    return [replace(job, levels=job.levels.raised(share * job.levels.most_w)) for job in jobs]


def yearly_usd(one: Storage, discount_rate: float) -> float:
    r"""Return the yearly cost of storage: its capital as an annuity [USD/yr].

    .. math:: c = C \frac{r}{1 - (1 + r)^{-n}}
    """
    if one.capital_usd == 0.0:
        return 0.0
    if discount_rate == 0.0:
        return one.capital_usd / one.life_years
    factor: float = discount_rate / (1.0 - (1.0 + discount_rate) ** -one.life_years)
    return one.capital_usd * factor
