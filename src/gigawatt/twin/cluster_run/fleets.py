"""Accelerators of a campus on a day, as clusters that jobs can be placed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.cluster.shape import Cluster
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry

__all__ = ["Fleet", "fleet_of", "usual_host"]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Accelerators of one type, as a cluster.

    Parameters
    ----------
    chip : str
        Chip of the catalogue.
    count : int
        How many stand on the campus.
    cluster : Cluster
        Those of them that fill scale-up domains.
    """

    chip: str
    count: int
    cluster: Cluster

    @property
    def left_out(self) -> int:
        """Accelerators that fill no scale-up domain, and are not simulated."""
        return self.count - self.cluster.accelerators


def usual_host(chip: Entry) -> tuple[int, int]:
    """Return the accelerators of a host and of a scale-up domain, in the chip's usual system.

    Raises
    ------
    NotModelledError
        If none is published.
    """
    book = catalog.load()
    if "system" in chip:
        system = book.get("system", chip.text("system"))
        if "chips_per_host" in system:
            host = int(system.number("chips_per_host"))
            stated = chip.number("scale_up_chips", host)
            return host, int(system.number("chips_per_scale_up_domain", stated))
    message = f"nobody published the accelerators of a host of {chip.id}"
    raise NotModelledError(message)


def fleet_of(chip: str, count: int, spares: int = 0) -> Fleet:
    """Return accelerators of one type as one hall of whole scale-up domains.

    Pods and halls bound nothing here: no published campus says how its network is cut.

    Parameters
    ----------
    chip : str
        Chip of the catalogue.
    count : int
        Accelerators.
    spares : int
        Hosts kept idle, to take the place of failed ones.

    Raises
    ------
    InputError
        If there are too few for one host, or no more hosts than spares.
    NotModelledError
        If nobody published what host the chip sits in.
    """
    host, domain = usual_host(catalog.load().get("chip", chip))
    if count < host:
        message = f"{count:,} x {chip} do not fill one host of {host}"
        raise InputError(message)
    if not 0 <= spares < count // host:
        message = (
            f"spares: expected fewer than the {count // host:,} hosts of {count:,} x {chip}; "
            f"found {spares:,}"
        )
        raise InputError(message)
    domain = min(domain, count // host * host)
    cluster = Cluster(
        accelerators_per_node=host,
        nodes_per_domain=max(domain // host, 1),
        domains_per_pod=count // max(domain, host),
        hot_spare_nodes=spares,
    )
    return Fleet(chip, count, cluster)
