"""What is bought when: capital by block, from the dates of the phases."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.programme.dates import decimal_year
from gigawatt.programme.finance.assets import Asset, renewals

if TYPE_CHECKING:
    from gigawatt.spec import Campus, Source
    from gigawatt.twin.cash.inputs import Inputs
    from gigawatt.twin.outcome import Table

__all__ = ["BLOCKS", "FACILITY", "buy_all", "plant_usd"]

BLOCKS = ("servers", "network", "electrical", "mechanical", "shell", "fit-out", "land",
          "power supply")  # fmt: skip
"""Blocks of capital, in the order in which they are shown."""

FACILITY = ("electrical", "mechanical", "shell", "fit-out", "land")
"""Blocks that a joint venture builds; computers and power supply stay with the owner."""


def buy_all(campus: Campus, phases: Table, inputs: Inputs, end: float) -> tuple[Asset, ...]:
    """Return everything bought before `end`, each with what replaces it.

    What was gone before the horizon is left out. Computers cost by the rated power of the
    accelerators, the facility by the IT power that it is built for. Computers are renewed at the
    end of their life at the price of equal performance then; the facility as it was; land never.

    Parameters
    ----------
    campus : Campus
        The campus.
    phases : Table
        The run's table of phases.
    inputs : Inputs
        Prices and lives.
    end : float
        End of the time looked at, in years.
    """
    assets: list[Asset] = []
    for i, chip in enumerate(phases["chip"]):
        bought = decimal_year(phases["date"][i].item())
        if bought >= end:
            continue
        kw = catalog.load().get("chip", str(chip)).number("all_in_it_kw")
        rated_mw = float(phases["chips"][i]) * kw / 1000.0
        assets += _parts(inputs, "compute", bought, rated_mw, end)
        assets += _parts(inputs, "facility", bought, float(phases["it_mw"][i]), end)
    assets += _power(campus, inputs, end)
    standing = _standing(assets, decimal_year(campus.horizon.start))
    return tuple(_with_land(standing, inputs))


def _standing(assets: list[Asset], start: float) -> list[Asset]:
    """Return the assets without those that were gone before the start; what replaced them is first.

    An asset and its renewals follow one another in the list.
    """
    kept, gone = list[Asset](), 0
    for asset in assets:
        gone = gone if asset.renewal else 0
        if asset.bought + asset.life_years <= start:
            gone += 1
        else:
            kept.append(dataclasses.replace(asset, renewal=asset.renewal - gone))
    return kept


def _parts(inputs: Inputs, part: str, bought: float, it_mw: float, end: float) -> list[Asset]:
    usd = it_mw * inputs[f"{part}_usd_per_it_mw"]
    compute = part == "compute"
    life = inputs["it_life_years" if compute else "facility_life_years"]
    change = inputs["chip_price_trend"] if compute else 0.0
    found: list[Asset] = []
    for block in inputs.blocks:
        if block.text("part") == part and usd:
            share = usd * block.number("share")
            first = Asset(block.id, bought, share, life, block.number("tax_years"))
            found += renewals(first, end, change)
    return found


def _power(campus: Campus, inputs: Inputs, end: float) -> list[Asset]:
    """Return the campus's own power plants."""
    found: list[Asset] = []
    for source in campus.power.sources:
        bought = decimal_year(source.date)
        if source.connection == "contracted" or bought >= end:
            continue
        usd, life = plant_usd(source), inputs["facility_life_years"]
        first = Asset("power supply", bought, usd, life, inputs["power_plant_years"])
        found += renewals(first, end)
    return found


def plant_usd(source: Source) -> float:
    """Return what a power plant costs to build, spare units included."""
    plant = catalog.load().get("technology", source.technology)
    built_mw = getattr(source, "installed_mw", None) or source.capacity_mw
    return float(built_mw * 1000.0 * plant.number("capital_usd_per_kw"))


def _with_land(assets: list[Asset], inputs: Inputs) -> list[Asset]:
    """Return the assets with the land taken out of the shell, whose share it is a part of.

    Each phase's shell gives its part of the land, which is bought once and never worn out.
    """
    land = inputs["land_acres"] * inputs["land_usd_per_acre"]
    shells = [a for a in assets if a.block == "shell" and not a.renewal]
    whole = sum(a.usd for a in shells)
    if not land:
        return assets
    if land >= whole:
        message = (
            f"finance.land_acres: expected land for less than the {whole / 1e9:.3g} billion USD "
            f"that land and shell cost together; found {land / 1e9:.3g} billion USD"
        )
        raise InputError(message)
    kept = [_less(a, land / whole) if a.block == "shell" else a for a in assets]
    bought = [Asset("land", a.bought, a.usd * land / whole, math.inf, 0.0) for a in shells]
    return [*kept, *bought]


def _less(shell: Asset, land_share: float) -> Asset:
    usd = shell.usd * (1.0 - land_share)
    return Asset(shell.block, shell.bought, usd, shell.life_years, shell.tax_years, shell.renewal)
