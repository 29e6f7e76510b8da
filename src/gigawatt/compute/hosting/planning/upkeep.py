r"""What serving instances draw and cost, and how many a load needs.

From rated power, as in the twin: IT power is the all-in rating of the accelerators times the share
of it that hosting draws at full load, and facility power is that times the PUE.

.. math:: E_{tok} = \frac{N\,P_{rated}\,h\,\mathrm{PUE}}{R}, \qquad
          C_{tok} = \frac{N\,c}{3600\,R}

with :math:`N` accelerators, :math:`h` the share drawn, :math:`c` the cost of an accelerator-hour
and :math:`R` output tokens a second. How power falls at part load is not in these figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from gigawatt import catalog
from gigawatt.compute.bands import Estimate

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = ["Fleet", "Upkeep", "fleet_of", "upkeep_of"]

_PLANT: Final = "closed-loop-dry@any"
"""Cooling plant whose PUE is taken where none is stated."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What one instance at full load draws and costs; None where nothing is published.

    Parameters
    ----------
    rated_it_kw : float or None
        All-in rated IT power of its accelerators.
    it_kw, facility_kw : float or None
        Drawn by IT in the mean at full load, and by the facility for it.
    idle_kw : float or None
        Facility power of an instance without work.
    pue : float
        Facility power over IT power.
    joules_per_output_token : Estimate or None
        Facility energy; the band is that of the throughput.
    usd_per_chip_hour : float or None
        Cost of an accelerator-hour.
    usd_per_million_output_tokens, usd_per_million_tokens : Estimate or None
        Reading the prompts is in the cost of both; the second shares it over input and output.
    notes : tuple of str
        Where the figures come from.
    """

    rated_it_kw: float | None
    it_kw: float | None
    facility_kw: float | None
    idle_kw: float | None
    pue: float
    joules_per_output_token: Estimate | None
    usd_per_chip_hour: float | None
    usd_per_million_output_tokens: Estimate | None
    usd_per_million_tokens: Estimate | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Instances that serve a load.

    Parameters
    ----------
    requests_per_s, output_tokens_per_s : float
        What is asked for.
    instances : int
        Those that the load needs, at the central throughput.
    fewest, most : int
        The same at P90 and P10 of the throughput.
    spares : int
        Instances on top.
    accelerators : int
        Of all of them.
    load : float
        Load over what the instances serve at most, spares left out.
    rated_it_mw, facility_mw : float or None
        Rated IT power of all; facility power with the needed ones at full load and spares idle.
    usd_per_hour, usd_per_million_output_tokens : float or None
        Cost of all, and that for each million output tokens asked for.
    """

    requests_per_s: float
    output_tokens_per_s: float
    instances: int
    fewest: int
    most: int
    spares: int
    accelerators: int
    load: float
    rated_it_mw: float | None
    facility_mw: float | None
    usd_per_hour: float | None
    usd_per_million_output_tokens: float | None


def upkeep_of(
    chip: Entry,
    accelerators: int,
    rate: Estimate,
    total_per_output: float,
    *,
    usd_per_chip_hour: float | None = None,
    pue: float | None = None,
) -> Upkeep:
    """Return what an instance draws and costs.

    Parameters
    ----------
    chip : Entry
        Accelerator of the catalogue.
    accelerators : int
        How many the instance has.
    rate : Estimate
        Its output tokens per second.
    total_per_output : float
        Tokens of a request, input and output, over its output tokens.
    usd_per_chip_hour : float, optional
        Cost of an accelerator-hour; by default what the catalogue holds: the cost to an owner, else
        the rent.
    pue : float, optional
        Facility power over IT power; by default that of a closed liquid loop with dry coolers.
    """
    use = catalog.load().get("rate", "power_use")
    overhead, notes = _pue(pue)
    rated, drawn, facility, idle, energy = None, None, None, None, None
    if "all_in_it_kw" in chip:
        rated = accelerators * chip.number("all_in_it_kw")
        drawn = rated * use.number("hosting")
        facility, idle = drawn * overhead, rated * use.number("idle") * overhead
        energy = _inverse(rate, 1e3 * facility)
        notes.insert(
            0,
            f"power: {100 * use.number('hosting'):.0f} % of the all-in rating "
            f"({use['hosting'].key} of {chip['all_in_it_kw'].key}), "
            "measured at full load on whole servers",
        )
    else:
        notes.append(f"power: no all-in IT power is published for {chip.id}")
    usd, why = _usd(chip, usd_per_chip_hour)
    output = None if usd is None else _inverse(rate, accelerators * usd / 3600.0 * 1e6)
    every = None if output is None else output.scaled(1.0 / total_per_output)
    return Upkeep(rated, drawn, facility, idle, overhead, energy, usd, output, every, (*notes, why))


def fleet_of(
    requests_per_s: float, output_tokens: float, spares: int, rate: Estimate, one: Upkeep,
    accelerators: int,
) -> Fleet:  # fmt: skip
    """Return the instances that serve a load, with so many more in reserve.

    Parameters
    ----------
    requests_per_s, output_tokens : float
        The load, and output tokens of a request.
    spares : int
        Instances on top of those needed.
    rate : Estimate
        Output tokens per second of one instance.
    one : Upkeep
        What it draws and costs.
    accelerators : int
        How many it has.
    """
    wanted = requests_per_s * output_tokens
    needed, fewest, most = (_whole(wanted / r) for r in (rate.value, rate.high, rate.low))
    every = needed + spares
    rated = None if one.rated_it_kw is None else every * one.rated_it_kw / 1e3
    facility = None
    if one.facility_kw is not None and one.idle_kw is not None:
        facility = (needed * one.facility_kw + spares * one.idle_kw) / 1e3
    usd = None if one.usd_per_chip_hour is None else every * accelerators * one.usd_per_chip_hour
    per = None if usd is None else usd / (wanted * 3600.0) * 1e6
    load = wanted / (needed * rate.value)
    return Fleet(
        requests_per_s, wanted, needed, fewest, most, spares, every * accelerators, load,
        rated, facility, usd, per,
    )  # fmt: skip


def _whole(number: float) -> int:
    # A load that fills instances to the last token needs none more for a rounding error.
    return max(ceil(number * (1.0 - 1e-12)), 1)


def _inverse(rate: Estimate, numerator: float) -> Estimate:
    """Return a numerator over a rate: the band turns round."""
    low, middle, high = numerator / rate.high, numerator / rate.value, numerator / rate.low
    return Estimate(middle, low, high, rate.points, rate.facts, rate.note)


def _pue(stated: float | None) -> tuple[float, list[str]]:
    if stated is not None:
        return stated, [f"facility power: PUE {stated:g}, as stated"]
    fact = catalog.load().get("plant", _PLANT)["pue"]
    return fact.number, [f"facility power: PUE {fact.number:g} ({fact.key}, {fact.basis})"]


def _usd(chip: Entry, stated: float | None) -> tuple[float | None, str]:
    if stated is not None:
        return stated, f"cost: {stated:g} USD an accelerator-hour, as stated"
    words: dict[str, Any] = {"own_usd_per_h": "cost to an owner", "rent_usd_per_h": "rent"}
    for name, what in words.items():
        if name in chip:
            fact = chip[name]
            return fact.number, (
                f"cost: {fact.number:g} USD an accelerator-hour, {what} ({fact.key}, "
                f"{fact.basis}); gigawatt run works out that of a campus"
            )
    return None, f"cost: no price of an accelerator-hour is published for {chip.id}; state one"
