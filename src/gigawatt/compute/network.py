"""The network that joins accelerators, as levels that each have a bandwidth and a latency.

Accelerators are numbered from 0. Those of one scale-up domain (NVLink, ICI) come first, then those
of one pod of the scale-out network, then those of one campus. A group of ranks is described by its
`size` and its `stride`, the distance of neighbours in that numbering: tensor-parallel groups have
stride 1, data-parallel groups the product of the degrees inside them. What an operation takes on
such a group is in `gigawatt.compute.collectives`.

All functions are pure and take scalars or arrays alike; arrays broadcast.

References
----------
.. [1] NVIDIA, NCCL, ``src/graph/tuning.cc`` (commit b6475625): base and step latencies.
.. [2] S. Jeaugey (NVIDIA), nccl-tests issue 212 (2024-05-06): of 450 GB/s of NVLink 4, 370 remain
   after protocol overhead, and an all-reduce in the switches shows 480 of bus bandwidth.
.. [3] NVIDIA, NCCL, ``src/graph/tuning.cc`` (commit 01afd20a): a ring over the 300 GB/s of NVLink 3
   reaches 235.
.. [4] NVIDIA (AddyLaddy), nccl-tests issue 267 (2025-01-23): 48 to 49 GB/s for a port of 400
   Gbit/s; NCCL issue 812 (2023): 192 GB/s over 8 ports of 200 Gbit/s.
.. [5] CoreWeave, nccl-tests README (commit 01209011, NCCL 2.26.2): 72 GB200, 847 GB/s.
.. [6] S. Bekman, ml-engineering, ``network/benchmarks`` (commit 0cc3de50): 8 B200, 839 GB/s.
.. [7] J. Austin et al., "How to Scale Your Model" (2025), chapter 3: 1 us a hop on ICI, 95 % of its
   peak in an all-gather; a hop count of half the sum of the sides.
.. [8] Intel, Gaudi documentation, "Collectives performance": 513 GB/s over links of 525.
.. [9] NVIDIA, NCCL, ``src/init.cc``: buffers of 4 MiB in 8 steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gigawatt import catalog
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.catalog import Entry

    Numbers = float | NDArray[Any]

__all__ = ["STEP_BYTES", "Fabric", "check", "fabric_of", "members_together"]

STEP_BYTES: Final = 4 * 1024**2 / 8
"""Bytes that NCCL sends in one step of its buffer, where small messages become large ones [9]_."""

_BITS_PER_BYTE: Final = 8
_GIGA: Final = 1e9
_RACK: Final = 9
"""A scale-up domain of at least so many chips is wider than one host."""

_RING_SHARE: Final = 370 / 450
"""Share of the peak that a ring of large messages reaches on NVLink 4 [2]_. It holds for every
fabric without a figure of its own below."""
_RING_SHARES: Final = {"NVLink 3": 235 / 300, "ICI": 0.95, "Gbit/s Ethernet": 513 / 525}
"""Shares of fabrics with a figure of their own [3]_ [7]_ [8]_, by a part of their name."""
_SCALE_OUT_SHARE: Final = 48 / 50
"""Share of a port's peak that large messages reach [4]_."""

_HOP_S: Final = 1e-6
"""Time of one hop on ICI [7]_."""


def _reduction(bus_gb_per_s: float, ring_gb_per_s: float, chips: float) -> float:
    # nccl-tests count 2 (n - 1) / n bytes sent for each byte of the buffer. Where the switches
    # reduce, each chip sends fewer; 2 / (1 + r) of them explain the bus bandwidth measured.
    return bus_gb_per_s / ring_gb_per_s * chips / (chips - 1) - 1.0


_SWITCHES: Final = {
    # What the switches of a host and those of a rack were measured to gain: [2]_, [6]_ and [5]_.
    "NVLink 4": (_reduction(480, 370, 8), 0.0),
    "NVLink 5": (
        _reduction(839, 900 * _RING_SHARE, 8),
        _reduction(847, 900 * _RING_SHARE, 72),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """Bandwidth and latency of each level of a network. Each field is a float or an array of cases.

    The latencies of NVLink and of the network, and those that stand as defaults, are those of
    NCCL's own model of itself [1]_ (see the module).

    Parameters
    ----------
    scale_up_chips : float or ndarray
        Accelerators of one scale-up domain.
    scale_up_bytes_per_s : float or ndarray
        Bandwidth of one accelerator inside its domain, over all its links, in one direction;
        NaN where nothing is published.
    scale_up_latency_s : float or ndarray
        Time of one step between neighbours with a small message (NCCL's LL protocol).
    scale_up_efficiency : float or ndarray
        Share of the peak that large messages reach.
    torus_dims : float or ndarray
        Dimensions of the torus (2 or 3), or 0 where every accelerator reaches every other through
        switches.
    in_network_reduction : float or ndarray
        What an all-reduce gains where the switches of the domain reduce (NVLink SHARP): each
        accelerator sends at most ``2 / (1 + r)`` bytes for each byte of the buffer. 0: they don't;
        1: ideal, each byte is sent once.
    scale_out_bytes_per_s, scale_out_latency_s, scale_out_efficiency : float or ndarray
        The same of the network between domains, for the port that one accelerator has to itself.
    pod_chips, oversubscription : float or ndarray
        Accelerators under switches that carry all of their traffic at once, and by how much the
        links that leave such a pod are fewer (at least 1).
    campus_chips, campus_bytes_per_s, campus_latency_s : float or ndarray
        Accelerators of one campus, the bandwidth that leaves it for each of them in one direction,
        and the time of one way to the next.
    latency_growth : float or ndarray
        How much a step's latency grows from small to large messages: NCCL's Simple protocol takes
        3.4 us on NVLink and 14 us on the network where its LL takes 0.6 us and 2.7 us.
    call_latency_s : float or ndarray
        Time of a call apart from its steps.
    message_s : float or ndarray
        Time to post one message to the network.
    """

    scale_up_chips: Numbers
    scale_up_bytes_per_s: Numbers
    scale_out_bytes_per_s: Numbers
    scale_up_latency_s: Numbers = 0.6e-6
    scale_up_efficiency: Numbers = _RING_SHARE
    torus_dims: Numbers = 0.0
    in_network_reduction: Numbers = 0.0
    scale_out_latency_s: Numbers = 2.7e-6
    scale_out_efficiency: Numbers = _SCALE_OUT_SHARE
    pod_chips: Numbers = np.inf
    oversubscription: Numbers = 1.0
    campus_chips: Numbers = np.inf
    campus_bytes_per_s: Numbers = np.inf
    campus_latency_s: Numbers = 0.0
    latency_growth: Numbers = 4.4
    call_latency_s: Numbers = 6.6e-6
    message_s: Numbers = 1e-6

    scale_up_s_per_byte: Numbers = field(init=False, repr=False, compare=False)
    """Seconds that an accelerator takes for a byte of a large message inside its domain."""
    scale_out_s_per_byte: Numbers = field(init=False, repr=False, compare=False)
    """The same out of its domain."""
    has_torus: bool = field(init=False, repr=False, compare=False)
    """Whether any domain is a torus."""
    has_pods: bool = field(init=False, repr=False, compare=False)
    """Whether any pod has fewer links out than in."""
    has_campuses: bool = field(init=False, repr=False, compare=False)
    """Whether any campus has an end."""

    def __post_init__(self) -> None:
        """Work out once what every collective asks for."""
        up, out = self.scale_up_bytes_per_s, self.scale_out_bytes_per_s
        derived: dict[str, Numbers | bool] = {
            "scale_up_s_per_byte": 1.0 / (up * self.scale_up_efficiency),
            "scale_out_s_per_byte": 1.0 / (out * self.scale_out_efficiency),
            "has_torus": bool(np.any(np.greater(self.torus_dims, 0.0))),
            "has_pods": bool(np.any(np.greater(self.oversubscription, 1.0))),
            "has_campuses": bool(np.any(np.isfinite(self.campus_chips))),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)


def fabric_of(chip: Entry, **overrides: Numbers) -> Fabric:
    """Return the network that a chip of the catalogue is sold with.

    Parameters
    ----------
    chip : Entry
        A chip of the catalogue.
    **overrides : float or ndarray
        Fields of `Fabric` that the cluster at hand has otherwise: pods, oversubscription, campuses,
        ports.

    Returns
    -------
    Fabric
        With NaN for a bandwidth that nobody publishes; `check` refuses groups that need it. A chip
        without a published scale-up domain is one of its own.

    Notes
    -----
    Pods are as large as the cluster and not oversubscribed unless `overrides` say so: the catalogue
    describes chips, not clusters.

    Examples
    --------
    >>> from gigawatt import catalog
    >>> fabric = fabric_of(catalog.load().get("chip", "h100-sxm"))
    >>> fabric.scale_up_chips, fabric.scale_up_bytes_per_s, fabric.scale_out_bytes_per_s
    (8.0, 450000000000.0, 50000000000.0)
    """
    chips = chip.number("scale_up_chips", 1.0)
    links, shape = _scale_up(chip)
    host, rack = next((gain for name, gain in _SWITCHES.items() if name in links), (0.0, 0.0))
    share = next((s for name, s in _RING_SHARES.items() if name in links), _RING_SHARE)
    torus = next((dims for dims in (2.0, 3.0) if f"{dims:.0f}D" in shape and "torus" in shape), 0.0)
    stated: dict[str, Any] = {
        "scale_up_chips": chips,
        # The catalogue counts both directions of scale-up links, and one of scale-out ports.
        "scale_up_bytes_per_s": chip.number("scale_up_gb_per_s", np.nan) * _GIGA / 2,
        "scale_up_efficiency": share,
        "torus_dims": torus,
        "in_network_reduction": rack if chips >= _RACK else host,
        "scale_out_bytes_per_s": (
            chip.number("scale_out_gbit_per_s", np.nan) * _GIGA / _BITS_PER_BYTE
        ),
    }
    if links == "ICI":
        stated |= {"scale_up_latency_s": _HOP_S, "latency_growth": 0.0}
    return Fabric(**stated | overrides)


def members_together(size: Numbers, stride: Numbers, domain: Numbers) -> Numbers:
    r"""Return how many ranks of a group lie in one domain.

    .. math:: \min\!\bigl(n, \max(1, \lfloor d / s \rfloor)\bigr)

    Parameters
    ----------
    size, stride : float or ndarray
        Ranks of the group and the distance of neighbours.
    domain : float or ndarray
        Accelerators of one domain; may be infinite.

    Notes
    -----
    Groups start at the edge of a domain, as schedulers place them. Where `stride` divides no
    domain, a domain holds the ranks that fit whole, and a group's last domain may hold fewer.

    Examples
    --------
    >>> float(members_together(64, 2, 8))
    4.0
    """
    together: Numbers = np.minimum(size, np.maximum(1.0, np.floor(domain / stride)))
    return together


def check(fabric: Fabric, size: Numbers, stride: Numbers) -> None:
    """Raise an error if a group needs a bandwidth that nobody publishes.

    Parameters
    ----------
    fabric : Fabric
        The network.
    size, stride : float or ndarray
        Ranks of each group and the distance of neighbours.

    Raises
    ------
    NotModelledError
        If a group leaves its scale-up domain and the scale-out bandwidth is NaN, or uses the domain
        and the scale-up bandwidth is NaN. Without this call such groups take NaN seconds.
    """
    local = members_together(size, stride, fabric.scale_up_chips)
    for level, needed, bandwidth in (
        ("scale-out", size > local, fabric.scale_out_bytes_per_s),
        ("scale-up", local > 1, fabric.scale_up_bytes_per_s),
    ):
        missing = np.logical_and(needed, np.isnan(bandwidth))
        if np.any(missing):
            ranks = float(np.max(np.where(missing, size, 0)))
            domain = float(np.max(fabric.scale_up_chips))
            name = f"{level.replace('-', '_')}_bytes_per_s"
            message = (
                f"no {level} bandwidth is published for this chip, but a group of {ranks:.0f} "
                f"ranks needs it (scale-up domain: {domain:.0f}); set {name} of the fabric"
            )
            raise NotModelledError(message)


def _scale_up(chip: Entry) -> tuple[str, str]:
    """Return what the system that `chip` is sold in has for scale-up links, and their shape."""
    if "system" not in chip:
        return "", ""
    system = catalog.load().get("system", chip.text("system"))
    return system.text("scale_up", ""), system.text("topology", "")
