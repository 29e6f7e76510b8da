"""A list of requests: when they come, how long they are, which blocks their prompts share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Trace"]


def _no_hashes() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Requests in the order in which they come.

    Parameters
    ----------
    arrival_s : array of float, shape (N,)
        When the user sends each, ascending, from 0 [s].
    prompt_tokens, output_tokens : array of int, shape (N,)
        Tokens of the prompt and of the answer, at least one each.
    hashes : array of int
        Hashes of the prompts' blocks, one prompt after another; a hash stands for a block and all
        before it. Empty if unknown.
    hash_start : array of int, shape (N + 1,)
        Where each prompt's hashes begin and the last one's end.
    hash_tokens : int
        Tokens of such a block; 0 if there are no hashes.

    Raises
    ------
    InputError
        If the arrays do not fit together, times do not ascend or a length is below one.
    """

    arrival_s: Floats
    prompt_tokens: Ints
    output_tokens: Ints
    hashes: Ints = field(default_factory=_no_hashes)
    hash_start: Ints = field(default_factory=_no_hashes)
    hash_tokens: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "arrival_s", np.ascontiguousarray(self.arrival_s, np.float64))
        for name in ("prompt_tokens", "output_tokens", "hashes", "hash_start"):
            put(self, name, np.ascontiguousarray(getattr(self, name), np.int64))
        if not self.hash_tokens:
            put(self, "hash_start", np.zeros(len(self) + 1, np.int64))
        self._check()

    def _check(self) -> None:
        n = len(self)
        if not n or self.arrival_s.shape != (n,) or self.prompt_tokens.shape != (n,):
            message = "a trace must hold at least one request, each with time, prompt and output."
            raise InputError(message)
        if not (np.isfinite(self.arrival_s).all() and (np.diff(self.arrival_s) >= 0).all()):
            late = int(np.argmax(~(np.diff(self.arrival_s, prepend=-np.inf) >= 0)))
            message = f"arrival_s must be finite and ascending. Request {late} is not."
            raise InputError(message)
        if self.arrival_s[0] < 0:
            message = f"arrival_s must be >= 0. Got {self.arrival_s[0]} instead."
            raise InputError(message)
        for name in ("prompt_tokens", "output_tokens"):
            values = getattr(self, name)
            if values.min() < 1:
                at = int(values.argmin())
                message = f"{name} must be >= 1. Request {at} has {values[at]}."
                raise InputError(message)
        counts = np.diff(self.hash_start)
        whole = self.hash_start.shape == (n + 1,) and self.hash_start[0] == 0
        if not whole or (counts < 0).any() or self.hash_start[-1] != self.hashes.size:
            message = (
                "hash_start must ascend from 0 to the number of hashes, one more than requests."
            )
            raise InputError(message)

    def __len__(self) -> int:
        return int(self.output_tokens.size)

    @property
    def duration_s(self) -> float:
        """Time from the first request to the last."""
        return float(self.arrival_s[-1] - self.arrival_s[0])

    def head(self, count: int) -> Trace:
        """Return the first `count` requests."""
        end = self.hash_start[: count + 1]
        return replace(
            self,
            arrival_s=self.arrival_s[:count],
            prompt_tokens=self.prompt_tokens[:count],
            output_tokens=self.output_tokens[:count],
            hashes=self.hashes[: end[-1]],
            hash_start=end,
        )

    def repeated(self, count: int, *, gap_s: float | None = None) -> Trace:
        """Return the first `count` requests of this trace played over and over.

        Parameters
        ----------
        count : int
            Requests in all.
        gap_s : float, optional
            Time from the last request of a round to the first of the next; the mean gap if not
            given [s].

        Notes
        -----
        Each round gets hashes of its own, as other users would ask it.
        """
        n = len(self)
        rounds = -(-count // n)
        gap = self.duration_s / max(n - 1, 1) if gap_s is None else gap_s
        number = np.repeat(np.arange(rounds), n)
        spans = np.diff(self.hash_start)
        hash_round = np.repeat(np.arange(rounds), self.hashes.size)
        step = int(np.ptp(self.hashes)) + 1 if self.hashes.size else 1
        start = np.concatenate([[0], np.cumsum(np.tile(spans, rounds))])
        return replace(
            self,
            arrival_s=np.tile(self.arrival_s, rounds) + number * (self.duration_s + gap),
            prompt_tokens=np.tile(self.prompt_tokens, rounds),
            output_tokens=np.tile(self.output_tokens, rounds),
            hashes=np.tile(self.hashes, rounds) + hash_round * step,
            hash_start=start,
        ).head(count)

    def at_rate(self, requests_per_s: float) -> Trace:
        """Return the same requests with gaps stretched to a mean rate [1/s]."""
        if not requests_per_s > 0:
            message = f"requests_per_s must be above 0. Got {requests_per_s!r} instead."
            raise InputError(message)
        if len(self) == 1 or self.duration_s == 0:
            message = "a trace must span some time to be played at a rate."
            raise InputError(message)
        factor = (len(self) - 1) / (requests_per_s * self.duration_s)
        return replace(self, arrival_s=(self.arrival_s - self.arrival_s[0]) * factor)

    def clipped(self, most_tokens: int) -> Trace:
        """Return the same with prompts cut so that prompt and output have at most `most_tokens`."""
        if int(self.output_tokens.max()) >= most_tokens:
            message = f"most_tokens must exceed every output. Got {most_tokens!r} instead."
            raise InputError(message)
        prompt = np.minimum(self.prompt_tokens, most_tokens - self.output_tokens)
        return replace(self, prompt_tokens=prompt)
