"""Gigawatt plans and simulates AI campuses, from the chip to the grid.

>>> import gigawatt as gw
>>> campus = gw.load("hyperion")
>>> run = gw.simulate(campus)

Names are imported when first used, so that ``import gigawatt`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gigawatt.errors import (
        CatalogError,
        GigawattError,
        InputError,
        NotModelledError,
        SpecError,
        UnknownNameError,
    )
    from gigawatt.results import Run, open_run, simulate
    from gigawatt.spec import Campus, load, loads

__version__ = "0.1.0"

_HOME = {
    "Campus": "gigawatt.spec",
    "CatalogError": "gigawatt.errors",
    "GigawattError": "gigawatt.errors",
    "InputError": "gigawatt.errors",
    "NotModelledError": "gigawatt.errors",
    "Run": "gigawatt.results",
    "SpecError": "gigawatt.errors",
    "UnknownNameError": "gigawatt.errors",
    "load": "gigawatt.spec",
    "loads": "gigawatt.spec",
    "open_run": "gigawatt.results",
    "simulate": "gigawatt.results",
}

__all__ = [
    "Campus",
    "CatalogError",
    "GigawattError",
    "InputError",
    "NotModelledError",
    "Run",
    "SpecError",
    "UnknownNameError",
    "__version__",
    "load",
    "loads",
    "open_run",
    "simulate",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  a module's attributes are of any type
    """Import a public name from its home when it is first asked for."""
    if name not in _HOME:
        message = f"module 'gigawatt' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
