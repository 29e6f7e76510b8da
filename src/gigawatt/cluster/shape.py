"""What stands there: nodes in scale-up domains, racks, pods and halls."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, get_args

from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cluster", "Mode", "PowerCap"]

Mode = Literal["off", "slow"]
_SLOWEST: Final = 0.001  # a speed counts in thousandths


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster of equal halls, of equal pods, of equal scale-up domains, of equal nodes.

    Parameters
    ----------
    accelerators_per_node : int
        Accelerators of a node, that is of what fails and is repaired as one.
    nodes_per_domain : int
        Nodes of a scale-up domain: 1 for a server of eight, 18 for an NVL72.
    domains_per_pod : int
        Scale-up domains of a pod.
    pods_per_hall, halls : int
        Pods of a hall, and halls.
    nodes_per_rack : int, optional
        Nodes that a failure of a rack takes; it must divide a pod. A domain, where not given.
    hot_spare_nodes : int
        Nodes kept idle, to take the place of failed ones.
    pool : bool
        Whether the accelerators are one pool, where any will do for any job and none fails. Use
        `Cluster.of_pool`.

    Raises
    ------
    InputError
        If a count is not a whole number above 0, or racks do not divide a pod.

    Examples
    --------
    >>> Cluster(domains_per_pod=256, pods_per_hall=2).accelerators
    4096
    """

    accelerators_per_node: int = 8
    nodes_per_domain: int = 1
    domains_per_pod: int = 1
    pods_per_hall: int = 1
    halls: int = 1
    nodes_per_rack: int | None = None
    hot_spare_nodes: int = 0
    pool: bool = False

    def __post_init__(self) -> None:
        for field in fields(self)[:5]:
            value = getattr(self, field.name)
            if not (isinstance(value, int) and value >= 1):
                message = (
                    f"{field.name} must be a whole number of at least 1. Got {value!r} instead."
                )
                raise InputError(message)
        if self.pod_nodes % self.rack_nodes:
            message = (
                f"nodes_per_rack must divide the {self.pod_nodes} nodes of a pod. "
                f"Got {self.nodes_per_rack} instead."
            )
            raise InputError(message)
        if not 0 <= self.hot_spare_nodes <= self.nodes:
            message = (
                f"hot_spare_nodes must lie between 0 and the {self.nodes} nodes there are. "
                f"Got {self.hot_spare_nodes} instead."
            )
            raise InputError(message)
        if self.nodes >= 1 << 24:
            message = (
                f"at most {(1 << 24) - 1:,} nodes can be simulated. Got {self.nodes:,} instead."
            )
            raise InputError(message)

    @classmethod
    def of_pool(cls, accelerators: int) -> Cluster:
        """Return one pool of accelerators: no nodes, no placement, no failures."""
        return cls(accelerators_per_node=accelerators, pool=True)

    @property
    def pod_nodes(self) -> int:
        """Nodes of a pod."""
        return self.nodes_per_domain * self.domains_per_pod

    @property
    def rack_nodes(self) -> int:
        """Nodes of a rack."""
        return self.nodes_per_domain if self.nodes_per_rack is None else self.nodes_per_rack

    @property
    def hall_nodes(self) -> int:
        """Nodes of a hall."""
        return self.pod_nodes * self.pods_per_hall

    @property
    def nodes(self) -> int:
        """All nodes."""
        return self.hall_nodes * self.halls

    @property
    def accelerators(self) -> int:
        """All accelerators, those of hot spares among them."""
        return self.nodes * self.accelerators_per_node


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCap:
    """From `at_s` on, a hall may have so many accelerators in service, or runs at a lower speed.

    Nodes that must not be in service are switched off: free ones at once, others when their jobs
    end. A node that is down does not count as switched off. Jobs in a slower hall work at its
    speed; one in several halls works at that of the slowest. Writing and restarting are as fast as
    before. A cap of one mode does not change what one of the other mode has set.

    Parameters
    ----------
    hall : int
        Number of the hall, from 0.
    at_s : int
        When the cap begins to hold [s].
    accelerators : int
        Most accelerators in service, with the mode ``"off"``.
    mode : str
        ``"off"`` switches nodes off, ``"slow"`` slows jobs down.
    speed : float
        Speed of jobs in the hall, over that at full power, with the mode ``"slow"``. It counts in
        thousandths.

    Raises
    ------
    InputError
        If the mode is unknown or the speed out of its range.
    """

    hall: int
    at_s: int
    accelerators: int = 0
    mode: Mode = "off"
    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            options = ", ".join(get_args(Mode))
            message = f"mode must be one of {options}. Got {self.mode!r} instead."
            raise InputError(message)
        if not _SLOWEST <= self.speed <= 1.0:
            message = f"speed must lie between 0.001 and 1. Got {self.speed!r} instead."
            raise InputError(message)

    @classmethod
    def of_power(
        cls,
        hall: int,
        power_mw: Sequence[float],
        accelerator_kw: float,
        step_s: int = 3600,
        *,
        accelerators: int | None = None,
        idle_kw: float = 0.0,
    ) -> list[PowerCap]:
        """Return the caps that keep a hall within a series of IT power, one value a step.

        Parameters
        ----------
        hall : int
            Number of the hall.
        power_mw : sequence of float
            IT power that the hall may draw in each step [MW].
        accelerator_kw : float
            IT power of one accelerator with its part of host and network [kW].
        step_s : int
            Length of a step [s].
        accelerators : int, optional
            Accelerators of the hall. Where given, they all stay on and slow down together: power
            above `idle_kw` is taken to be in proportion to speed. That is on the safe side, as
            chips at lower clocks also need less voltage.
        idle_kw : float
            IT power of one accelerator that does nothing, with the same part [kW].

        Raises
        ------
        NotModelledError
            If even idle accelerators would draw more than there is: some must be switched off.
        """
        if accelerators is not None:
            each = [mw * 1e3 / accelerators for mw in power_mw]
            speeds = [min((kw - idle_kw) / (accelerator_kw - idle_kw), 1.0) for kw in each]
            if min(speeds, default=1.0) < _SLOWEST:
                message = (
                    f"{min(each):.3f} kW an accelerator leave no power to work beside the "
                    f"{idle_kw:.3f} kW of an idle one; switch some off"
                )
                raise NotModelledError(message)
            return [
                cls(hall=hall, at_s=i * step_s, mode="slow", speed=speed)
                for i, speed in enumerate(speeds)
            ]
        return [
            cls(hall=hall, at_s=i * step_s, accelerators=math.floor(mw * 1e3 / accelerator_kw))
            for i, mw in enumerate(power_mw)
        ]
