"""What a dispatch burns, emits and drinks: by hour and fuel, in the mean and at the margin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.run import dispatch
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gigawatt.energy.dispatch.result import Dispatch
    from gigawatt.energy.system import Series, Source, Storage

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Carbon", "Footprint", "carbon_of_load", "footprint", "marginal_co2"]

_KG_PER_T: Final = 1000.0
_STEP_USD_PER_T: Final = 0.02
_NOTHING_MWH: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Footprint:
    """What each source burns, emits and drinks in each hour.

    Parameters
    ----------
    fuels : dict of str to str
        Fuel of each source.
    fuel_mmbtu, co2_t, upstream_co2_t, nox_t, water_m3 : dict of str to ndarray (hours,)
        By source; starts are in fuel and CO2. `upstream_co2_t` is emitted elsewhere: by making
        fuels and plants.
    """

    fuels: Mapping[str, str]
    fuel_mmbtu: Mapping[str, Hours]
    co2_t: Mapping[str, Hours]
    upstream_co2_t: Mapping[str, Hours]
    nox_t: Mapping[str, Hours]
    water_m3: Mapping[str, Hours]

    def by_fuel(self, what: str) -> dict[str, float]:
        """Return the sum of a quantity, such as ``"co2_t"``, by fuel."""
        sums: dict[str, float] = {}
        for name, hours in getattr(self, what).items():
            fuel = self.fuels[name]
            sums[fuel] = sums.get(fuel, 0.0) + float(hours.sum())
        return sums

    def total(self, what: str) -> float:
        """Return the sum of a quantity over all sources and hours."""
        return float(sum(hours.sum() for hours in getattr(self, what).values()))

    @property
    def lifecycle_co2_t(self) -> float:
        """Emissions on site and elsewhere."""
        return self.total("co2_t") + self.total("upstream_co2_t")


def footprint(found: Dispatch) -> Footprint:
    """Return what a dispatch burns, emits and drinks.

    Fuel, CO2 and nitrogen oxides go with the heat taken, so with more than the output at part load
    where units are switched; water and what is emitted upstream of wind and sun go with the output,
    that of fuels with the heat.
    """
    system = found.system
    burnt, nox, water, upstream = {}, {}, {}, {}
    for source in system.sources:
        name, heat = source.name, found.heat_mwh(source.name)
        burnt[name] = heat * source.heat_mmbtu_per_mwh
        if name in found.units:
            one = found.units[name]
            burnt[name] = burnt[name] + one.started * one.unit_mw * source.start_mmbtu_per_mw
        nox[name] = heat * system.series(source.nox_kg_per_mwh) / _KG_PER_T
        water[name] = found.output_mw[name] * system.series(source.water_m3_per_mwh)
        upstream[name] = heat * source.upstream_co2_t_per_mwh
    return Footprint(
        fuels={s.name: s.fuel or s.name for s in system.sources},
        fuel_mmbtu=burnt,
        co2_t={s.name: found.co2_t_by_hour(s.name) for s in system.sources},
        upstream_co2_t=upstream,
        nox_t=nox,
        water_m3=water,
    )


@dataclass(frozen=True, eq=False)
class Carbon:
    """What the power that the load uses carries, followed through storage.

    Parameters
    ----------
    served_mw : ndarray (hours,)
        Load that is served.
    co2_t_per_mwh : ndarray (hours,)
        Emissions of a MWh used in the hour: the average.
    clean_share : ndarray (hours,)
        Part of the power used in the hour that comes from clean sources.
    lost_co2_t : float
        Emissions that go with spilt power.
    """

    served_mw: Hours
    co2_t_per_mwh: Hours
    clean_share: Hours
    lost_co2_t: float

    @property
    def matched_share(self) -> float:
        """Part of the energy used that is clean in the hour of its use: 24/7 matching."""
        used = float(self.served_mw.sum())
        return float(self.served_mw @ self.clean_share) / used if used > 0.0 else 0.0

    @property
    def mean_co2_t_per_mwh(self) -> float:
        """Emissions of the energy used over that energy."""
        used = float(self.served_mw.sum())
        return float(self.served_mw @ self.co2_t_per_mwh) / used if used > 0.0 else 0.0


def carbon_of_load(found: Dispatch, clean: Mapping[str, Series] | None = None) -> Carbon:
    r"""Return the average emissions and the clean share of what is used in each hour.

    All power of an hour is one mix [1]_. A store keeps the emissions of what it was charged with,
    and gives them out in proportion:

    .. math:: C_t = C_{t-1} + c_t\, m_t - \frac{d_t / \eta_d}{s_t + d_t / \eta_d} C'_t ,

    so that losses burden what is left: emissions of all that is used and spilt add up to those of
    all sources. Of clean energy the losses are lost.

    Parameters
    ----------
    found : Dispatch
        A dispatch.
    clean : mapping of str to float or ndarray (hours,), optional
        Part of each source's output that is clean, such as the clean share of the grid by hour; a
        source that is not named is clean in the hours in which it emits nothing.

    References
    ----------
    .. [1] J. Bialek, "Tracing the flow of electricity", IEE Proceedings - Generation, Transmission
       and Distribution 143 (1996) 313-320: proportional sharing.
    """
    system, hours = found.system, found.system.hours
    outputs = sum(found.output_mw.values(), np.zeros(hours))
    emitted = sum((found.co2_t_by_hour(s.name) for s in system.sources), np.zeros(hours))
    clean_mw = sum(
        (found.output_mw[s.name] * _clean(found, s, clean or {}) for s in system.sources),
        np.zeros(hours),
    )
    mixes = _mixed(found, outputs, np.stack([emitted, clean_mw]))
    relief = sum(found.throttled_mw.values(), found.unserved_mw)
    served = np.maximum(system.load_mw - relief, 0.0)
    return Carbon(served, mixes[0], np.minimum(mixes[1], 1.0), float(found.spilt_mw @ mixes[0]))


def _clean(found: Dispatch, source: Source, clean: Mapping[str, Series]) -> Hours:
    system = found.system
    if source.name in clean:
        return system.series(clean[source.name])
    emits: Hours = np.where(system.series(source.co2_t_per_mwh) > 0.0, 0.0, 1.0)
    return emits


def _mixed(found: Dispatch, outputs: Hours, carried: Hours) -> Hours:
    """Return the emissions and the clean part of a MWh used in each hour, storage followed.

    `carried` (2, hours) are the emissions and the clean part of all outputs.
    """
    stores = [
        (s, found.charge_mw[s.name], found.discharge_mw[s.name], found.stored_mwh[s.name])
        for s in found.system.storages
    ]
    begin = np.zeros((len(stores), len(carried)))
    _, rest = _passed(stores, outputs, carried, begin)
    if stores:
        # What a cyclic store begins with is what it ends with, and the end is linear in the begin.
        ends = []
        for i in range(len(stores)):
            unit = begin.copy()
            unit[i] = 1.0
            ends.append(_passed(stores, outputs, carried, unit)[1] - rest)
        for kind in range(len(carried)):
            kept = np.array([end[:, kind] for end in ends]).T
            # A store that is never used keeps what it has: nothing, here.
            begin[:, kind] = np.linalg.pinv(np.eye(len(stores)) - kept) @ rest[:, kind]
    return _passed(stores, outputs, carried, begin)[0]


def _passed(
    stores: Sequence[tuple[Storage, Hours, Hours, Hours]],
    outputs: Hours,
    carried: Hours,
    begin: Hours,
) -> tuple[Hours, Hours]:
    """Return the mix of each hour (2, hours) and what stores hold in the end, from the begin."""
    mix, content = np.zeros_like(carried), begin.copy()
    # Emissions stay when energy is lost; clean energy is energy, and goes.
    kept_in, kept_out, leak = (
        [np.array([1.0, getattr(s, field)]) for s, _, _, _ in stores]
        for field in ("charge_efficiency", "discharge_efficiency", "loss_per_hour")
    )
    for t in range(len(outputs)):
        power, amount = outputs[t], carried[:, t].copy()
        for i, (store, _, discharge, stored) in enumerate(stores):
            content[i, 1] *= 1.0 - leak[i][1]
            if discharge[t] > 0.0:
                drawn = discharge[t] / store.discharge_efficiency
                given = content[i] * drawn / max(stored[t] + drawn, _NOTHING_MWH)
                content[i] -= given
                amount += given * kept_out[i]
                power += discharge[t]
        mix[:, t] = amount / power if power > _NOTHING_MWH else 0.0
        for i, (_, charge, _, _) in enumerate(stores):
            content[i] += charge[t] * mix[:, t] * kept_in[i]
    return mix, content


def marginal_co2(found: Dispatch) -> Hours:
    r"""Return the emissions of one MWh more in each hour, t/MWh, all hours adapting to it.

    The price of an hour is the cost of one MWh more. With the price of CO2 raised a little, it
    rises by the emissions of that MWh,

    .. math:: m_t = \frac{\partial \lambda_t}{\partial p_{CO_2}} ,

    which is the price-setting plant's intensity where a plant sets the price, and that of the hour
    in which a store is refilled where a store does. Where a cap on emissions binds it is zero. Read
    from data, such rates are called marginal emission factors [1]_.

    Raises
    ------
    NotModelledError
        With units switched on and off: prices of whole units are not marginal costs.

    References
    ----------
    .. [1] A. D. Hawkes, "Estimating marginal CO2 emissions rates for national electricity systems",
       Energy Policy 38 (2010) 5977-5987.
    """
    if found.units:
        message = "marginal emissions of whole units are not modelled: dispatch without commitment"
        raise NotModelledError(message)
    system = found.system
    prices = [
        dispatch(
            replace(system, co2_usd_per_t=system.co2_usd_per_t + sign * _STEP_USD_PER_T),
            found.capacity_mw,
            tolerance=1e-10,
        ).price_usd_per_mwh
        for sign in (1.0, -1.0)
    ]
    rate: Hours = (prices[0] - prices[1]) / (2.0 * _STEP_USD_PER_T)
    return rate
