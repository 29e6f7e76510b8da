"""What a plan asks of the search for a split, and what is said where there is no answer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.estimate import estimate_serving, serving_bands
from gigawatt.compute.hosting.measured.parts import unmeasured, with_kernels
from gigawatt.compute.hosting.planning.capacity import (
    Limits,
    Points,
    favourite,
    highest_concurrency,
    search,
)
from gigawatt.compute.hosting.planning.space import Room, fewest_chips, places_of, taken, unfit
from gigawatt.compute.hosting.steady import CHUNK_TOKENS, steady_state
from gigawatt.compute.hosting.step import Split
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Hardware, Server
    from gigawatt.compute.hosting.estimate import ServingEstimate
    from gigawatt.compute.hosting.planning.capacity import Found
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.steady import Mix

    Numbers = float | NDArray[Any]

__all__ = ["CHUNKS", "Question", "one_split"]

CHUNKS: Final = (CHUNK_TOKENS, 512.0, 1024.0, 2048.0, 4096.0, 16384.0)
"""Tokens of prompts in a step that are searched where they are to be, the default first."""

_BANDED: Final = ("ttft_s", "tpot_s", "output_tokens_per_s")

_LARGEST: Final = 4096
"""Accelerators up to which an error says how many hold a model."""


@dataclass(frozen=True)
class Question:
    """What is asked of the search, with the machine that answers.

    Parameters
    ----------
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats and engine.
    mix : Mix
        The mean request.
    stated_ms : tuple
        Limits on the mean time to the first token and per further token [ms]; None for no limit.
    sure : bool
        Whether the P90 of the latencies keeps the limits too.
    chips : int
        Most accelerators of an instance.
    chunks : tuple of float
        Tokens of prompts that a step may take at most, the preferred one first.
    most_sequences : int or None
        Cap on the sequences of an attention group; None for as many as memory and limits allow.
    kernels : str
        ``model`` or ``measured``: where the times of kernels come from.
    """

    arch: Architecture
    setting: ServingSetting
    mix: Mix
    stated_ms: tuple[float | None, float | None]
    sure: bool
    chips: int
    chunks: tuple[float, ...] = (CHUNK_TOKENS,)
    most_sequences: int | None = None
    kernels: str = "model"

    @cached_property
    def dims(self) -> Dims:
        """Dimensions of the model."""
        return dims_of(self.arch)

    @cached_property
    def machine(self) -> tuple[Server, Hardware, tuple[str, ...]]:
        """The server, what is published about it, and what is extrapolated."""
        server, hardware, missing = calibration.server(self.setting)
        server, _ = with_kernels(server, self.arch, self.setting, self.kernels)
        return server, hardware, missing

    @cached_property
    def room(self) -> Room:
        """Accelerators and their memory."""
        hardware = self.machine[1]
        return Room(
            self.chips,
            float(hardware.fabric.scale_up_chips),
            float(hardware.capacity_gb),
            (self.setting.weight_bytes, self.setting.cache_bytes),
            np.inf if self.most_sequences is None else float(self.most_sequences),
        )

    @cached_property
    def limits(self) -> Limits:
        """Limits on the central latencies that keep those that were asked for."""
        bands, _ = serving_bands(self.arch, self.setting, self.machine[2])
        ttft, tpot = (
            np.inf if ms is None else ms / 1e3 / (max(bands[name][1], 1.0) if self.sure else 1.0)
            for ms, name in zip(self.stated_ms, ("ttft", "tpot"), strict=True)
        )
        return Limits(ttft, tpot)

    def search(self) -> Found:
        """Return what the search finds, if anything."""
        server = self.machine[0]
        found = search(self.dims, server, self.mix, self.limits, self.room, self.chunks)
        if not len(found.best):
            raise InputError(self._nothing(found.timed, found.rejected))
        return found

    def stated(self, fields_: Mapping[str, int], concurrency: int | None) -> Points:
        """Return the split that a user stated, at the concurrency stated or the highest."""
        dims, split = self.dims, _stated(fields_)
        if wrong := [why for why, holds in unfit(self.dims, split).items() if holds.any()]:
            message = f"split: {'; '.join(wrong)}"
            raise InputError(message)
        places = places_of(dims, split, self.mix, self.room)
        if places[0] < 1.0:  # says how much does not fit
            estimate_serving(self.arch, self.setting, one_split(split, 0), self.mix, 1.0)
        server = self.machine[0]
        if concurrency is None:
            tried = [
                highest_concurrency(dims, server, self.mix, self.limits, split, places, chunk)[0]
                for chunk in self.chunks
            ]
            best = favourite(tried)
        else:
            asked, chunk = np.array([float(concurrency)]), self.chunks[0]
            steady = steady_state(dims, split, server, self.mix, asked, places, chunk)
            best = Points(split, asked, steady, np.array([chunk]))
        if np.isnan(np.asarray(best.steady.ttft_s)).any():
            if self.kernels == "measured":
                raise unmeasured(self.setting)
            chip = self.setting.chip.id
            message = f"a bandwidth that this split needs is not published for {chip}"
            raise NotModelledError(message)
        if best.concurrency[0] < 1.0:
            raise InputError(self._nothing(1, {}))
        return best

    def estimates(self, points: Points) -> tuple[ServingEstimate, ...]:
        """Return points with their bands and memory, in whole numbers."""
        places = places_of(self.dims, points.split, self.mix, self.room)
        groups = np.broadcast_to(points.split.attn_dp, places.shape)
        found = []
        for i in range(len(points)):
            steady = taken(points.steady, i)
            told = {name: float(getattr(steady, name)) for name in _BANDED}
            one = self.banded(one_split(points.split, i), float(points.concurrency[i]), told)
            held, most = float(steady.sequences * groups[i]), float(places[i] * groups[i])
            found.append(replace(one, held=held, places=min(one.places, most)))
        return tuple(found)

    def banded(
        self, split: Split, concurrency: float, told: Mapping[str, float]
    ) -> ServingEstimate:
        """Return one instance with what was found of it, in the bands of the model's errors."""
        one = estimate_serving(
            self.arch, self.setting, split, self.mix, concurrency, kernels=self.kernels
        )
        bands: dict[str, Any] = {}
        for name, value in told.items():
            band = getattr(one, name)
            bands[name] = band.scaled(value / band.value)
        return replace(one, **bands)

    def kept(self, ttft_s: Numbers, tpot_s: Numbers) -> tuple[bool, ...]:
        """Return which central latencies keep the limits."""
        limits = self.limits
        # One and many at once may differ in the last digit.
        within = (ttft_s <= limits.ttft_s * (1.0 + 1e-9)) & (tpot_s <= limits.tpot_s * (1.0 + 1e-9))
        return tuple(np.atleast_1d(within).tolist())

    def front(self, points: Points) -> tuple[dict[str, Any], ...]:
        """Return a front as plain numbers."""
        steady = points.steady
        kept = self.kept(steady.ttft_s, steady.tpot_s)
        return tuple(
            {
                "output_tokens_per_s_per_accelerator": float(points.per_accelerator[i]),
                "tokens_per_s_per_user": float(points.per_user[i]),
                "ttft_ms": 1e3 * float(np.asarray(steady.ttft_s)[i]),
                "tpot_ms": 1e3 * float(np.asarray(steady.tpot_s)[i]),
                "concurrency": int(points.concurrency[i]),
                "chunk_tokens": int(points.chunk_tokens[i]),
                "accelerators": int(one_split(points.split, i).accelerators),
                "split": {f.name: int(getattr(points.split, f.name)[i]) for f in fields(Split)},
                "within_limits": kept[i],
            }
            for i in range(len(points))
        )

    def _nothing(self, timed: int, rejected: Mapping[str, int]) -> str:
        chip, weights = self.setting.chip.id, self.setting.weights
        what = f"{self.arch.name} in {weights} over up to {self.chips:,} x {chip}"
        counted = sorted(rejected.items(), key=lambda item: -item[1])
        reasons = "; ".join(f"{why} ({n:,})" for why, n in counted)
        if not timed:
            least = fewest_chips(self.dims, self.mix, self.room, _LARGEST)
            hint = "" if least is None else f"; {least:,} accelerators hold it: raise max_chips"
            return f"no split of {what} fits: {reasons}{hint}"
        names = zip(("time to first token", "time per token"), self.stated_ms, strict=True)
        asked = " and ".join(f"{name} {ms:g} ms" for name, ms in names if ms is not None)
        sure = ", with the P90 of its latencies," if self.sure else ""
        told = f": {reasons}" if reasons else ", even for a single request"
        return f"no split of {what}{sure} keeps {asked}{told}"


def one_split(split: Split, index: int) -> Split:
    """Return one of many splits, in whole numbers."""
    return Split(**{f.name: int(getattr(split, f.name)[index]) for f in fields(Split)})


def _stated(given: Mapping[str, int]) -> Split:
    """Return a stated split as arrays of one."""
    known = [f.name for f in fields(Split)]
    for name, value in given.items():
        if name not in known:
            message = f"a split has no field {name}; it has {', '.join(known)}"
            raise InputError(message)
        if value < 1 or value != int(value):
            message = f"split: {name} must be a whole number of at least 1; found {value:g}"
            raise InputError(message)
    return Split(**{name: np.array([float(given.get(name, 1))]) for name in known})
