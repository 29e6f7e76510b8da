"""Layouts that others published, to hold a plan against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.compute.training.layout import Layout, Recompute, Sharding

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = ["PublishedLayout", "published_layouts"]

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


@dataclass(frozen=True, slots=True)
class PublishedLayout:
    """A layout that a model was really trained in.

    Parameters
    ----------
    id, model, chip, precision : str
        Entry of the catalogue's kind ``layout``, and what was trained on what.
    accelerators, seq_len, global_batch : int
        Size of the step.
    layout : Layout
        How it was spread.
    step_s : float or None
        Measured step time.
    source : str
        Where it was published.
    facts : tuple of str
        Keys of its facts.
    """

    id: str
    model: str
    chip: str
    precision: str
    accelerators: int
    seq_len: int
    global_batch: int
    layout: Layout
    step_s: float | None
    source: str
    facts: tuple[str, ...]


def published_layouts(model: str) -> tuple[PublishedLayout, ...]:
    """Return the layouts published for a model of the catalogue; none for a path."""
    book = catalog.load()
    if not book.has("model", model):
        return ()
    wanted = book.get("model", model).id
    return tuple(_read(e) for e in book.entries("layout") if e.text("model") == wanted)


def _read(entry: Entry) -> PublishedLayout:
    degrees = {name: int(entry.number(name, 1)) for name in ("tp", "pp", "vpp", "cp", "ep", "etp")}
    accelerators = int(entry.number("accelerators"))
    dp = accelerators // (degrees["tp"] * degrees["pp"] * degrees["cp"])
    sharding = _SHARDING[entry.text("sharding", "optimizer")]
    layout = Layout(
        **degrees,
        dp=dp,
        micro_batch=int(entry.number("micro_batch", 1)),
        recompute=int(_RECOMPUTE[entry.text("recompute", "none")]),
        sharding=int(sharding),
        shard=1 if sharding is Sharding.NONE else dp * degrees["cp"],
    )
    return PublishedLayout(
        entry.id,
        entry.text("model"),
        entry.text("chip"),
        entry.text("precision"),
        accelerators,
        int(entry.number("seq_len")),
        int(entry.number("global_batch")),
        layout,
        entry.number("step_time_s") if "step_time_s" in entry else None,
        entry["accelerators"].source.title,
        tuple(fact.key for fact in entry),
    )
