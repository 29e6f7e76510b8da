"""Every way to spread a model over the accelerators of one serving instance."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.step import Split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.steady import Mix

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = ["Room", "fewest_chips", "places_of", "splits", "taken", "unfit"]


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to spread a model over.

    Parameters
    ----------
    chips : int
        Most accelerators of one instance.
    domain : float
        Accelerators of one scale-up domain, which tensor ranks never leave.
    capacity_gb : float
        Memory of one accelerator [GB].
    formats : tuple of float
        Bytes of a weight and of a cached number.
    most_sequences : float
        Cap of the engine on the sequences of each attention group.
    """

    chips: int
    domain: float
    capacity_gb: float
    formats: tuple[float, float]
    most_sequences: float = np.inf


def splits(dims: Dims, chips: int, domain: float) -> tuple[Split, Mapping[str, Flags]]:
    """Return every split over at most `chips` accelerators, and why some are none.

    Degrees are powers of two, and divisors of what they cut: heads, layers, experts. Tensor ranks
    stay in one scale-up domain. Attention is only spread over groups of its own where the groups
    share experts, or where each would hold the whole compressed cache anyway (MLA).

    Parameters
    ----------
    dims : Dims
        One model.
    chips : int
        Most accelerators.
    domain : float
        Accelerators of one scale-up domain.

    Returns
    -------
    split : Split
        Arrays over all splits.
    reasons : dict of str to ndarray of bool
        Which of them no engine can run; each is blamed on the first reason only.
    """
    layers, experts = int(dims.layers), int(dims.experts)
    grouped = experts > 0 or bool(dims.mla)
    tp, attn_dp, pp, ep = (
        axis.ravel()
        for axis in np.meshgrid(
            _degrees(int(dims.heads), min(chips, max(int(domain), 1))),
            _degrees(max(experts, 1), chips if grouped else 1),
            _degrees(layers, min(chips, layers)),
            _degrees(max(experts, 1), chips if experts else 1),
            indexing="ij",
        )
    )
    kept = (tp * attn_dp * pp <= chips) & (ep <= tp * attn_dp)
    tp, attn_dp, pp, ep = tp[kept], attn_dp[kept], pp[kept], ep[kept]
    each = (axis.astype(np.float64) for axis in (tp, attn_dp, pp, ep))
    split = Split(**dict(zip(("tp", "attn_dp", "pp", "ep"), each, strict=True)))
    reasons: dict[str, Flags] = {}
    blamed = np.zeros(len(tp), dtype=bool)
    for why, wrong in unfit(dims, split).items():
        reasons[why] = np.asarray(wrong & ~blamed)
        blamed |= wrong
    return split, reasons


def unfit(dims: Dims, split: Split) -> dict[str, Flags]:
    """Return which splits no engine can run, by reason.

    Parameters
    ----------
    dims, split : Dims, Split
        Model, and how it is spread.
    """
    tp, ep, ranks = (np.asarray(n, dtype=np.float64) for n in (split.tp, split.ep, split.ranks))
    # A key-value head may be held by several ranks, but not by a part of one more than by another.
    uneven = (dims.kv_heads % tp > 0) & (tp % np.maximum(dims.kv_heads, 1.0) > 0)
    cut = np.maximum(ranks // ep, 1.0)
    return {
        "heads do not divide over the tensor ranks": np.asarray(
            (dims.heads % tp > 0) | uneven | (dims.ssm_heads % tp > 0)
        ),
        "dense blocks do not divide over the tensor ranks": np.asarray(
            np.greater(dims.dense_layers, 0) & (dims.ffn % tp > 0)
        ),
        "experts do not divide over the ranks": np.asarray(
            (np.maximum(dims.experts, 1.0) % ep > 0)
            | (ranks % ep > 0)
            | (np.greater(dims.experts, 0) & (dims.expert_ffn % cut > 0))
        ),
        "more stages than layers": np.asarray(np.greater(split.pp, dims.layers)),
    }


def fewest_chips(dims: Dims, mix: Mix, room: Room, most: int) -> int | None:
    """Return the power of two of accelerators that first holds the weights and one request.

    Parameters
    ----------
    dims, mix, room : Dims, Mix, Room
        Model, mean request and memory; `room.chips` is not read.
    most : int
        Where to give up.

    Returns
    -------
    int or None
        None if not even `most` hold them.
    """
    chips = 1
    while chips <= most:
        split, reasons = splits(dims, chips, room.domain)
        kept = taken(split, ~np.logical_or.reduce(list(reasons.values())))
        if np.any(places_of(dims, kept, mix, room) >= 1.0):
            return chips
        chips *= 2
    return None


def places_of(dims: Dims, split: Split, mix: Mix, room: Room) -> Floats:
    """Return the sequences that each group of attention ranks can hold on its fullest stage.

    No more than the cap of the engine.

    Parameters
    ----------
    dims, mix, room : Dims, Mix, Room
        Model, mean request and memory.
    split : Split
        Arrays over the splits.
    """
    # Where stages differ by a layer, the fullest is as one of a pipeline with fewer stages.
    fullest = replace(split, pp=dims.layers / np.ceil(dims.layers / split.pp))
    places = sequences_that_fit(dims, fullest, room.formats, room.capacity_gb, mix.context)
    places = np.minimum(np.asarray(places, dtype=np.float64), room.most_sequences)
    return np.broadcast_to(places, np.shape(split.tp))


def taken(record: Any, index: Any) -> Any:  # noqa: ANN401  Split or Steady, and any index of NumPy
    """Return a record of arrays at an index.

    Parameters
    ----------
    record : dataclass
        Whose fields are arrays, such as `Split`.
    index : int, slice or ndarray
        What NumPy takes.
    """
    return type(record)(
        **{f.name: np.asarray(getattr(record, f.name))[index] for f in fields(record)}
    )


def _degrees(number: int, most: int) -> NDArray[np.int64]:
    """Return the powers of two and the divisors of a number up to `most`."""
    upto = np.arange(1, most + 1)
    powers = (upto & (upto - 1)) == 0
    found: NDArray[np.int64] = upto[powers | (number % upto == 0)]
    return found
