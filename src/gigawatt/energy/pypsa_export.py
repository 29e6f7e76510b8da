"""A system as a network of PyPSA, to be solved, changed or drawn there.

PyPSA comes with the extra ``pypsa`` and is imported only when a network is made.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.energy.dispatch.run import at_capacities
from gigawatt.energy.system import HOURS_PER_YEAR
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gigawatt.energy.system import Source, Storage, System

    Hours = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["to_pypsa", "write_pypsa"]

_BUS: Final = "campus"
_LEAP_YEAR: Final = 8784.0
# Limits over all hours: kind of ours and the attribute of carriers that PyPSA sums.
_SUMMED: Final = {"co2": "co2_emissions", "water": "water_m3", "nox": "nox_t"}


def to_pypsa(
    system: System,
    capacity_mw: Mapping[str, float] | None = None,
    *,
    start: str = "2030-01-01T00:00",
) -> Any:  # noqa: ANN401  PyPSA is not needed to type-check
    """Return a system as a `pypsa.Network`; ``network.optimize()`` then finds our optimum.

    Sources become generators on a bus of their own carrier, storages storage units, throttles and
    unserved load generators that stand for load given up. A demand charge becomes a link for each
    billing period, whose capacity is the demand that is billed. Limits over all hours become
    global constraints.

    Parameters
    ----------
    system : System
        The system; capacities without a value are extendable.
    capacity_mw : mapping of str to float, optional
        Capacities by name, in place of those of the system.
    start : str
        First hour, ISO 8601.

    Raises
    ------
    InputError
        If PyPSA is not installed.
    NotModelledError
        If PyPSA has no word for a part of the system; the message names it.
    """
    try:
        import pypsa  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415  an extra
    except ImportError as error:
        message = "the export needs PyPSA: install gigawatt with the extra 'pypsa'"
        raise InputError(message) from error
    fixed = at_capacities(system, capacity_mw or {})
    problems = list(_without_words(fixed))
    if problems:
        raise NotModelledError("PyPSA cannot express this: " + "; ".join(problems))
    with _quietly():
        return _network(pypsa.Network(), fixed, start)


def _network(network: Any, fixed: System, start: str) -> Any:  # noqa: ANN401  PyPSA
    import pandas as pd  # noqa: PLC0415  slow to import

    network.set_snapshots(pd.date_range(start, periods=fixed.hours, freq="h"))
    network.add("Carrier", "AC")
    network.add("Bus", _BUS, carrier="AC")
    network.add("Load", "campus load", bus=_BUS, p_set=fixed.load_mw)
    years = 1.0 if fixed.hours == _LEAP_YEAR else fixed.hours / HOURS_PER_YEAR
    for source in fixed.sources:
        _source(network, fixed, source, years)
    for storage in fixed.storages:
        _storage(network, storage, years)
    for throttle in fixed.throttles:
        most = np.minimum(fixed.series(throttle.most_mw), fixed.load_mw)
        _given_up(network, fixed, throttle.name, most, fixed.series(throttle.usd_per_mwh))
    if fixed.unserved_usd_per_mwh is not None:
        most = np.minimum(fixed.load_mw, fixed.unserved_most_mw)
        price = fixed.series(fixed.unserved_usd_per_mwh)
        _given_up(network, fixed, "unserved", most, price)
    _limits(network, fixed)
    return network


def write_pypsa(
    system: System,
    path: str | Path,
    capacity_mw: Mapping[str, float] | None = None,
    *,
    start: str = "2030-01-01T00:00",
) -> None:
    """Write a system as a network file (netCDF) that PyPSA reads.

    Raises
    ------
    InputError
        If PyPSA is not installed or the file cannot be written.
    NotModelledError
        If PyPSA has no word for a part of the system.
    """
    network = to_pypsa(system, capacity_mw, start=start)
    try:
        with _quietly():
            network.export_to_netcdf(str(path))
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise InputError(message) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Hold back what PyPSA and pandas say of their next versions: it is nothing to our reader."""
    with warnings.catch_warnings():
        for kind in (FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", kind)
        yield


def _without_words(system: System) -> Iterator[str]:
    """Yield what of a system PyPSA has no word for."""
    for source in system.sources:
        if source.least_energy_mwh > 0.0 and source.shortfall_usd_per_mwh is not None:
            yield f"{source.name}: a minimum take whose shortfall is paid for"
        if source.units:
            yield f"{source.name}: units that are switched on and off, with heat at part load"
        if source.exit_usd_per_mw:
            yield f"{source.name}: an exit fee (exit_usd_per_mw)"
    for kind, most, factors in _caps(system):
        if np.isfinite(most):
            for name, factor in factors.items():
                if np.ptp(factor) > 1e-12:
                    yield f"{name}: a limit on {kind} with a factor that changes by the hour"


def _caps(system: System) -> Iterator[tuple[str, float, dict[str, Hours]]]:
    yield from system.caps


def _carrier(network: Any, system: System, source: Source) -> str:  # noqa: ANN401  PyPSA
    """Add a carrier for the source alone, with what a MWh of it counts for in the limits."""
    emits = bool(np.any(source.co2_t_per_mwh))
    counted = {
        _SUMMED[kind]: float(np.mean(factors[source.name])) for kind, _, factors in _caps(system)
    }
    network.add("Carrier", source.name, emitting=float(emits), unserved_mwh=0.0, **counted)
    return source.name


def _source(network: Any, system: System, source: Source, years: float) -> None:  # noqa: ANN401  PyPSA
    bus = _BUS
    if source.demand_usd_per_mw > 0.0:
        bus = f"{source.name} meter"
        network.add("Bus", bus, carrier="AC")
        _meters(network, system, source, bus)
    ramp = source.ramp_per_hour
    network.add(
        "Generator",
        source.name,
        bus=bus,
        carrier=_carrier(network, system, source),
        marginal_cost=_thin(system.cost_of(source)),
        p_max_pu=_thin(system.series(source.availability)),
        p_min_pu=_thin(system.series(source.least_output)),
        **({} if ramp is None or ramp >= 1.0 else {"ramp_limit_up": ramp, "ramp_limit_down": ramp}),
        **({"e_sum_min": source.least_energy_mwh} if source.least_energy_mwh else {}),
        **_capacity(source, years),
    )


def _meters(network: Any, system: System, source: Source, bus: str) -> None:  # noqa: ANN401  PyPSA
    """Add a link for each billing period: its capacity is the demand that is billed."""
    periods = system.periods
    for period in range(int(periods.max()) + 1):
        network.add(
            "Link",
            f"{source.name} demand {period}",
            bus0=bus,
            bus1=_BUS,
            p_nom_extendable=True,
            p_nom_min=source.least_demand_mw,
            capital_cost=source.demand_usd_per_mw,
            p_max_pu=(periods == period).astype(float),
        )


def _storage(network: Any, storage: Storage, years: float) -> None:  # noqa: ANN401  PyPSA
    network.add("Carrier", storage.name)
    network.add(
        "StorageUnit",
        storage.name,
        bus=_BUS,
        carrier=storage.name,
        max_hours=storage.energy_hours,
        efficiency_store=storage.charge_efficiency,
        efficiency_dispatch=storage.discharge_efficiency,
        standing_loss=storage.loss_per_hour,
        marginal_cost=storage.discharge_usd_per_mwh,
        cyclic_state_of_charge=True,
        **_capacity(storage, years),
    )


def _capacity(part: Source | Storage, years: float) -> dict[str, Any]:
    if part.capacity_mw is not None:
        return {"p_nom": part.capacity_mw}
    return {
        "p_nom_extendable": True,
        "p_nom_min": part.least_mw,
        "p_nom_max": part.most_mw,
        "capital_cost": part.capital_usd_per_mw_year * years,
    }


def _given_up(network: Any, system: System, name: str, most: Hours, price: Hours) -> None:  # noqa: ANN401  PyPSA
    """Add load that is given up, as a generator of its own carrier."""
    size = float(most.max())
    lost = float(name == "unserved")
    network.add("Carrier", name, emitting=0.0, unserved_mwh=lost)
    network.add(
        "Generator",
        name,
        bus=_BUS,
        carrier=name,
        p_nom=size,
        p_max_pu=_thin(most / size if size else np.zeros(system.hours)),
        marginal_cost=_thin(price),
    )


def _limits(network: Any, system: System) -> None:  # noqa: ANN401  PyPSA
    network.carriers.fillna({"emitting": 0.0, "unserved_mwh": 0.0}, inplace=True)
    limits = {_SUMMED[kind]: most for kind, most, _ in _caps(system)}
    if system.clean_share > 0.0:
        limits["emitting"] = (1.0 - system.clean_share) * float(system.load_mw.sum())
    limits["unserved_mwh"] = system.unserved_most_mwh
    for attribute, most in limits.items():
        if np.isfinite(most):
            network.carriers[attribute] = network.carriers[attribute].fillna(0.0)
            network.add(
                "GlobalConstraint",
                f"limit on {attribute}",
                type="primary_energy",
                carrier_attribute=attribute,
                sense="<=",
                constant=most,
            )


def _thin(values: Hours) -> Any:  # noqa: ANN401  a number or a series
    """Return a series that never changes as one number."""
    return float(values[0]) if np.ptp(values) == 0.0 else values
