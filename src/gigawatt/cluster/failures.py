"""What breaks, how often, and how it is repaired.

Failures of each component strike independently, as a Poisson process of the rate published for it.
They are drawn before the simulation and do not depend on the schedule, so two policies can be held
against each other with the same failures. A failure that would strike a node which is down already
strikes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from gigawatt import catalog
from gigawatt.cluster.kernel import columns as k
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from gigawatt.cluster.shape import Cluster

    Longs = NDArray[np.int64]

__all__ = ["Component", "Failures", "Stream"]

Effect = Literal["takes-down", "interrupts", "corrupts", "drains"]
Level = Literal["node", "rack", "pod", "hall"]

_KINDS: Final = {
    "takes-down": k.TAKES_DOWN,
    "interrupts": k.INTERRUPTS,
    "corrupts": k.CORRUPTS,
    "drains": k.DRAINS,
}
_LEVELS: Final = {"node": k.NODE, "rack": k.RACK, "pod": k.POD, "hall": k.HALL}
_DAY_S: Final = 86_400.0
_CHUNK: Final = 50_000.0  # failures drawn at once, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One kind of thing that fails.

    Parameters
    ----------
    name : str
        Such as ``"gpu"``.
    per_day : float
        Failures in a day of one node, or of one rack, pod or hall if that is the level.
    level : str
        What it takes with it: ``"node"``, ``"rack"``, ``"pod"`` or ``"hall"``.
    effect : str
        ``"takes-down"``: the nodes need repair. ``"interrupts"``: a job fails and the node does
        not, as with software. ``"corrupts"``: a job goes on and computes wrongly until somebody
        notices; then it goes back to a checkpoint from before, and the node needs repair.
        ``"drains"``: planned work on nodes.
    broken : int, optional
        Accelerators of a node that break themselves; the others stand still with it. All, where
        not given.
    detect_s : float
        Time until a failure is noticed, the mean of an exponential one for ``"corrupts"`` [s].
    repair_s : float
        Mean time of a repair once a crew has begun [s].
    repair_cv : float
        Coefficient of variation of the repair time, which is log-normal; 0: always the mean.
    uses_part : bool
        Whether a repair takes a spare part from the stock.

    Raises
    ------
    InputError
        If a value makes no sense, or a repair is needed and no time is given.
    """

    name: str
    per_day: float
    level: Level = "node"
    effect: Effect = "takes-down"
    broken: int | None = None
    detect_s: float = 0.0
    repair_s: float = 0.0
    repair_cv: float = 0.0
    uses_part: bool = False

    def __post_init__(self) -> None:
        if self.level not in get_args(Level) or self.effect not in get_args(Effect):
            message = (
                f"{self.name}: level must be one of {', '.join(get_args(Level))} and effect one of "
                f"{', '.join(get_args(Effect))}. Got {self.level!r} and {self.effect!r} instead."
            )
            raise InputError(message)
        numbers = (self.per_day, self.detect_s, self.repair_s, self.repair_cv)
        if not all(0 <= n < np.inf for n in numbers):
            message = (
                f"{self.name}: rates and times must be finite and >= 0. Got {numbers} instead."
            )
            raise InputError(message)
        if self.effect != "interrupts" and not self.repair_s > 0:
            message = f"{self.name}: repair_s must be above 0, as nodes go down. Got 0 instead."
            raise InputError(message)
        if self.level != "node" and self.effect in ("interrupts", "corrupts"):
            message = f"{self.name}: what {self.effect} strikes one job, so its level is a node"
            raise NotModelledError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """All that fails in a cluster, and who repairs it.

    Parameters
    ----------
    components : tuple of Component
        What fails.
    crews : int, optional
        Repairs that can go on at once; the others wait in order. Any number, where not given.
    spare_parts : int, optional
        Parts in stock; a part that is used is there again after `part_lead_s`. Any number, where
        not given.
    part_lead_s : int
        Time to get a new part [s].
    lemon_share : float
        Part of the nodes that fail more often than others.
    lemon_factor : float
        How many times as often. The mean rate of all nodes stays as given.

    Raises
    ------
    InputError
        If a value makes no sense.
    """

    components: tuple[Component, ...]
    crews: int | None = None
    spare_parts: int | None = None
    part_lead_s: int = 0
    lemon_share: float = 0.0
    lemon_factor: float = 1.0

    def __post_init__(self) -> None:
        for name in ("crews", "spare_parts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                message = (
                    f"{name} must be at least 1, or None for any number. Got {value!r} instead."
                )
                raise InputError(message)
        if not (0 <= self.lemon_share < 1 and self.lemon_factor >= 1 and self.part_lead_s >= 0):
            message = (
                "lemon_share must lie in [0, 1), lemon_factor be >= 1 and part_lead_s >= 0. Got "
                f"{self.lemon_share!r}, {self.lemon_factor!r}, {self.part_lead_s!r} instead."
            )
            raise InputError(message)

    @classmethod
    def published(
        cls,
        preset: str,
        *,
        repair_s: float,
        detect_s: float = 0.0,
        accelerators_per_node: float | None = None,
    ) -> Failures:
        """Return the failures that were published for a cluster.

        Where its causes were published, each is a component; else there is one, ``"node"``. How
        long a repair takes is hardly published, so it has no default. The rate of a node is that of
        the published one: with other nodes, it is taken per accelerator.

        Parameters
        ----------
        preset : str
            Entry of the catalogue's kind ``reliability``.
        repair_s : float
            Time that a node is away for repair [s].
        detect_s : float
            Time until a failure is noticed [s].
        accelerators_per_node : float, optional
            Accelerators of a node in the cluster simulated; those of the preset where not given.

        Raises
        ------
        UnknownNameError
            If there is no such preset.
        NotModelledError
            If no rate was published.
        """
        cat = catalog.load()
        entry = cat.get("reliability", preset)
        if "failures_per_1000_node_days" not in entry:
            message = f"nobody published a failure rate of '{entry.id}'; choose another preset"
            raise NotModelledError(message)
        per_day = entry.number("failures_per_1000_node_days") / 1e3
        if accelerators_per_node is not None:
            per_day *= accelerators_per_node / entry.number("accelerators_per_node")
        causes = cat.where("failure_cause", preset=entry.id)
        if not causes:
            one = Component(name="node", per_day=per_day, detect_s=detect_s, repair_s=repair_s)
            return cls(components=(one,))
        counted = sum(cause.number("failures") for cause in causes)
        return cls(
            components=tuple(
                Component(
                    name=cause.text("name"),
                    per_day=per_day * cause.number("failures") / counted,
                    effect=_effect(cause.text("effect")),
                    broken=1 if cause.text("component") in ("gpu", "hbm") else None,
                    detect_s=detect_s,
                    repair_s=repair_s,
                )
                for cause in causes
            )
        )

    def per_node_day(self, cluster: Cluster) -> float:
        """Return the failures in a day of a node, those of its rack, pod and hall among them."""
        sizes = _sizes(cluster)
        counted = [c.per_day for c in self.components if c.effect != "drains" and sizes[c.level]]
        return float(sum(counted))


def _effect(name: str) -> Effect:
    """Return `name`, which the catalogue has checked."""
    return "interrupts" if name == "interrupts" else "takes-down"


def _sizes(cluster: Cluster) -> dict[Level, int]:
    return {
        "node": 1,
        "rack": cluster.rack_nodes,
        "pod": cluster.pod_nodes,
        "hall": cluster.hall_nodes,
    }


class Stream:
    """Failures of a cluster in order of time, drawn piece by piece.

    Parameters
    ----------
    failures : Failures
        What fails.
    cluster : Cluster
        What it fails in.
    seed : int
        The same seed gives the same failures, however they are drawn.
    """

    def __init__(self, failures: Failures, cluster: Cluster, seed: int) -> None:
        self._failures, self._cluster, self._seed = failures, cluster, seed
        self._piece, self._links = 0, 0
        self._later = np.zeros((0, k.FAULT_COLUMNS), dtype=np.int64)
        self.until_s = -1
        sizes = _sizes(cluster)
        a_day = sum(c.per_day * cluster.nodes / sizes[c.level] for c in failures.components)
        days = _CHUNK / a_day if a_day > 0 else np.inf
        self.step_s = int(min(max(days * _DAY_S, 3600.0), k.FOREVER / 2))
        self._weights = self._node_weights()

    def _node_weights(self) -> NDArray[np.float64] | None:
        """Return the cumulative chance of each node to be the one that fails; None if all equal."""
        failures, nodes = self._failures, self._cluster.nodes
        lemons = round(failures.lemon_share * nodes)
        if lemons == 0 or failures.lemon_factor == 1.0:
            return None
        rng = np.random.default_rng([self._seed, 0, 1])
        weights = np.ones(nodes)
        weights[rng.permutation(nodes)[:lemons]] = failures.lemon_factor
        cumulative = np.cumsum(weights)
        return np.asarray(cumulative / cumulative[-1])

    def draw(self) -> Longs:
        """Return the failures of the next `step_s` seconds."""
        begin, end = self.until_s + 1, self.until_s + 1 + self.step_s
        rows = [self._later]
        for number, component in enumerate(self._failures.components):
            rng = np.random.default_rng([self._seed, self._piece + 1, number])
            rows.append(self._of(component, number, rng, begin, end))
        found = np.concatenate(rows)
        found = found[np.argsort(found[:, k.FAULT_AT], kind="stable")]
        later = found[:, k.FAULT_AT] >= end
        self._later = found[later]
        self._piece += 1
        self.until_s = end - 1
        return np.ascontiguousarray(found[~later])

    def _of(
        self, component: Component, number: int, rng: np.random.Generator, begin: int, end: int
    ) -> Longs:
        cluster = self._cluster
        groups = cluster.nodes // _sizes(cluster)[component.level]
        mean = component.per_day / _DAY_S * groups * (end - begin)
        count = int(rng.poisson(mean))
        rows = np.zeros((count, k.FAULT_COLUMNS), dtype=np.int64)
        rows[:, k.FAULT_AT] = rng.integers(begin, end, count)
        rows[:, k.FAULT_LEVEL] = _LEVELS[component.level]
        rows[:, k.FAULT_GROUP] = self._groups(component, rng, groups, count)
        rows[:, k.FAULT_UNIT] = rng.integers(0, cluster.accelerators_per_node, count)
        rows[:, k.FAULT_KIND] = _KINDS[component.effect]
        size = cluster.accelerators_per_node
        broken = size if component.broken is None else min(component.broken, size)
        rows[:, k.FAULT_BROKEN] = 0 if component.effect == "drains" else broken
        rows[:, k.FAULT_DETECT_S] = round(component.detect_s)
        rows[:, k.FAULT_REPAIR_S] = _repairs(component, rng.standard_normal, count)
        rows[:, k.FAULT_PART] = component.uses_part
        rows[:, k.FAULT_CAUSE] = number
        if component.effect != "corrupts":
            return rows
        rows[:, k.FAULT_LINK] = self._links + np.arange(count)
        self._links += count
        exposed = rows.copy()
        delay = np.ceil(rng.exponential(component.detect_s, count)).astype(np.int64)
        exposed[:, k.FAULT_AT] += np.maximum(delay, 1)
        exposed[:, k.FAULT_KIND] = k.EXPOSES
        rows[:, k.FAULT_DETECT_S] = exposed[:, k.FAULT_DETECT_S] = 0
        return np.concatenate([rows, exposed])

    def _groups(
        self, component: Component, rng: np.random.Generator, groups: int, count: int
    ) -> Longs:
        if self._weights is None or component.level != "node":
            return rng.integers(0, groups, count)
        return np.searchsorted(self._weights, rng.random(count), side="right").astype(np.int64)

    def pieces(self) -> Iterator[Longs]:
        """Yield the failures of one step after another, without end."""
        while True:
            yield self.draw()


def _repairs(
    component: Component, normal: Callable[[int], NDArray[np.float64]], count: int
) -> Longs:
    """Return repair times: log-normal, with the mean and variation given."""
    variance = np.log1p(component.repair_cv**2)
    times = component.repair_s * np.exp(np.sqrt(variance) * normal(count) - variance / 2)
    return np.asarray(np.maximum(np.rint(times), 1), dtype=np.int64)
