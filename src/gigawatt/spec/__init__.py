"""What a user writes: the campus and its parts, read from YAML and checked.

>>> from gigawatt import spec
>>> campus = spec.load("hyperion")
>>> campus.site.grid
'miso'

Names are imported when first used, so that importing this package stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt._lazy import lazy

if TYPE_CHECKING:
    from gigawatt.spec._published import from_catalog
    from gigawatt.spec._schema import schema
    from gigawatt.spec._templates import template, template_names
    from gigawatt.spec._write import to_yaml
    from gigawatt.spec.buildout import Buildout, BuildTask, Means
    from gigawatt.spec.campus import (
        Basis,
        Campus,
        ChipLot,
        Cooling,
        DataProcessing,
        Horizon,
        Network,
        Phase,
        Programme,
        Research,
        Service,
        Site,
        TrainingRun,
    )
    from gigawatt.spec.finance import Finance
    from gigawatt.spec.power import Power, Source
    from gigawatt.spec.read import load, loads

__all__ = [
    "Basis",
    "BuildTask",
    "Buildout",
    "Campus",
    "ChipLot",
    "Cooling",
    "DataProcessing",
    "Finance",
    "Horizon",
    "Means",
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

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_published": ("from_catalog",),
        "_schema": ("schema",),
        "_templates": ("template", "template_names"),
        "_write": ("to_yaml",),
        "buildout": ("BuildTask", "Buildout", "Means"),
        "campus": (
            "Basis",
            "Campus",
            "ChipLot",
            "Cooling",
            "DataProcessing",
            "Horizon",
            "Network",
            "Phase",
            "Programme",
            "Research",
            "Service",
            "Site",
            "TrainingRun",
        ),
        "finance": ("Finance",),
        "power": ("Power", "Source"),
        "read": ("load", "loads"),
    },
)
