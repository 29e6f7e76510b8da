"""From learnt parameters to the power of chips and systems of the catalogue.

The parameters were fitted by ``calibration/fit_power.py``; values, what they rest on and the bands
of the residuals stand in ``calibration.json``. A generation without measurements takes the shares
of its forebear, or those expected before any measurement, and is *extrapolated*.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.compute.bands import Estimate
from gigawatt.compute.learnt import learnt_value
from gigawatt.site.power.chip import ChipPower
from gigawatt.site.power.host import HostPower
from gigawatt.site.power.parameters import HOST_ROLES, ROLES, TASK_ROLES, PowerSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gigawatt.catalog import Entry

    Numbers = float | NDArray[Any]

__all__ = [
    "banded",
    "chip_from",
    "chip_of",
    "chip_power",
    "cooling_of",
    "host_from",
    "host_power",
    "load",
    "measured",
    "network_power_w",
    "prompt_tokens",
    "ratings",
    "values_of",
]

_SERVER_TO_IT: Final = 1.14
"""IT power over server power (Epoch AI), in `all_in_it_kw` of the catalogue."""
_CHIP_TO_SERVER: Final = 1.53
"""Server power over the power of its accelerators at their peak (Epoch AI)."""
_UNMEASURED_SPREAD: Final = 0.2
"""P90 of the logarithm by which a generation without measurements may differ beyond the band."""


@cache
def load() -> dict[str, Any]:
    """Return the content of ``calibration.json``."""
    text = files("gigawatt.site.power").joinpath("calibration.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def values_of(setting: PowerSetting) -> tuple[dict[str, float], bool]:
    """Return the values of all roles for a setting, and whether its generation was measured."""
    known: Mapping[str, float] = load()["values"]
    values, seen = {}, True
    for role in (*ROLES.values(), *HOST_ROLES.values(), *TASK_ROLES.values()):
        key = role.key(setting)
        if key is None:
            continue
        values[role.name], found = learnt_value(known, role, key)
        seen &= found or role.name not in ("active", "compute")
    return values, seen


def chip_from(rated_w: Numbers, value: Mapping[str, Numbers]) -> ChipPower:
    """Return the chip that a rating and parameter values make."""
    names = ("idle", "active", "memory", "cache", "compute", "together", "unpack")
    shape = ("sharpness", "ceiling")
    return ChipPower(rated_w=rated_w, **{name: value[name] for name in (*names, *shape)})


def host_from(rated_w: Numbers, chip_w: Numbers, value: Mapping[str, Numbers]) -> HostPower:
    """Return the host that a nameplate for each accelerator and parameter values make."""
    return HostPower(
        beside_w=rated_w - chip_w,
        idle=value["host_idle"],
        busy=value["host_busy"],
        fans=value["fans"],
        rated_w=rated_w,
    )


def chip_power(name: str) -> ChipPower:
    """Return the power model of a chip of the catalogue.

    Raises
    ------
    UnknownNameError
        If there is no such chip.
    """
    chip = catalog.load().get("chip", name)
    return chip_from(_rated_w(chip), values_of(PowerSetting(_generation(chip)))[0])


def host_power(name: str) -> HostPower:
    """Return the power model of what stands around each accelerator of a system.

    Parameters
    ----------
    name : str
        A system of the catalogue; or a chip, whose usual system it is then.

    Raises
    ------
    UnknownNameError
        If there is neither.
    """
    system, chip = _system(name)
    setting = PowerSetting(_generation(chip), cooling_of(system))
    rated, alone = ratings(chip)
    return host_from(rated, alone, values_of(setting)[0])


def network_power_w(name: str) -> float:
    """Return what switches and optics draw for each accelerator, at any load [W].

    The share of the nameplate in the one cluster whose network is published, of 512 accelerators;
    ports and lasers are lit whether they carry traffic or not.

    Parameters
    ----------
    name : str
        A system of the catalogue, or a chip.

    Raises
    ------
    UnknownNameError
        If there is neither.
    """
    book = catalog.load()
    server = book.get("server", "smc-h100")
    share = server.number("network_w") / ratings(book.get("chip", server.text("chip")))[0]
    return share * ratings(_system(name)[1])[0]


def ratings(chip: Entry) -> tuple[float, float]:
    """Return the nameplate of a server for each accelerator, and of the accelerator alone [W].

    The first is `all_in_it_kw` without network and storage.
    """
    alone = _rated_w(chip)
    return max(chip.number("all_in_it_kw") * 1e3 / _SERVER_TO_IT, alone * 1.05), alone


def cooling_of(system: Entry | None) -> str:
    """Return how heat leaves a system; air where nobody says."""
    stated = system.text("cooling", "air") if system is not None else "air"
    return stated if stated in ("air", "hybrid", "liquid") else "air"


def measured(name: str) -> bool:
    """Return whether the generation of a chip was measured; else its figures are extrapolated."""
    chip = catalog.load().get("chip", name)
    return values_of(PowerSetting(_generation(chip)))[1]


def prompt_tokens(task: str) -> float:
    """Return the learnt length of a prompt of a kind of requests."""
    return values_of(PowerSetting("", "", task))[0]["prompt"]


def banded(value: float, scope: str, *, near: bool = True, known: bool = True) -> Estimate:
    """Return a power with its P10 and P90.

    Parameters
    ----------
    value : float
        Predicted power [W].
    scope : str
        ``gpu``, ``node`` or ``wall``, behind a bar the kind of work of an accelerator or the
        statistic of a server, as in ``gpu|serving`` and ``node|steady``.
    near : bool
        Whether its model or benchmark was measured on this generation.
    known : bool
        Whether the generation was measured at all.
    """
    table = load()["bands"]["near" if near and known else "far"]
    count, low, high = table.get(scope) or table[scope.partition("|")[0]]
    spread = 1.0 if known else float(np.exp(_UNMEASURED_SPREAD))
    note = "" if known else "extrapolated: no power was measured on this generation of chips"
    # Where all residuals lie on one side, the band still holds the prediction.
    low, high = min(low, 1.0) / spread, max(high, 1.0) * spread
    return Estimate(value, value * low, value * high, int(count), (), note)


def chip_of(name: str) -> str:
    """Return the chip of a system of the catalogue, or the chip of that name.

    Raises
    ------
    UnknownNameError
        If there is neither.
    """
    return _system(name)[1].id


def _system(name: str) -> tuple[Entry | None, Entry]:
    book = catalog.load()
    if book.has("system", name):
        system = book.get("system", name)
        return system, book.get("chip", system.text("chip"))
    chip = book.get("chip", name)
    stated = chip.text("system", "")
    return (book.get("system", stated) if stated else None), chip


def _generation(chip: Entry) -> str:
    return chip.text("generation", chip.id)


def _rated_w(chip: Entry) -> float:
    """Return the rating of a chip, or its share of the all-in figure where none is published."""
    if "tdp_w" in chip:
        return chip.number("tdp_w")
    return chip.number("all_in_it_kw") * 1e3 / _SERVER_TO_IT / _CHIP_TO_SERVER
