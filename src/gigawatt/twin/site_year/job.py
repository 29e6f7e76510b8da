"""A synchronous training job of a campus at its point of interconnection, within a second."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from gigawatt.catalog.architecture import architecture
from gigawatt.compute.training.plan import plan_training
from gigawatt.compute.work import training_flop_per_token
from gigawatt.errors import NotModelledError
from gigawatt.site.electrical import chain, electrical_losses
from gigawatt.site.power.calibration import chip_power, host_power
from gigawatt.site.waveform.job import Job
from gigawatt.site.waveform.least_cost import Levers, Plan, Prices, least_cost
from gigawatt.site.waveform.levels import training_levels
from gigawatt.site.waveform.specification import Connection, specification
from gigawatt.site.waveform.step import step_shape
from gigawatt.twin.lineage import Lineage
from gigawatt.twin.supply import grid_price_usd_per_mwh

if TYPE_CHECKING:
    from gigawatt.site.waveform.render import Waveform
    from gigawatt.site.waveform.specification import Verdict
    from gigawatt.site.waveform.step import Levels
    from gigawatt.spec import TrainingRun
    from gigawatt.twin.site_year.simulate import SiteYear

__all__ = ["JobOnGrid", "JobQuestion", "judge_job"]

_RECIPES: Final = {"fp8": "fp8", "fp4": "nvfp4"}
_RUNNING_S: Final = 100.0  # the job has been running when the waveform begins
_LEVERS: Final = Levers(floors=(0.0, 0.5, 0.7, 0.9), battery_follow_s=(0.0, 20.0, 60.0))
_COARSE_HZ: Final = 100.0  # samples a second that show 50 Hz
_FINE_HZ: Final = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuestion:
    """Which synchronous job is held against which specification.

    Parameters
    ----------
    accelerators : int
        Of the job, all of the type of which the campus has most.
    specification : str
        Of the catalogue (kind ``grid_specification``).
    short_circuit_mva : float, optional
        Short-circuit power at the point of interconnection; limits of flicker need it.
    checkpoint_every_s, checkpoint_s : float
        From one checkpoint that holds training up to the next, and for how long it does.
    """

    accelerators: int = 16_384
    specification: str = "choukse-2025"
    short_circuit_mva: float | None = None
    checkpoint_every_s: float = 300.0
    checkpoint_s: float = 5.0


@dataclass(frozen=True, eq=False)
class JobOnGrid:
    """A synchronous job against a specification, as it is and with the least costly measures.

    Parameters
    ----------
    question : JobQuestion
        What was asked.
    run, model, chip : str
        What is trained on what.
    step_s : float
        Time of a step.
    contracted_mw : float
        Power that shares of the specification refer to.
    energy_usd_per_mwh : float
        Price of the energy that measures waste.
    plans : tuple of Plan
        Sets of measures that were judged, the one without any first and the cheapest that meets
        the specification last, if one does.
    """

    question: JobQuestion
    run: str
    model: str
    chip: str
    step_s: float
    contracted_mw: float
    energy_usd_per_mwh: float
    plans: tuple[Plan, ...]

    @property
    def unsmoothed(self) -> Waveform:
        """Power at the grid without measures, the rest of the campus included."""
        return self.plans[0].waveform

    @property
    def verdict(self) -> Verdict:
        """Without measures."""
        return self.plans[0].verdict

    @property
    def best(self) -> Plan | None:
        """The cheapest set that meets the specification; None where none does."""
        return self.plans[-1] if self.plans[-1].verdict.passed else None


def judge_job(site: SiteYear, question: JobQuestion) -> JobOnGrid:
    """Hold a synchronous job on the commonest chip of a campus against a specification.

    The training run of the programme with the most arithmetic, in its best layout. Its power
    passes the chain of the campus; all else on the campus draws its yearly mean.

    Parameters
    ----------
    site : SiteYear
        A site year.
    question : JobQuestion
        What is asked.

    Raises
    ------
    NotModelledError
        If no chip of the campus is there in such a number, or the programme trains nothing.
    InputError
        If the specification limits flicker and the short-circuit power is not known.
    """
    count = question.accelerators
    chip, most = max(site.installed.chips.items(), key=lambda item: item[1])
    if most < count:
        message = f"no type of accelerator is there {count:,} times; most are {most:,} {chip}"
        raise NotModelledError(message)
    run = _largest(site)
    plan = plan_training(
        run.model, chip=chip, count=count, precision=_RECIPES.get(run.precision, run.precision),
        seq_len=run.seq_len, global_batch=run.global_batch, tokens=run.tokens, top=1,
    )  # fmt: skip
    best = plan.best
    shape = step_shape(best.parts, best.layout, plan.global_batch)
    busy_s = shape.micro_batches * (shape.forward_s + shape.backward_s)
    share = best.mfu * shape.total_s / busy_s
    levels = training_levels(chip_power(chip), host_power(chip), flop_share=share)
    job = Job(
        name=run.name, accelerators=count, shape=shape, levels=_at_grid(levels, site),
        start_s=-_RUNNING_S, checkpoint_s=question.checkpoint_s,
        checkpoint_every=max(round(question.checkpoint_every_s / shape.total_s), 1),
    )  # fmt: skip
    mean_mw = job.step_energy_j / shape.total_s / 1e6
    connection = Connection(site.installed.limit_mw, question.short_circuit_mva)
    price = grid_price_usd_per_mwh(site.campus, Lineage())
    plans = least_cost(
        [job], question.specification, connection, Prices(energy_usd_per_mwh=price),
        levers=_LEVERS, rate_hz=_rate_hz(question.specification),
        base_mw=max(float(site.facility_mw.mean()) - mean_mw, 0.0), seed=site.seed,
    )  # fmt: skip
    return JobOnGrid(
        question, run.name, plan.model, plan.chip, shape.total_s, connection.contracted_mw, price,
        tuple(plans),
    )  # fmt: skip


def _rate_hz(name: str) -> float:
    """Return the samples a second that show what a specification limits."""
    limits = specification(name)
    fine = limits.pst is not None or (limits.band_high_hz or 0.0) > 0.4 * _COARSE_HZ
    return _FINE_HZ if fine else _COARSE_HZ


def _largest(site: SiteYear) -> TrainingRun:
    """Return the training run with the most arithmetic."""
    runs = site.campus.programme.training
    if not runs:
        message = f"{site.campus.name} trains nothing; add a run under programme.training"
        raise NotModelledError(message)

    def flop(run: TrainingRun) -> float:
        return run.tokens * training_flop_per_token(architecture(run.model), run.seq_len or 1)

    return max(runs, key=flop)


def _at_grid(levels: Levels, site: SiteYear) -> Levels:
    """Return the levels as the grid sees them: a watt more in the racks takes more there."""
    path = chain(site.topology).outside_it()
    design, auxiliary = site.installed.it_capacity_mw, site.balance.design_auxiliary_mw
    mean, plant = float(site.it_mw.mean()), float((site.cooling_mw + site.auxiliary_mw).mean())
    at = [
        float(
            electrical_losses(
                path, mean * share, design, plant, rated_auxiliary_mw=auxiliary
            ).grid_mw[0, 0]
        )
        for share in (0.99, 1.01)
    ]
    slope = (at[1] - at[0]) / (0.02 * mean)
    return replace(levels, **{f.name: slope * getattr(levels, f.name) for f in fields(levels)})
