"""Gigawatt plans and simulates AI campuses, from the chip to the grid.

>>> import gigawatt as gw
>>> campus = gw.load("hyperion")
>>> run = gw.simulate(campus)

Names are imported when first used, so that ``import gigawatt`` stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt._lazy import lazy

if TYPE_CHECKING:
    from gigawatt.compute.hosting.engine.simulate import simulate_requests
    from gigawatt.compute.hosting.plan import HostingPlan, plan_hosting
    from gigawatt.compute.training.plan import TrainingPlan, plan_training
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

__all__ = [
    "Campus",
    "CatalogError",
    "GigawattError",
    "HostingPlan",
    "InputError",
    "NotModelledError",
    "Run",
    "SpecError",
    "TrainingPlan",
    "UnknownNameError",
    "__version__",
    "load",
    "loads",
    "open_run",
    "plan_hosting",
    "plan_training",
    "simulate",
    "simulate_requests",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "compute.hosting.engine.simulate": ("simulate_requests",),
        "compute.hosting.plan": ("HostingPlan", "plan_hosting"),
        "compute.training.plan": ("TrainingPlan", "plan_training"),
        "errors": (
            "CatalogError",
            "GigawattError",
            "InputError",
            "NotModelledError",
            "SpecError",
            "UnknownNameError",
        ),
        "results": ("Run", "open_run", "simulate"),
        "spec": ("Campus", "load", "loads"),
    },
)
