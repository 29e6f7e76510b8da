"""Published results of schedulers held against the kernel of `gigawatt.cluster`.

What is played: tasks of a published trace arrive on a cluster one by one and stay, those that find
no room are passed over, and the accelerators given out are counted once so many have been asked
for. A task asks for a part of one accelerator or for several whole ones of one server. An
accelerator is a node of a hundred parts and a server of eight a scale-up domain, so that the
kernel's best-fit placement shares accelerators too. Processors, memory and servers of other sizes
are not played; the others' residuals say what they take.

Everything else is skipped: results on traces that cannot be had, and what describes a trace.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.cluster.jobs import Jobs
from gigawatt.cluster.policy import Policy
from gigawatt.cluster.shape import Cluster
from gigawatt.cluster.simulate import simulate_cluster
from gigawatt.compute.bands import Estimate, from_points
from gigawatt.validation.score import Prediction
from gigawatt.validation.training import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["allocated", "scheduling_table"]

_COLUMNS: Final = ("trace", "policy", "kind", "metric", "value", "unit")
_PARTS: Final = 100  # of an accelerator
_SERVER: Final = 8
_SEEDS: Final = 3
_WHOLE: Final = 100.0  # per cent
_STAYS_S: Final = 10_000_000  # longer than all arrivals, one a second
_MORE: Final = re.compile(r"^(gpushare|multigpu|cpu)(\d+)$")
_DEMAND: Final = re.compile(r"allocation ratio.*?=\s*(\d+(?:\.\d+)?)\s*%")
_LIST: Final = re.compile(r"openb.*?(?:pod_list_)(\w+)$")


def scheduling_table(path: Path | None) -> list[Prediction]:
    """Return the predictions of published results of schedulers.

    Parameters
    ----------
    path : Path, optional
        A CSV file with the columns ``trace``, ``policy``, ``kind``, ``metric``, ``value`` and
        ``unit``. Left out, the catalogue's kind ``allocation``.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows or lacks a column.
    """
    if path is None:
        return [
            _against(entry.id, entry.text("list"), entry.number("arrived"),
                     100.0 * entry.number("allocated"))
            for entry in catalog.load().entries("allocation")
        ]  # fmt: skip
    return [_row(row) for row in read_table(path, _COLUMNS)]


def _row(row: dict[str, str]) -> Prediction:
    """Predict one row of a file."""
    name = f"{row['trace']}: {row['policy']}, {row['metric']}"
    listed, demand = _LIST.search(row["trace"]), _DEMAND.search(row["metric"])
    if listed is None or demand is None:
        return Prediction(name, "", None, reason=_why_not(row))
    if re.sub(r"[^a-z]", "", row["policy"].casefold()) != "bestfit":
        return Prediction(name, "", None, reason="a placement that the kernel does not have")
    if listed[1] != "default" and not _MORE.match(listed[1]):
        return Prediction(name, "", None, reason="types of accelerators within a cluster")
    more = _MORE.match(listed[1])
    if more is not None and more[1] != "cpu" and int(more[2]) > _WHOLE:
        return Prediction(name, "", None, reason="the list has a share above 100 %")
    try:
        measured = float(row["value"])
    except ValueError:
        measured = 0.0
    if not 0.0 < measured <= _WHOLE:
        return Prediction(name, "", None, reason="the value is not a share in per cent")
    return _against(name, listed[1], float(demand[1]) / 100.0, measured)


def _why_not(row: dict[str, str]) -> str:
    """Return why a row that is not about allocation cannot be predicted."""
    if "simulator" not in row["kind"].casefold():
        return "describes a trace, or a queue of which no load or cluster is stated"
    return "the trace that was simulated cannot be had"


def _against(name: str, listed: str, arrived: float, measured: float) -> Prediction:
    """Hold a share [%] against what the kernel gives out, as other lists compare with it."""
    found = _ratio(listed, arrived).scaled(100.0 * allocated(listed, arrived))
    most = 100.0
    return Prediction(
        name, f"best fit, {re.sub(r'[0-9]', '', listed)}", measured, min(found.value, most),
        min(found.low, most), min(found.high, most),
    )  # fmt: skip


def _ratio(listed: str, arrived: float) -> Estimate:
    """Return the published share over the kernel's, in the lists other than one.

    After as many arrivals where that was published, else after any.
    """
    others = [e for e in catalog.load().entries("allocation") if e.text("list") != listed]
    same = [e for e in others if e.number("arrived") == arrived] or others
    return from_points(
        [e.number("allocated") / allocated(e.text("list"), e.number("arrived")) for e in same],
        [e["allocated"].key for e in same],
    )


@cache
def allocated(listed: str, arrived: float) -> float:
    """Return the accelerators given to tasks over those there are, in the mean of some draws.

    Parameters
    ----------
    listed : str
        ``default``, or ``gpushare``, ``multigpu`` or ``cpu`` with a number: the share of what is
        asked for, in per cent, that tasks which share an accelerator or take several ask for.
        Tasks without accelerators, of which ``cpu`` has more, need no room here.
    arrived : float
        Accelerators asked for by then over those there are.
    """
    return float(np.mean([_drawn(listed, arrived, seed) for seed in range(_SEEDS)]))


def _drawn(listed: str, arrived: float, seed: int) -> float:
    book = catalog.load()
    sizes = [e for e in book.entries("task_size") if e.text("trace") == "openb"]
    count = np.array([e.number("accelerators") for e in sizes])
    part = np.array([e.number("part") for e in sizes])
    total = book.entries("allocation")[0].number("accelerators")
    servers = int(total) // _SERVER
    asked = np.rint(count * part * _PARTS).astype(np.int64)
    tasks = np.array([e.number("tasks") for e in sizes])
    chance = _chances(listed, tasks, asked, part < 1.0, count > 1)
    rng = np.random.default_rng(seed)
    room = servers * _SERVER * _PARTS
    drawn = rng.choice(len(sizes), int(1.2 * arrived * room / (chance @ asked)) + 100, p=chance)
    drawn = drawn[np.cumsum(asked[drawn]) <= arrived * room]
    at = np.arange(len(drawn))
    jobs = Jobs.of(
        submit_s=at,
        accelerators=asked[drawn],
        # All leave at one far time: to pass over one that finds no room makes nobody late.
        work_s=_STAYS_S - at,
        span=np.where(count[drawn] > 1, "domain", "cluster"),
    )
    cluster = Cluster(
        accelerators_per_node=_PARTS, nodes_per_domain=_SERVER, domains_per_pod=servers
    )
    run = simulate_cluster(
        cluster, jobs, policy=Policy(backfill="easy"), horizon_s=len(drawn) + 1, log=False
    )
    return float(asked[drawn][run.start_s >= 0].sum() / room)


def _chances(
    listed: str, tasks: Floats, asked: NDArray[np.int64], shares: NDArray[np.bool_],
    several: NDArray[np.bool_],
) -> Floats:  # fmt: skip
    """Return the chance of each size: the more of what a list emphasises, the less of the rest."""
    chance = tasks / tasks.sum()
    more = _MORE.match(listed)
    if more is None or more[1] == "cpu":
        return np.asarray(chance)
    chosen = shares if more[1] == "gpushare" else several
    share = float(more[2]) / 100.0
    work = chance * asked
    with np.errstate(divide="ignore"):
        rest = (1.0 - share) / work[~chosen].sum()
    weight = np.where(chosen, share / work[chosen].sum(), rest) * chance
    return np.asarray(weight / weight.sum())
