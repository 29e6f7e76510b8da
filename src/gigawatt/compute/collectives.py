r"""How long ranks take to exchange data over a `Fabric`.

A collective of :math:`n` ranks, of which :math:`l` lie in one scale-up domain, touches
:math:`N = \lceil n / l \rceil` domains. Data flow through both levels at once, so that the slower
one sets the pace, and the latencies of all steps add up:

.. math:: t = t_{call} + t_{steps} + \max(t_{up}, t_{out})

Inside a domain each rank has the bandwidth of all its links. Between domains each rank carries its
:math:`1/l` of the data over a port of its own (rails). This is how NCCL's rings and trees run, and
it agrees with what nccl-tests measure (``tests/compute/test_network.py``).

A step between neighbours takes :math:`\alpha\,(1 + g\,m / (m + m_0))` for a message of :math:`m`
bytes: libraries send small messages by a protocol that spares latency and large ones by one that
spares bandwidth. :math:`m_0` is `network.STEP_BYTES`, :math:`g` is `Fabric.latency_growth`.

All functions return seconds for one call, take scalars or arrays alike, and broadcast. One rank
takes no time. A level that a group does not touch costs nothing, even where its bandwidth is NaN.

What is left out: contention with other groups beyond what `Fabric.oversubscription` says, slow
links, a torus group that spans fewer dimensions than the pod has (it has fewer links), and pairs of
chips whose own links are slower than the sum of all (Infinity Fabric, Gaudi).

References
----------
.. [1] NVIDIA, NCCL, ``src/graph/tuning.cc`` (commit b6475625; PAT since v2.23).
.. [2] P. Sanders, J. Speck, J. L. Träff, "Two-tree algorithms for full bandwidth broadcast,
   reduction and scan", Parallel Computing 35 (2009).
.. [3] S. Jeaugey (NVIDIA), nccl-tests issue 130 (2023-02-03): bus bandwidth of all-to-all.
.. [4] W. J. Dally, B. Towles, "Principles and practices of interconnection networks" (2004),
   chapter 5: a torus of side k has 2 n / k channels across its middle in each direction.
.. [5] J. Austin et al., "How to Scale Your Model" (2025), chapter 3: collectives on a torus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gigawatt.compute.network import STEP_BYTES, members_together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.network import Fabric

    Numbers = float | NDArray[Any]

__all__ = ["all_gather_s", "all_reduce_s", "all_to_all_s", "reduce_scatter_s", "send_s"]

_TREE_SHARE: Final = 0.92
"""Bandwidth of NCCL's trees over that of its rings [1]_."""
_TREE_STEP: Final = 2.0
"""A network step of a tree over that of a ring: 28 us and 5.0 us beside 14 us and 2.7 us [1]_."""
_PAT_RANK_S: Final = 2.8e-6
"""Time that each rank adds to NCCL's parallel aggregated trees (PAT) [1]_."""
_PAT_STEP: Final = 1 / 3.5
"""A network step of PAT over that of a ring of large messages [1]_."""
_ARITY_S: Final = 0.4e-6
"""Time that each peer beside the first adds when one rank serves several [1]_."""


class _Group(NamedTuple):
    """Where the ranks of a group lie: how many in one domain, and in how many domains."""

    size: Numbers
    stride: Numbers
    local: Numbers
    domains: Numbers


def all_gather_s(fabric: Fabric, message_bytes: Numbers, size: Numbers, stride: Numbers) -> Numbers:
    r"""Return the time of an all-gather.

    .. math::
        t_{up} = \frac{n-1}{n} \frac{B}{w_{up}}, \qquad
        t_{out} = \frac{n-1}{n\,l} \frac{B}{w_{out}}, \qquad
        t_{steps} = (n - N)\,\alpha_{up} + (N - 1)\,\alpha_{out}

    Parameters
    ----------
    fabric : Fabric
        The network.
    message_bytes : float or ndarray
        Bytes that each rank holds in the end.
    size, stride : float or ndarray
        Ranks of the group and the distance of neighbours.

    Returns
    -------
    float or ndarray
        Time in s.

    Notes
    -----
    One ring through all ranks, or, where faster, NCCL's PAT, whose steps grow with
    :math:`\log_2 N` and whose ranks cost 2.8 us each [1]_. Inside a torus the ring of each
    dimension runs both ways, so that it takes half a side of steps [5]_.

    Examples
    --------
    >>> from gigawatt import catalog
    >>> from gigawatt.compute.network import fabric_of
    >>> fabric = fabric_of(catalog.load().get("chip", "h100-sxm"))
    >>> round(float(all_gather_s(fabric, 1e9, 8, 1)) * 1e3, 2)
    2.39
    """
    group = _place(fabric, size, stride)
    moved = message_bytes * (size - 1.0) / size
    data_s = np.maximum(
        _used(group.local > 1, moved * fabric.scale_up_s_per_byte),
        _used(group.domains > 1, moved / group.local * _out_s_per_byte(fabric, group)),
    )
    return _call_s(fabric, size) + data_s + _gather_steps_s(fabric, message_bytes, group)


def reduce_scatter_s(
    fabric: Fabric, message_bytes: Numbers, size: Numbers, stride: Numbers
) -> Numbers:
    """Return the time of a reduce-scatter: that of the all-gather which undoes it.

    Parameters
    ----------
    fabric : Fabric
        The network.
    message_bytes : float or ndarray
        Bytes that each rank holds at first.
    size, stride : float or ndarray
        Ranks of the group and the distance of neighbours.

    Returns
    -------
    float or ndarray
        Time in s.
    """
    return all_gather_s(fabric, message_bytes, size, stride)


def all_reduce_s(fabric: Fabric, message_bytes: Numbers, size: Numbers, stride: Numbers) -> Numbers:
    r"""Return the time of an all-reduce: a ring or a double binary tree, whichever is faster.

    .. math::
        t_{up} &= \min\Bigl(2\,\frac{n-1}{n}, \frac{2}{1+r}\Bigr) \frac{B}{w_{up}}
        \quad (r = 0 \text{ for a ring through several domains}) \\
        \text{ring:}\quad t_{out} &= 2\,\frac{n-1}{n\,l} \frac{B}{w_{out}}, \quad
        t_{steps} = 2\,(n-N)\,\alpha_{up} + 2\,(N-1)\,\alpha_{out} \\
        \text{tree:}\quad t_{out} &= \frac{\min(N-1, 2)}{0.92\,l} \frac{B}{w_{out}}, \quad
        t_{steps} = 2\,(l-1)\,\alpha_{up} + 4\,\log_2 N\,\alpha_{out}

    Parameters
    ----------
    fabric : Fabric
        The network; :math:`r` is its `in_network_reduction`.
    message_bytes : float or ndarray
        Bytes of the buffer of each rank.
    size, stride : float or ndarray
        Ranks of the group and the distance of neighbours.

    Returns
    -------
    float or ndarray
        Time in s.

    Notes
    -----
    In a double binary tree each domain is a leaf of one tree and an inner node of the other, so
    that each of its ports sends the data twice whatever the number of domains [2]_; with two
    domains it sends them once. The latter is why two hosts can look faster than their ports.

    Examples
    --------
    >>> from gigawatt import catalog
    >>> from gigawatt.compute.network import fabric_of
    >>> fabric = fabric_of(catalog.load().get("chip", "h100-sxm"))
    >>> time_s = all_reduce_s(fabric, 8e9, 8, 1)  # nccl-tests measure 480 GB/s of bus bandwidth
    >>> round(2 * 7 / 8 * 8 / float(time_s))
    479
    """
    group = _place(fabric, size, stride)
    leaves = group.domains > 1
    ring_share = 2.0 * (size - 1.0) / size
    tree_share = np.minimum(group.domains - 1.0, 2.0) / _TREE_SHARE
    within_s = _used(group.local > 1, message_bytes * fabric.scale_up_s_per_byte)
    port_s = message_bytes / group.local * _out_s_per_byte(fabric, group)
    up_s = np.minimum(ring_share, 2.0 / (1.0 + fabric.in_network_reduction)) * within_s
    # A ring through several domains passes through all of their ranks: no switch reduces for it.
    ring_s = np.where(leaves, ring_share * np.maximum(within_s, port_s), up_s)
    tree_s = np.where(leaves, np.maximum(up_s, tree_share * port_s), up_s)
    # A tree cuts its data into pieces whose size does not depend on the number of domains.
    ring_growth = _growth(fabric, message_bytes, size)
    tree_growth = _growth(fabric, message_bytes, group.local)
    ring_s = ring_s + 2.0 * _ring_steps_s(fabric, ring_growth, group)
    tree_s = tree_s + 2.0 * _tree_steps_s(fabric, tree_growth, group)
    return _call_s(fabric, size) + np.minimum(ring_s, tree_s)


def all_to_all_s(fabric: Fabric, message_bytes: Numbers, size: Numbers, stride: Numbers) -> Numbers:
    r"""Return the time of an all-to-all with as much data for each rank.

    .. math::
        t_{up} &= \max\Bigl(\frac{l-1}{n}, \frac{l}{n} \frac{d\,l^{1/d}}{4}\Bigr)
        \frac{B}{w_{up}}, \quad t_{out} = \frac{n-l}{n} \frac{B}{w_{out}} \\
        t_{steps} &= \alpha_{up} + \alpha_{out} + (l-1)\,t_{peer} + (n-l)\,t_{message}

    Parameters
    ----------
    fabric : Fabric
        The network.
    message_bytes : float or ndarray
        Bytes that each rank sends in all, those to itself included.
    size, stride : float or ndarray
        Ranks of the group and the distance of neighbours.

    Returns
    -------
    float or ndarray
        Time in s.

    Notes
    -----
    The share of the data that leaves a domain, a pod or a campus is that of the ranks outside [3]_.
    In a torus of :math:`d` dimensions half of the data cross its middle, over
    :math:`2\,l / l^{1/d}` channels of :math:`w_{up} / 2d` each [4]_. Each peer outside costs one
    message to post.
    """
    group = _place(fabric, size, stride)
    local, leaves = group.local, group.domains > 1
    share_up = (local - 1.0) / size
    hops = np.minimum(local - 1.0, 1.0)
    if fabric.has_torus:
        share_up = np.maximum(share_up, _across_torus(fabric, local) * local / size)
        hops = np.where(np.greater(fabric.torus_dims, 0), _hops(fabric, local), hops)
    data_s = np.maximum(
        _used(local > 1, message_bytes * share_up * fabric.scale_up_s_per_byte),
        _used(leaves, message_bytes / size * _out_ranks_s(fabric, group)),
    )
    steps_s = hops * fabric.scale_up_latency_s + leaves * fabric.scale_out_latency_s
    steps_s = steps_s * _growth(fabric, message_bytes, size)
    peers_s = (local - 1.0) * _ARITY_S + (size - local) * fabric.message_s
    return _call_s(fabric, size) + data_s + steps_s + peers_s + _campus_steps_s(fabric, group)


def send_s(fabric: Fabric, message_bytes: Numbers, distance: Numbers) -> Numbers:
    r"""Return the mean time of a message between two ranks.

    Parameters
    ----------
    fabric : Fabric
        The network.
    message_bytes : float or ndarray
        Bytes of the message.
    distance : float or ndarray
        Distance of the two in the numbering of accelerators; 0 takes no time.

    Returns
    -------
    float or ndarray
        Time in s, the mean over all pairs so far apart: a share of :math:`\min(1, d / D)` of them
        lies in two domains of :math:`D` chips.

    Notes
    -----
    All accelerators send at once, as stages of a pipeline do, so that those whose peer lies outside
    the pod share its links.
    """
    outside = np.minimum(distance / fabric.scale_up_chips, 1.0)
    growth = _growth(fabric, message_bytes, 1.0)
    up_s = fabric.scale_up_latency_s * growth + message_bytes * fabric.scale_up_s_per_byte
    crowd = np.maximum(1.0, fabric.oversubscription * np.minimum(distance / fabric.pod_chips, 1.0))
    abroad = np.minimum(distance / fabric.campus_chips, 1.0)
    out_s_per_byte = np.maximum(
        fabric.scale_out_s_per_byte * crowd, abroad / fabric.campus_bytes_per_s
    )
    out_s = (
        fabric.scale_out_latency_s * growth
        + message_bytes * out_s_per_byte
        + abroad * fabric.campus_latency_s
    )
    return (
        _used(distance > 0, fabric.call_latency_s)
        + _used(np.logical_and(distance > 0, outside < 1), (1.0 - outside) * up_s)
        + _used(outside > 0, outside * out_s)
    )


def _used(condition: NDArray[np.bool_] | bool, time_s: Numbers) -> Numbers:
    # NumPy's where keeps the NaN of an unknown bandwidth away from groups that do not need it.
    chosen: Numbers = np.where(condition, time_s, 0.0)
    return chosen


def _place(fabric: Fabric, size: Numbers, stride: Numbers) -> _Group:
    local = members_together(size, stride, fabric.scale_up_chips)
    domains: Numbers = np.ceil(size / local)
    return _Group(size, stride, local, domains)


def _call_s(fabric: Fabric, size: Numbers) -> Numbers:
    return _used(size > 1, fabric.call_latency_s)


def _growth(fabric: Fabric, message_bytes: Numbers, parts: Numbers) -> Numbers:
    """Return how much longer a step takes than with a small message, for `parts` of a message."""
    large: Numbers = message_bytes / (message_bytes + STEP_BYTES * parts)
    return 1.0 + fabric.latency_growth * large


def _hops(fabric: Fabric, local: Numbers) -> Numbers:
    """Return the steps round a domain; the rings of a torus run both ways in each dimension."""
    if not fabric.has_torus:
        return local - 1.0
    dims = np.maximum(fabric.torus_dims, 1.0)
    ways = np.where(np.greater(fabric.torus_dims, 0), 2.0, 1.0)
    hops: Numbers = dims * (local ** (1.0 / dims) - 1.0) / ways
    return hops


def _across_torus(fabric: Fabric, local: Numbers) -> Numbers:
    """Return the time of a torus's middle for a byte of each chip, over that of the chip's links.

    Half of n chips send half of their B bytes across: n B / 4 over 2 n / side channels of
    w / (2 dims) each take B dims side / (4 w). Zero where there is no torus.
    """
    dims = np.maximum(fabric.torus_dims, 1.0)
    across: Numbers = fabric.torus_dims * local ** (1.0 / dims) / 4.0
    return across


def _ring_steps_s(fabric: Fabric, growth: Numbers, group: _Group) -> Numbers:
    """Return the latency of one way round a ring through all ranks."""
    # The mean of a domain, as the last may hold fewer: n - N steps in all where there is no torus.
    hops = group.domains * _hops(fabric, group.size / group.domains)
    inside = hops * fabric.scale_up_latency_s
    between = (group.domains - 1.0) * fabric.scale_out_latency_s
    return growth * (inside + between) + _campus_steps_s(fabric, group)


def _tree_steps_s(fabric: Fabric, growth: Numbers, group: _Group) -> Numbers:
    """Return the latency from the leaves of a tree to its root."""
    inside = _hops(fabric, group.local) * fabric.scale_up_latency_s
    between = np.log2(group.domains) * _TREE_STEP * fabric.scale_out_latency_s
    return growth * (inside + between) + _campus_steps_s(fabric, group)


def _gather_steps_s(fabric: Fabric, message_bytes: Numbers, group: _Group) -> Numbers:
    """Return the latency of an all-gather: a ring, or PAT where it is faster."""
    growth = _growth(fabric, message_bytes, group.size)
    ring_s = _ring_steps_s(fabric, growth, group)
    inside = _hops(fabric, group.local) * fabric.scale_up_latency_s * growth
    step_s = _PAT_STEP * fabric.scale_out_latency_s * (1.0 + fabric.latency_growth)
    between = np.log2(group.domains) * step_s + group.size * _PAT_RANK_S
    return np.minimum(ring_s, inside + between + _campus_steps_s(fabric, group))


def _on_campus(fabric: Fabric, group: _Group) -> Numbers:
    return members_together(group.size, group.stride, fabric.campus_chips)


def _campus_steps_s(fabric: Fabric, group: _Group) -> Numbers:
    """Return the latency of passing through all campuses of a group once."""
    if not fabric.has_campuses:
        return 0.0
    campuses = np.ceil(group.size / _on_campus(fabric, group))
    return (campuses - 1.0) * fabric.campus_latency_s


def _out_s_per_byte(fabric: Fabric, group: _Group) -> Numbers:
    """Return the seconds for each byte that a rank sends out of its domain along a ring or tree.

    Only one domain in each pod has its neighbour outside. Its data share the links of the whole
    pod, which are slower by `oversubscription`. Where a pod holds one domain of the group, all of
    its data leave the pod.
    """
    size, stride, local, _ = group
    s_per_byte = fabric.scale_out_s_per_byte
    if fabric.has_pods:
        in_pod = members_together(size, stride, fabric.pod_chips)
        leaving = (size > in_pod) * (local / in_pod)
        s_per_byte = s_per_byte * np.maximum(1.0, fabric.oversubscription * leaving)
    if fabric.has_campuses:
        on_campus = _on_campus(fabric, group)
        leaving = (size > on_campus) * (local / on_campus)
        s_per_byte = np.maximum(s_per_byte, leaving / fabric.campus_bytes_per_s)
    return s_per_byte


def _out_ranks_s(fabric: Fabric, group: _Group) -> Numbers:
    """Return the seconds of sending one byte to each rank outside the domain, pod and campus."""
    size, stride, local, _ = group
    s_per_byte = fabric.scale_out_s_per_byte
    time_s = (size - local) * s_per_byte
    if fabric.has_pods:
        outside = size - members_together(size, stride, fabric.pod_chips)
        time_s = np.maximum(time_s, outside * s_per_byte * fabric.oversubscription)
    if fabric.has_campuses:
        outside = size - _on_campus(fabric, group)
        time_s = np.maximum(time_s, outside / fabric.campus_bytes_per_s)
    return time_s
