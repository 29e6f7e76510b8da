"""What engine is simulated: policy, memory, routing, delays.

A policy is a choice of flags, so the four named ones are points of one space and others can be
tried. `POLICIES` names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.hosting.engine import columns
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["POLICIES", "ROUTERS", "EngineConfig", "Policy"]

_NO_BUDGET: Final = 2**40  # tokens; more than any batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How an engine chooses what runs next.

    Parameters
    ----------
    chunked : bool
        Prompts are cut so that a batch stays within the token budget.
    admit_first : bool
        New prompts run before, and without, requests that decode.
    reserve : int
        KV reserved at admission: 0 for the tokens fed now, 1 for the whole prompt, 2 for prompt
        and longest output, so that nothing is ever preempted.
    spare_block : bool
        A decode wants a free block even when its last one has room.
    budgeted : bool
        A batch has a token budget at all.
    """

    chunked: bool = True
    admit_first: bool = False
    reserve: int = columns.RESERVE_CHUNK
    spare_block: bool = False
    budgeted: bool = True


POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        # vLLM from 0.8 ("V1"): decodes first, prompts in chunks, blocks as they are needed.
        "vllm": Policy(),
        # Agrawal et al., Sarathi-Serve (OSDI 2024): no decode is stalled by a prompt.
        "sarathi": Policy(reserve=columns.RESERVE_PROMPT, spare_block=True),
        # Yu et al., Orca (OSDI 2022): whole prompts join each iteration, memory for the longest.
        "orca": Policy(chunked=False, reserve=columns.RESERVE_ALL, budgeted=False),
        # vLLM before that (Kwon et al., SOSP 2023): new prompts first, in batches of their own.
        "prefill-first": Policy(
            chunked=False, admit_first=True, reserve=columns.RESERVE_PROMPT, spare_block=True
        ),
    }
)
ROUTERS: Final = ("round-robin", "least-requests", "least-tokens", "prefix")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """A fleet of replicas that serve one model.

    Parameters
    ----------
    kv_blocks : int or sequence of int
        KV blocks of a replica, or of each.
    replicas : int
        All replicas, of both pools if disaggregated.
    policy : str or Policy
        A name of `POLICIES`, or flags of your own.
    router : str
        One of `ROUTERS`. *least-requests* and *least-tokens* count what was sent to a replica and
        is not finished. *prefix* picks the replica that caches most of the prompt, unless that is
        little or the load is uneven.
    token_budget : int or sequence of int
        Tokens fed by one batch (chunk size).
    max_sequences : int or sequence of int
        Requests that run at once on a replica; a batch of a pipeline of S stages has one in S.
    block_tokens : int
        Tokens of a KV block.
    watermark : float
        Share of the blocks that an admission must leave free.
    stages : int
        Pipeline stages; as many batches are in flight.
    prefix_cache : bool
        Keep the blocks of prompts; the trace must carry hashes.
    prefill_replicas : int
        The first so many replicas only prefill, the others decode; 0 for no such split.
    transfer_s, transfer_s_per_token : float
        Time to send a request's KV to a decode replica: fixed part and part by token [s]. Transfers
        of one prefill replica follow one another.
    first_token_at_decode : bool
        The user gets the first token only when the KV has reached the decode replica.
    ready_s : float or sequence of float
        When a replica begins to accept requests [s].
    ingress_s, tokenizer_s, tokenizer_s_per_token, dispatch_s, egress_s : float
        Delays outside the batch [s]: network and front end; tokenizer, fixed and by prompt token;
        router to replica; response to user. A user's TTFT has all of them.
    draft_tokens : int
        Tokens drafted for each decode step (speculative decoding, MTP).
    accepted_per_step : float
        Mean tokens that a step yields, from 1 to 1 + `draft_tokens`; 0 to draw them by
        `acceptance`.
    acceptance : float
        Chance that a draft is accepted if those before it were.
    longest_tokens : int
        Tokens of the longest request, which a policy that reserves everything must provide for.
    context_granularity : int
        Tokens to which the feature `prefill_context_rounded` is rounded up.
    prefix_share : float
        The *prefix* router looks at load alone if no replica caches more than this share of the
        prompt. This and the next two default as in the routers of SGLang and vLLM.
    balance_requests, balance_ratio : float
        It also does so if the requests of the most and least loaded replica differ by more than
        this number and by more than this factor.
    seed : int
        Of what is drawn by chance.

    Raises
    ------
    InputError
        If a value is out of its range.

    Examples
    --------
    >>> EngineConfig(kv_blocks=3328, replicas=8, policy="sarathi", token_budget=512).pools
    (8, 0)
    """

    kv_blocks: int | Sequence[int]
    replicas: int = 1
    policy: str | Policy = "vllm"
    router: str = "round-robin"
    token_budget: int | Sequence[int] = 2048
    max_sequences: int | Sequence[int] = 256
    block_tokens: int = 16
    watermark: float = 0.0
    stages: int = 1
    prefix_cache: bool = False
    prefill_replicas: int = 0
    transfer_s: float = 0.0
    transfer_s_per_token: float = 0.0
    first_token_at_decode: bool = False
    ready_s: float | Sequence[float] = 0.0
    ingress_s: float = 0.0
    tokenizer_s: float = 0.0
    tokenizer_s_per_token: float = 0.0
    dispatch_s: float = 0.0
    egress_s: float = 0.0
    draft_tokens: int = 0
    accepted_per_step: float = 0.0
    acceptance: float = 0.0
    longest_tokens: int = 0
    context_granularity: int = 64
    prefix_share: float = 0.3
    balance_requests: int = 64
    balance_ratio: float = 1.5
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.policy, str) and self.policy not in POLICIES:
            _refuse("policy", f"one of {', '.join(POLICIES)} or a Policy", self.policy)
        if self.router not in ROUTERS:
            _refuse("router", f"one of {', '.join(ROUTERS)}", self.router)
        self._check_ranges()
        self._check_drafts()
        self._check_replicas()

    def _check_ranges(self) -> None:
        for name in ("replicas", "block_tokens", "stages", "context_granularity"):
            if getattr(self, name) < 1:
                _refuse(name, "an int >= 1", getattr(self, name))
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < np.inf:
                _refuse(name, "a finite number >= 0", getattr(self, name))
        if not 0 <= self.watermark < 1:
            _refuse("watermark", "a float in the range [0, 1)", self.watermark)
        if not 0 <= self.prefill_replicas < self.replicas:
            _refuse("prefill_replicas", "an int in the range [0, replicas)", self.prefill_replicas)

    def _check_replicas(self) -> None:
        for name in ("kv_blocks", "token_budget", "max_sequences"):
            if self.each(name).min() < 1:
                _refuse(name, "ints >= 1", getattr(self, name))
        ready_s = self.each("ready_s")
        if not (np.isfinite(ready_s) & (ready_s >= 0)).all():
            _refuse("ready_s", "finite numbers >= 0", self.ready_s)
        if self.flags.budgeted and self.flags.chunked:
            least = self.each("max_sequences") * (1 + self.draft_tokens)
            if (self.each("token_budget") < least).any():
                wanted = "at least a token (and its drafts) for each of max_sequences"
                _refuse("token_budget", wanted, self.token_budget)

    def _check_drafts(self) -> None:
        if not 0 <= self.acceptance < 1:
            _refuse("acceptance", "a float in the range [0, 1)", self.acceptance)
        most = 1 + self.draft_tokens
        if self.accepted_per_step and not 1 <= self.accepted_per_step <= most:
            wanted = f"0 or a float in the range [1, {most}]"
            _refuse("accepted_per_step", wanted, self.accepted_per_step)

    @property
    def flags(self) -> Policy:
        """The policy's flags."""
        return self.policy if isinstance(self.policy, Policy) else POLICIES[self.policy]

    @property
    def pools(self) -> tuple[int, int]:
        """Replicas of the first pool and of the decode pool."""
        first = self.prefill_replicas or self.replicas
        return first, self.replicas - first

    def each(self, name: str) -> NDArray[np.float64]:
        """Return a figure for each replica."""
        values = np.asarray(getattr(self, name), float)
        if values.shape not in {(), (self.replicas,)}:
            _refuse(name, f"one value or one for each of {self.replicas} replicas", values.shape)
        return np.broadcast_to(values, (self.replicas,))

    def setup(self, hash_tokens: int, *, logging: bool) -> columns.Setup:
        """Return the same for the kernel; `hash_tokens` is 0 where no prefix cache is kept."""
        flags, width = self.flags, 1 + self.draft_tokens
        return columns.Setup(
            stages=int(self.stages),
            prefill_replicas=self.pools[0],
            disaggregated=self.prefill_replicas > 0,
            router=ROUTERS.index(self.router),
            chunked=bool(flags.chunked),
            admit_first=bool(flags.admit_first),
            reserve=int(flags.reserve),
            spare_block=bool(flags.spare_block),
            block_tokens=int(self.block_tokens),
            hash_blocks=hash_tokens // self.block_tokens,
            reserve_tokens=int(self.longest_tokens),
            granularity=int(self.context_granularity),
            width=int(width),
            emit_millionths=round(self.accepted_per_step * columns.MILLION),
            acceptance=float(self.acceptance),
            seed=int(self.seed),
            dispatch_s=float(self.dispatch_s),
            transfer_s=float(self.transfer_s),
            transfer_s_per_token=float(self.transfer_s_per_token),
            first_at_decode=bool(self.first_token_at_decode),
            prefix_share=float(self.prefix_share),
            balance_requests=int(self.balance_requests),
            balance_ratio=float(self.balance_ratio),
            skip_ahead=bool(self.stages == 1 and width == 1 and not logging),
            logging=bool(logging),
        )

    def budget_tokens(self) -> NDArray[np.int64]:
        """Return the tokens of one batch, by replica."""
        if not self.flags.budgeted:
            return np.full(self.replicas, _NO_BUDGET)
        return self.each("token_budget").astype(np.int64)


_NOT_NEGATIVE: Final = (
    "transfer_s", "transfer_s_per_token", "ingress_s", "tokenizer_s", "tokenizer_s_per_token",
    "dispatch_s", "egress_s", "draft_tokens", "longest_tokens", "balance_requests",
    "balance_ratio", "prefix_share", "seed",
)  # fmt: skip


def _refuse(name: str, wanted: str, found: object) -> None:
    message = f"{name} must be {wanted}. Got {found!r} instead."
    raise InputError(message)
