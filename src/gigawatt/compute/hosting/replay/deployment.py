"""Instances of one kind as the engine simulation sees them: steps, memory, links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting import calibration
from gigawatt.compute.hosting.disaggregated import transfer_s
from gigawatt.compute.hosting.engine.config import POLICIES, ROUTERS, EngineConfig
from gigawatt.compute.hosting.memory import sequences_that_fit
from gigawatt.compute.hosting.step_latency import Instance, instance_latency
from gigawatt.compute.network import check
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Hardware, Server
    from gigawatt.compute.hosting.engine.latency import Latency
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.step import Split

__all__ = ["BLOCK_TOKENS", "CHUNK_TOKENS", "MAX_SEQUENCES", "Deployment", "engine_asked"]

CHUNK_TOKENS: Final = 8192
"""Tokens of a batch: the default of vLLM's server for accelerators with at least 70 GiB
(``max_num_batched_tokens``), and the chunk for which the step model was calibrated."""

MAX_SEQUENCES: Final = 1024
"""Requests that run at once: the default of the same (``max_num_seqs``)."""

BLOCK_TOKENS: Final = 16
"""Tokens of a block of KV: the default of vLLM (``block_size``)."""

_MOST_BLOCKS: Final = 2.0**31 - 1.0  # where a token of context takes hardly any memory
_LONG_TOKENS: Final = 1e5  # over which the time to send a token is taken


@dataclass(frozen=True)
class Deployment:
    """One kind of instance, and the engine that runs on it. A replica of the engine is an instance.

    Parameters
    ----------
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats and engine.
    split : Split
        How an instance spreads the model.
    asked : EngineConfig
        Policy, caps and caching; memory, replicas and delays are filled in here.
    context_tokens : float
        Context of a request in the mean. The state that recurrent layers keep for each request,
        whatever its context, is counted with so many tokens of it.
    """

    arch: Architecture
    setting: ServingSetting
    split: Split
    asked: EngineConfig
    context_tokens: float

    @cached_property
    def dims(self) -> Dims:
        """Dimensions of the model."""
        return dims_of(self.arch)

    @cached_property
    def machine(self) -> tuple[Server, Hardware, tuple[str, ...]]:
        """The server, what is published about it, and what is extrapolated."""
        return calibration.server(self.setting)

    @property
    def groups(self) -> int:
        """Attention groups of an instance, each with memory of its own."""
        return int(self.split.attn_dp)

    @cached_property
    def group_blocks(self) -> int:
        """KV blocks of an attention group beside the weights, on its fullest stage."""
        tokens = self._places(self.context_tokens) * self.context_tokens
        return int(min(tokens / BLOCK_TOKENS, _MOST_BLOCKS / self.groups))

    def _places(self, context_tokens: float) -> float:
        """Return the requests of such a context that an attention group holds."""
        dims, split = self.dims, self.split
        # Where stages differ by a layer, the fullest is as one of a pipeline with fewer stages.
        fullest = replace(split, pp=dims.layers / np.ceil(dims.layers / split.pp))
        formats = (self.setting.weight_bytes, self.setting.cache_bytes)
        capacity = float(self.machine[1].capacity_gb)
        return float(sequences_that_fit(dims, fullest, formats, capacity, context_tokens))

    def holds(self, tokens: int) -> bool:
        """Return whether a request of so many tokens fits into a group."""
        spare = int(self.asked.flags.spare_block)
        return -(-(tokens + self.asked.draft_tokens) // BLOCK_TOKENS) + spare <= self.group_blocks

    def engine(self, instances: int, prefill: int = 0) -> EngineConfig:
        """Return the engine of a fleet.

        Parameters
        ----------
        instances : int
            Of the whole fleet.
        prefill : int
            Those of them that only read prompts.
        """
        fixed_s, each_s = self._transfer_s(instances) if prefill else (0.0, 0.0)
        states = max(int(min(self._places(0.0), _MOST_BLOCKS)), 1)
        most = min(int(self.asked.each("max_sequences")[0]), states)
        return replace(
            self.asked,
            kv_blocks=self.group_blocks * self.groups,
            replicas=instances,
            prefill_replicas=prefill,
            stages=int(self.split.pp),
            token_budget=int(self.asked.each("token_budget")[0]) * self.groups,
            max_sequences=most * self.groups,
            transfer_s=fixed_s,
            transfer_s_per_token=each_s,
            # The whole answer is streamed by the instance that goes on with it.
            first_token_at_decode=prefill > 0,
            ingress_s=float(self.machine[0].first_token_s),
        )

    @cached_property
    def latency(self) -> Latency:
        """Time of a batch of an instance."""
        return instance_latency(Instance(self.dims, self.split, self.machine[0]))

    def near(self, instances: int) -> bool:
        """Return whether one scale-up domain holds so many instances."""
        every = instances * float(self.split.accelerators)
        return bool(every <= self.machine[0].fabric.scale_up_chips)

    def _transfer_s(self, instances: int) -> tuple[float, float]:
        """Return the time to send a request's KV to another instance: fixed, and by token [s]."""
        every, fabric = instances * float(self.split.accelerators), self.machine[0].fabric
        check(fabric, every, 1.0)
        pools = (self.split, self.split)
        fixed, long = (
            float(transfer_s(self.dims, fabric, pools, n, self.setting.cache_bytes, every))
            for n in (0.0, _LONG_TOKENS)
        )
        return fixed + float(self.machine[0].hand_over_s), (long - fixed) / _LONG_TOKENS


def engine_asked(
    policy: str,
    *,
    router: str | None = None,
    chunk_tokens: int = CHUNK_TOKENS,
    max_sequences: int | None = None,
    accepted: float = 1.0,
    seed: int = 0,
) -> EngineConfig:
    """Return what is asked of the engine, before memory and replicas are known.

    Parameters
    ----------
    policy, router : str
        Names of `POLICIES` and `ROUTERS`.
    chunk_tokens : int
        Tokens of a batch.
    max_sequences : int, optional
        Requests that run at once; by default `MAX_SEQUENCES`, or as many as the chunk has room for.
    accepted : float
        Tokens that a sequence gains in a step; above 1 with as many drafts as it has whole tokens.
    seed : int
        Of the drafts that are accepted.

    Raises
    ------
    InputError
        If a name is unknown, or the running requests do not fit into a chunk.
    """
    for name, value, known in (("policy", policy, POLICIES), ("router", router, ROUTERS)):
        if value is not None and value not in known:
            message = f"{name} must be one of {', '.join(known)}; found '{value}'"
            raise InputError(message)
    drafts = int(accepted) if accepted > 1.0 else 0
    room = chunk_tokens // (1 + drafts)
    if max_sequences is None:
        max_sequences = max(min(MAX_SEQUENCES, room), 1)
    if POLICIES[policy].chunked and max_sequences > room:
        tokens = f"{1 + drafts} tokens" if drafts else "a token"
        message = (
            f"chunk_tokens must have room for {tokens} of each of {max_sequences:,} running "
            f"requests (max_sequences); found {chunk_tokens:,}"
        )
        raise InputError(message)
    return EngineConfig(
        kv_blocks=1,
        policy=policy,
        router=router or "least-requests",
        token_budget=chunk_tokens,
        max_sequences=max_sequences,
        block_tokens=BLOCK_TOKENS,
        draft_tokens=drafts,
        acceptance=_acceptance(accepted, drafts),
        seed=seed,
    )


def _acceptance(accepted: float, drafts: int) -> float:
    """Return the chance of a draft with which a step yields so many tokens in the mean.

    A draft counts only if all before it were accepted, so a step yields 1 + a + a^2 + ... tokens.
    """
    low, high = 0.0, 1.0
    for _ in range(60 if drafts else 0):
        middle = 0.5 * (low + high)
        fewer = sum(middle**k for k in range(drafts + 1)) < accepted
        low, high = (middle, high) if fewer else (low, middle)
    return low
