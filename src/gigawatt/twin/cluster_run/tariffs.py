"""What an accelerator draws by class of job, and what its hour costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt import catalog
from gigawatt.cluster.shape import Mode, PowerCap
from gigawatt.site.power.activity import activity_power_w
from gigawatt.site.power.calibration import network_power_w
from gigawatt.twin.clock import HOURS_PER_YEAR
from gigawatt.twin.cluster_run.account import ACTIVITY_OF, Tariff
from gigawatt.twin.money import read_rates
from gigawatt.twin.plant import read_plant
from gigawatt.twin.supply import grid_price_usd_per_mwh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.spec import Campus
    from gigawatt.twin.cluster_run.demand import Standing
    from gigawatt.twin.cluster_run.fleets import Fleet

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["CampusPower", "campus_power", "chip_tariff"]


@dataclass(frozen=True, slots=True)
class CampusPower:
    """Power and prices of a campus in the hours looked at.

    Parameters
    ----------
    tariffs : dict of str to Tariff
        By kind of accelerator.
    allowed_mw : ndarray (hours,)
        IT power that the halls and the point of interconnection allow.
    facts : tuple of str
        Keys of the facts behind them.
    """

    tariffs: dict[str, Tariff]
    allowed_mw: Hours
    facts: tuple[str, ...]

    def caps(self, fleets: Sequence[Fleet], mode: Mode = "off") -> dict[str, list[PowerCap]]:
        """Return what holds each kind of accelerator within its power, where power binds.

        Each is taken to draw as much as in training, and all kinds to give up the same share.

        Parameters
        ----------
        fleets : sequence of Fleet
            All kinds.
        mode : str
            ``"off"`` switches hosts off, ``"slow"`` slows all jobs of a kind down.

        Raises
        ------
        NotModelledError
            If slow ones would have no power beside that of idle ones.
        """
        most_kw = {f.chip: max((self.tariffs[f.chip].busy_kw or {}).values()) for f in fleets}
        wanted_mw = sum(f.cluster.accelerators * most_kw[f.chip] for f in fleets) / 1e3
        if (self.allowed_mw >= wanted_mw).all():
            return {f.chip: [] for f in fleets}
        share = np.minimum(self.allowed_mw / wanted_mw, 1.0)
        found = {}
        for fleet in fleets:
            count, each_kw = fleet.cluster.accelerators, most_kw[fleet.chip]
            found[fleet.chip] = PowerCap.of_power(
                0, (share * count * each_kw / 1e3).tolist(), each_kw,
                accelerators=count if mode == "slow" else None,
                idle_kw=self.tariffs[fleet.chip].idle_kw,
            )  # fmt: skip
        return found


def campus_power(campus: Campus, standing: Standing, horizon_s: int) -> CampusPower:
    """Return power and prices of each kind of accelerator of a campus, and what power allows.

    Computers cost by their own rated power, the facility and its operation by the IT power it was
    built for, which all accelerators share by their rating; energy is bought at the price of the
    grid with the PUE of these hours.
    """
    lineage, capacity = standing.lineage, standing.capacity
    rates = read_rates(campus, lineage)
    plant = read_plant(campus, standing.clock, capacity, lineage)
    hours = slice(standing.hour, standing.hour + -(-horizon_s // 3600))
    price = grid_price_usd_per_mwh(campus, lineage) * float(plant.pue[hours].mean())
    rated, it_mw = float(capacity.rated_mw[0]), float(capacity.it_mw[0])
    computers = rates.compute_usd_per_it_mw * rates.compute_charge
    building = (
        rates.facility_usd_per_it_mw * rates.facility_charge + rates.other_usd_per_it_mw_year
    ) * it_mw / rated  # fmt: skip
    book = catalog.load()
    found = {}
    for chip in standing.chips:
        rated_mw = book.get("chip", chip).number("all_in_it_kw") / 1e3
        usd = rated_mw * (computers + building) / HOURS_PER_YEAR
        found[chip] = Tariff(**_power(chip), usd_per_hour=usd, usd_per_mwh=price)
    facts = lineage.facts("rated_mw", "charges", "capital_rates", "pue", "price")
    allowed = np.minimum(capacity.interconnection_mw / plant.pue, capacity.it_mw)[hours]
    return CampusPower(found, allowed, facts)


def chip_tariff(
    chip: str | None, usd_per_hour: float | None
) -> tuple[Tariff, tuple[str, ...], tuple[str, ...]]:
    """Return power and price of an accelerator in its usual system; notes and facts.

    Parameters
    ----------
    chip : str, optional
        Chip of the catalogue; without one nothing is known of its power.
    usd_per_hour : float, optional
        Cost of an accelerator-hour; the cost to an owner, else the rent, where not given.
    """
    if chip is None:
        told = "no MWh without a chip" if usd_per_hour else "no MWh and no USD without a chip"
        return Tariff(usd_per_hour=usd_per_hour), (told,), ()
    entry = catalog.load().get("chip", chip)
    facts: list[str] = []
    notes: list[str] = []
    if usd_per_hour is None:
        for field, what in (("own_usd_per_h", "cost to an owner"), ("rent_usd_per_h", "rent")):
            if field in entry:
                usd_per_hour = entry.number(field)
                facts.append(entry[field].key)
                notes.append(f"{usd_per_hour:g} USD an accelerator-hour, {what}")
                break
        else:
            notes.append(f"no USD: no price of an hour is published for {entry.id}; state one")
    return Tariff(**_power(entry.id), usd_per_hour=usd_per_hour), tuple(notes), tuple(facts)


def _power(chip: str) -> dict[str, Any]:
    """Return IT power of one accelerator by class of job, and while it stands still [kW]."""
    network = network_power_w(chip)

    def kw(activity: str) -> float:
        return (float(activity_power_w(chip, activity).ac_w) + network) / 1e3

    return {
        "busy_kw": {name: kw(activity) for name, activity in ACTIVITY_OF.items()},
        "idle_kw": kw("idle"),
    }
