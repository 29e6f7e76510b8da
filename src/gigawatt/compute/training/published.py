"""Layouts that others published, to hold a plan against."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf
from typing import TYPE_CHECKING, Any, Final

from gigawatt import catalog
from gigawatt.compute.dims import dims_of
from gigawatt.compute.training import calibration
from gigawatt.compute.training.estimate import (
    StepEstimate,
    as_dict,
    capacity_gb,
    estimate_step,
    state_recipe,
)
from gigawatt.compute.training.layout import Layout, Recompute, Schedule, Sharding
from gigawatt.compute.training.limits import Limits
from gigawatt.compute.training.search import search
from gigawatt.compute.training.setting import Setting
from gigawatt.compute.training.stack import stack_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gigawatt.catalog import Entry
    from gigawatt.catalog.architecture import Architecture

__all__ = ["Comparison", "PublishedLayout", "compare", "published_at", "published_layouts"]

_DEGREES: Final = ("tp", "pp", "cp", "ep", "etp")
_OPEN: Final = ("vpp", "micro_batch", "recompute", "sharding")
"""Fields that a publication may leave open; a degree that it does not name is 1."""

_RECOMPUTE: Final = {
    "none": Recompute.NONE,
    "selective": Recompute.SELECTIVE,
    "full": Recompute.FULL,
}
_SHARDING: Final = {
    "none": Sharding.NONE,
    "optimizer": Sharding.OPTIMIZER,
    "gradients": Sharding.GRADIENTS,
    "full": Sharding.FULL,
}
_SCHEDULE: Final = {"1f1b": Schedule.ONE_F_ONE_B, "zero-bubble": Schedule.ZERO_BUBBLE}
_SAME_SPEED: Final = {"fp16": "bf16"}
"""Formats with the same dense peak and the same bytes."""


@dataclass(frozen=True, slots=True)
class PublishedLayout:
    """A layout that a model was really trained in.

    Parameters
    ----------
    id, name, model, chip, precision : str
        Entry of the catalogue's kind ``layout``, and what was trained on what.
    accelerators, seq_len, global_batch : int
        Size of the step.
    stated : dict of str to int
        Fields of `Layout` that were published, or follow from what was.
    unstated : tuple of str
        Fields that were not.
    step_s : float or None
        Measured step time.
    span_s : tuple of float or None
        Its published range; the step time twice where none is.
    step_note : str
        How it was measured.
    year : float
        When it was published, as a decimal year.
    source : str
        Where it was published.
    facts : tuple of str
        Keys of its facts.
    """

    id: str
    name: str
    model: str
    chip: str
    precision: str
    accelerators: int
    seq_len: int
    global_batch: int
    stated: dict[str, int]
    unstated: tuple[str, ...]
    step_s: float | None
    span_s: tuple[float, float] | None
    step_note: str
    year: float
    source: str
    facts: tuple[str, ...]

    @property
    def layout(self) -> Layout:
        """What was published; fields that were not are those of `Layout`."""
        return Layout(**self.stated)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published layout, timed as it was run and as it would run in the plan's setting.

    Parameters
    ----------
    published : PublishedLayout
        What was published.
    then : StepEstimate
        In its own precision, with the software of its day: to be held against the measurement.
    now : StepEstimate
        In the precision and with the software of the plan: to be held against the plan.
    """

    published: PublishedLayout
    then: StepEstimate
    now: StepEstimate

    @property
    def error(self) -> float | None:
        """Predicted over measured step time, less 1; None where none was measured."""
        measured = self.published.step_s
        return None if measured is None else self.then.step_s.value / measured - 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as plain numbers and text, for programs."""
        published = self.published
        return {
            "id": published.id,
            "source": published.source,
            "precision": published.precision,
            "global_batch": published.global_batch,
            "unstated": list(published.unstated),
            "measured_step_s": published.step_s,
            "measured_span_s": published.span_s and list(published.span_s),
            "measured_note": published.step_note,
            "error": self.error,
            "as_run": as_dict(self.then),
            "as_planned": as_dict(self.now),
        }


def published_layouts(model: str) -> tuple[PublishedLayout, ...]:
    """Return the layouts published for a model of the catalogue; none for a path."""
    book = catalog.load()
    if not book.has("model", model):
        return ()
    wanted = book.get("model", model).id
    return tuple(_read(e) for e in book.entries("layout") if e.text("model") == wanted)


def published_at(
    model: str, chip: Entry, accelerators: int, seq_len: int
) -> tuple[PublishedLayout, ...]:
    """Return the layouts published for a model on so many accelerators of a kind."""
    size = (chip.id, accelerators, seq_len)
    return tuple(p for p in published_layouts(model) if (p.chip, p.accelerators, p.seq_len) == size)


def compare(arch: Architecture, published: PublishedLayout, setting: Setting) -> Comparison:
    """Return a published layout as it was run, and as it would run in `setting`.

    What was not published is chosen as a search would choose it: its authors had tried.
    """
    chip = setting.chip
    own = _SAME_SPEED.get(published.precision, published.precision)
    then = Setting(chip, own, stack_for(chip.text("vendor"), published.year))
    layout = _completed(arch, published, then)
    size = (published.seq_len, published.global_batch)
    return Comparison(
        published,
        estimate_step(arch, layout, then, *size),
        estimate_step(arch, layout, setting, *size),
    )


def _completed(arch: Architecture, published: PublishedLayout, setting: Setting) -> Layout:
    if not published.unstated:
        return published.layout
    stated: Mapping[str, int] = published.stated
    if Sharding(stated.get("sharding", 0)) is not Sharding.FULL:
        stated = {name: value for name, value in stated.items() if name != "shard"}
    machine, _ = calibration.machine(setting)
    # It did fit: where our memory says otherwise, memory must not decide what was left open.
    for most_gb in (capacity_gb(setting), inf):
        found = search(
            dims_of(arch),
            machine,
            accelerators=published.accelerators,
            seq_len=published.seq_len,
            global_batch=published.global_batch,
            recipe=state_recipe(setting),
            hbm_gb=most_gb,
            limits=Limits.fixed(stated),
            top=1,
        )
        if found.timed:
            break
    else:
        return published.layout
    return Layout(**{f.name: int(getattr(found.layout, f.name)[0]) for f in fields(Layout)})


def _read(entry: Entry) -> PublishedLayout:
    stated = {name: int(entry.number(name, 1)) for name in (*_DEGREES, "sequence_parallel")}
    stated |= {name: int(entry.number(name)) for name in ("vpp", "micro_batch") if name in entry}
    accelerators = int(entry.number("accelerators"))
    dp = accelerators // (stated["tp"] * stated["pp"] * stated["cp"])
    stated["dp"] = dp
    copies = dp * stated["cp"]
    if stated["pp"] == 1:
        stated["vpp"] = 1
    if "recompute" in entry:
        stated["recompute"] = int(_RECOMPUTE[entry.text("recompute")])
    stated["shard"] = int(entry.number("shard", copies))
    if "sharding" in entry or copies == 1:
        stated["sharding"] = int(_SHARDING[entry.text("sharding", "none")])
    stated["schedule"] = int(_SCHEDULE[entry.text("schedule", "1f1b")])
    step = entry.facts.get("step_time_s")
    year, month = entry["accelerators"].date.split("-")[:2]
    return PublishedLayout(
        entry.id,
        entry.text("name"),
        entry.text("model"),
        entry.text("chip"),
        entry.text("precision"),
        accelerators,
        int(entry.number("seq_len")),
        int(entry.number("global_batch")),
        stated,
        tuple(name for name in _OPEN if name not in stated),
        None if step is None else step.number,
        None if step is None else step.span,
        "" if step is None else step.note,
        int(year) + (int(month) - 1) / 12,
        entry["accelerators"].source.title,
        tuple(fact.key for fact in entry),
    )
