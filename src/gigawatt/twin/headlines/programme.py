"""When the power is likely to be there, and what the largest training run comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import architecture, dimension_facts
from gigawatt.compute.work import active_parameters
from gigawatt.programme.buildout.simulate import simulate_buildout
from gigawatt.programme.capability.compute import training_flop
from gigawatt.programme.capability.laws import LAWS
from gigawatt.programme.capability.losses import predict_loss
from gigawatt.twin.headlines._make import Maker

if TYPE_CHECKING:
    from gigawatt.programme.buildout.simulate import BuildOut
    from gigawatt.spec import TrainingRun
    from gigawatt.twin.outcome import Headline, Table
    from gigawatt.twin.state import State

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["programme"]

_GW_MW: Final = 1000.0
_SAMPLES: Final = 2000
_QUANTILES: Final = (0.1, 0.5, 0.9)


def programme(state: State, found: dict[str, Table]) -> list[Headline]:  # noqa: ARG001  as all groups
    """Return the dates that the phases are likely to keep, and what the largest run comes to."""
    make = Maker(state, "programme")
    return [*_dates(state, make), *_largest(state, make)]


def _dates(state: State, make: Maker) -> list[Headline]:
    campus = state.campus
    state.lineage.record("likely_dates", after=["phases"], inputs=["buildout"])
    build = simulate_buildout(campus, samples=_SAMPLES, seed=state.seed) if campus.phases else None
    dated = sum(phase.facility_mw for phase in campus.phases)
    way = (
        "phases moved as such dates moved in Epoch AI's tracker, or by the tasks of the "
        "file; 'gigawatt buildout' says more"
    )
    # The dated phases come first; power without a date must not stand in for one of them.
    last = None if build is None else build.days[: len(campus.phases)].max(axis=0)
    first = None if build is None else build.reached(_GW_MW)
    return [
        _date(make, build, first, "likely_first_gw_date", "Likely date of the first gigawatt",
              _GW_MW, f"median; {way}",
              "" if dated >= _GW_MW else f"never: {dated:,.0f} MW are dated"),
        _date(make, build, last, "likely_maximum_date", "Likely date of the planned maximum",
              dated, f"median; {way}", "" if dated else "no phase"),
    ]  # fmt: skip


def _date(
    make: Maker,
    build: BuildOut | None,
    reached: Array | None,
    name: str,
    label: str,
    target_mw: float,
    formula: str,
    never: str,
) -> Headline:
    if build is None or reached is None or never:
        return make(name, label, None, "date", formula, "likely_dates", note=never)
    days = np.quantile(reached, _QUANTILES, method="inverted_cdf")
    low, middle, high = (build.date(float(day)) for day in days)
    announced = build.announced_day(target_mw)
    said = f"announced for {announced}" if announced else ""
    value = None if middle is None else middle.isoformat()
    ends = tuple(None if day is None else day.isoformat() for day in (low, high))
    return make(
        name, label, value, "date", formula, "likely_dates", band=(ends[0], ends[1]),
        note=f"{said}; as known on {build.as_of}" if said else f"as known on {build.as_of}",
    )  # fmt: skip


def _largest(state: State, make: Maker) -> list[Headline]:
    """Return compute and loss of the run with the most compute."""
    runs = {run.name: _flop(run) for run in state.campus.programme.training}
    if not runs:
        return []
    name = max(runs, key=lambda one: runs[one])
    place = next(i for i, r in enumerate(state.campus.programme.training) if r.name == name)
    run = state.campus.programme.training[place]
    book = catalog.load()
    known = book.has("model", run.model)
    facts = dimension_facts(book.get("model", run.model)) if known else ()
    path = f"programme.training[{place}]"
    state.lineage.record("largest_run", facts=facts, inputs=[path])
    laws = [fact.key for law in LAWS for fact in book.get("scaling_law", law)]
    seen = [fact.key for entry in book.entries("published_loss") for fact in entry]
    state.lineage.record("loss", facts=[*laws, *seen], after=["largest_run"])
    loss = predict_loss(float(active_parameters(architecture(run.model))), run.tokens)
    beyond = ", beyond the runs of the law" if loss.extrapolated else ""
    return [
        make("largest_run_flop", "Compute of the largest training run", runs[name], "FLOP",
             "operations of the model for each token, without recomputation, x tokens",
             "largest_run", note=name),
        make("largest_run_loss_nats", "Loss that the largest training run should reach",
             loss.loss_nats, "nats",
             "E + A / active parameters^a + B / tokens^b, in nats a token of MassiveText", "loss",
             band=(loss.low_nats, loss.high_nats), note=f"{name}{beyond}"),
    ]  # fmt: skip


def _flop(run: TrainingRun) -> float:
    return training_flop(run.model, run.tokens, run.seq_len)
