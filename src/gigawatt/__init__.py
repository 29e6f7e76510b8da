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
    from gigawatt.cluster.simulate import simulate_cluster
    from gigawatt.compute.hosting.engine.simulate import simulate_requests
    from gigawatt.compute.hosting.planning.plan import HostingPlan, plan_hosting
    from gigawatt.compute.hosting.replay.run import Replay, replay_requests
    from gigawatt.compute.training.plan import TrainingPlan, plan_training
    from gigawatt.energy.dispatch.run import dispatch
    from gigawatt.energy.expansion.plan import plan_supply
    from gigawatt.energy.expansion.years import plan_supply_over_years
    from gigawatt.errors import (
        CatalogError,
        GigawattError,
        InputError,
        NotModelledError,
        SpecError,
        UnknownNameError,
    )
    from gigawatt.programme.buildout.simulate import BuildOut, simulate_buildout
    from gigawatt.programme.data_supply.answer import plan_data
    from gigawatt.programme.labelling.plan import plan_labels
    from gigawatt.results import Run, open_run, simulate
    from gigawatt.spec import Campus, load, loads
    from gigawatt.twin.capability.runs import assess_capability
    from gigawatt.twin.cash.plan import FinancePlan, plan_finance
    from gigawatt.twin.cluster_run.result import JobsRun
    from gigawatt.twin.cluster_run.simulate import replay_jobs, simulate_jobs
    from gigawatt.twin.energy_year.simulate import EnergyYear, simulate_energy
    from gigawatt.twin.site_year.simulate import SiteYear, simulate_site

__version__ = "0.1.0"

__all__ = [
    "BuildOut",
    "Campus",
    "CatalogError",
    "EnergyYear",
    "FinancePlan",
    "GigawattError",
    "HostingPlan",
    "InputError",
    "JobsRun",
    "NotModelledError",
    "Replay",
    "Run",
    "SiteYear",
    "SpecError",
    "TrainingPlan",
    "UnknownNameError",
    "__version__",
    "assess_capability",
    "dispatch",
    "load",
    "loads",
    "open_run",
    "plan_data",
    "plan_finance",
    "plan_hosting",
    "plan_labels",
    "plan_supply",
    "plan_supply_over_years",
    "plan_training",
    "replay_jobs",
    "replay_requests",
    "simulate",
    "simulate_buildout",
    "simulate_cluster",
    "simulate_energy",
    "simulate_jobs",
    "simulate_requests",
    "simulate_site",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "cluster.simulate": ("simulate_cluster",),
        "compute.hosting.engine.simulate": ("simulate_requests",),
        "compute.hosting.planning.plan": ("HostingPlan", "plan_hosting"),
        "compute.hosting.replay.run": ("Replay", "replay_requests"),
        "compute.training.plan": ("TrainingPlan", "plan_training"),
        "energy.dispatch.run": ("dispatch",),
        "energy.expansion.plan": ("plan_supply",),
        "energy.expansion.years": ("plan_supply_over_years",),
        "errors": (
            "CatalogError",
            "GigawattError",
            "InputError",
            "NotModelledError",
            "SpecError",
            "UnknownNameError",
        ),
        "programme.buildout.simulate": ("BuildOut", "simulate_buildout"),
        "programme.data_supply.answer": ("plan_data",),
        "programme.labelling.plan": ("plan_labels",),
        "results": ("Run", "open_run", "simulate"),
        "spec": ("Campus", "load", "loads"),
        "twin.capability.runs": ("assess_capability",),
        "twin.cash.plan": ("FinancePlan", "plan_finance"),
        "twin.cluster_run.result": ("JobsRun",),
        "twin.cluster_run.simulate": ("replay_jobs", "simulate_jobs"),
        "twin.energy_year.simulate": ("EnergyYear", "simulate_energy"),
        "twin.site_year.simulate": ("SiteYear", "simulate_site"),
    },
)
