"""What a user writes: the campus and its parts, read from YAML and checked.

>>> from gigawatt import spec
>>> campus = spec.load("hyperion")
>>> campus.site.grid
'miso'

Names are imported when first used, so that importing this package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gigawatt.spec._published import from_catalog
    from gigawatt.spec._schema import schema
    from gigawatt.spec._templates import template, template_names
    from gigawatt.spec._write import to_yaml
    from gigawatt.spec.campus import (
        Basis,
        Campus,
        ChipLot,
        Cooling,
        DataProcessing,
        Finance,
        Horizon,
        Network,
        Phase,
        Power,
        Programme,
        Research,
        Service,
        Site,
        Source,
        TrainingRun,
    )
    from gigawatt.spec.read import load, loads

_HOMES = {
    "_published": ("from_catalog",),
    "_schema": ("schema",),
    "_templates": ("template", "template_names"),
    "_write": ("to_yaml",),
    "campus": (
        "Basis",
        "Campus",
        "ChipLot",
        "Cooling",
        "DataProcessing",
        "Finance",
        "Horizon",
        "Network",
        "Phase",
        "Power",
        "Programme",
        "Research",
        "Service",
        "Site",
        "Source",
        "TrainingRun",
    ),
    "read": ("load", "loads"),
}
_HOME = {name: f"gigawatt.spec.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "Basis",
    "Campus",
    "ChipLot",
    "Cooling",
    "DataProcessing",
    "Finance",
    "Horizon",
    "Network",
    "Phase",
    "Power",
    "Programme",
    "Research",
    "Service",
    "Site",
    "Source",
    "TrainingRun",
    "from_catalog",
    "load",
    "loads",
    "schema",
    "template",
    "template_names",
    "to_yaml",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  a module's attributes are of any type
    """Import a public name from its home when it is first asked for."""
    if name not in _HOME:
        message = f"module 'gigawatt.spec' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
