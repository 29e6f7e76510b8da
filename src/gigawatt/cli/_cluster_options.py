"""Options of ``gigawatt cluster``, and which go with a trace and which with a campus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.cli._cluster_values import COLUMNS, columns, finite, seconds, span, tiers
from gigawatt.cli._options import figure_option
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gigawatt.cluster.shape import Cluster

__all__ = ["check_use", "cluster_options", "shape"]

_BACKFILLING: Final = ("easy", "conservative")
_POLICIES: Final = ("fifo", "sjf", "priority", "fair-share", *_BACKFILLING)
_TIME: Final[dict[str, Any]] = {"callback": seconds, "metavar": "TIME"}
_SPAN: Final[dict[str, Any]] = {"callback": span, "metavar": "TIME"}
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_MANY: Final = click.IntRange(min=1)

_TRACE: Final = (
    click.option("--accelerators", type=_MANY, metavar="N", help="Accelerators of the cluster."),
    click.option("--pool", is_flag=True, help="One pool, where any accelerator will do."),
    click.option(
        "--host-size",
        type=_MANY,
        default=8,
        show_default=True,
        metavar="N",
        help="Accelerators of a host, which fails and is repaired as one.",
    ),
    click.option(
        "--domain",
        type=_MANY,
        default=1,
        show_default=True,
        metavar="HOSTS",
        help="Hosts of a scale-up domain.",
    ),
    click.option(
        "--pod", type=_MANY, metavar="DOMAINS", help="Domains of a pod; left out: one pod a hall."
    ),
    click.option(
        "--hall", type=_MANY, metavar="PODS", help="Pods of a hall; left out: all in one hall."
    ),
    click.option(
        "--policy",
        type=click.Choice(_POLICIES),
        default="fifo",
        show_default=True,
        help="Who goes first.",
    ),
    click.option(
        "--backfill",
        type=click.Choice(["none", "easy", "conservative"]),
        help="What may overtake, on top of the policy's order.",
    ),
    click.option(
        "--depth",
        type=click.IntRange(min=0),
        default=0,
        metavar="JOBS",
        help="Waiting jobs that backfill looks at; left out: all.",
    ),
    click.option(
        "--on-bad",
        type=click.Choice(["error", "skip"]),
        default="error",
        show_default=True,
        help="What to do with jobs that cannot be simulated: refuse, or leave out and count.",
    ),
    click.option(
        "--columns",
        callback=columns,
        metavar="FIELD=NAME,...",
        help=f"Columns of a CSV file of no known trace: {', '.join(COLUMNS)}.",
    ),
    click.option(
        "--checkpoint-write", "checkpoint_write_s", **_TIME, help="It holds a job up so long."
    ),
    click.option(
        "--checkpoint-gb",
        type=click.FloatRange(min=0.0, min_open=True),
        callback=finite,
        metavar="GB",
        help="Size of a checkpoint for each accelerator of its job, written to --storage.",
    ),
    click.option("--chip", metavar="NAME", help="Chip of the catalogue, for energy and cost."),
    click.option(
        "--price",
        "usd_per_chip_hour",
        type=click.FloatRange(min=0.0),
        callback=finite,
        metavar="USD",
        help="Cost of an accelerator-hour; left out: the catalogue's for the chip.",
    ),
)
_CAMPUS: Final = (
    click.option(
        "--at",
        "day",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="DATE",
        help="First day; left out: as late as the campus's horizon allows.",
    ),
    click.option(
        "--power-cap",
        type=click.Choice(["off", "slow"]),
        default="off",
        show_default=True,
        help="Where power binds: hosts are switched off, or all slow down.",
    ),
    click.option(
        "--research",
        default="seren",
        show_default=True,
        metavar="NAME",
        help="Trace whose jobs stand for research, as in 'gigawatt catalog workload'.",
    ),
    click.option(
        "--research-scale",
        type=_MANY,
        metavar="N",
        help="How many times as large as published they are; left out: as few as is quick.",
    ),
)
_BOTH: Final = (
    click.option(
        "--horizon",
        "horizon_s",
        **_SPAN,
        help="When to stop; left out: when a trace is done, after a day of a campus.",
    ),
    click.option(
        "--failures",
        metavar="NAME",
        help="Failures as published, as in 'gigawatt catalog reliability'; left out: none.",
    ),
    click.option(
        "--repair", "repair_s", **_TIME, help="For which a failed host is away; no default."
    ),
    click.option("--detect", "detect_s", **_TIME, help="Until a failure is noticed."),
    click.option(
        "--restart",
        "restart_s",
        **_TIME,
        help="From a failure to the next productive second; left out: as published.",
    ),
    click.option(
        "--spares",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="HOSTS",
        help="Hosts kept idle to take the place of failed ones.",
    ),
    click.option("--crews", type=_MANY, metavar="N", help="Repairs at once; left out: any number."),
    click.option(
        "--checkpoint-interval",
        "checkpoint_interval_s",
        **_SPAN,
        help="Work between checkpoints; left out: none in a trace, the best in a campus.",
    ),
    click.option(
        "--storage",
        callback=tiers,
        metavar="FIELD=VALUE,...",
        help="Where checkpoints go. shared: bandwidth for all jobs; link: of a host to it; near: "
        "of a host to its own memory or disk, all in GB/s; every: how many near writes there are "
        "to one that goes on; survives: what near ones outlive, an interrupt (if left out), node, "
        "rack or pod.",
    ),
    click.option(
        "--jobs", "jobs_file", type=_FILE, metavar="FILE",
        help="Write a row for each job, as .csv or .parquet.",
    ),
    click.option(
        "--chrome-trace", "chrome_file", type=_FILE, metavar="FILE",
        help="Write what ran from --from to --to for Perfetto or chrome://tracing, as .json.",
    ),
    click.option("--from", "from_s", **_TIME, help="Begin of the Chrome trace."),
    click.option("--to", "to_s", **_TIME, help="End of the Chrome trace."),
    figure_option,
)  # fmt: skip
_ONLY_TRACE: Final = (
    "accelerators", "pool", "host_size", "domain", "pod", "hall", "policy", "backfill", "depth",
    "on_bad", "columns", "checkpoint_write_s", "checkpoint_gb", "chip", "usd_per_chip_hour",
)  # fmt: skip
_ONLY_CAMPUS: Final = ("day", "power_cap", "research", "research_scale", "overrides")
_OF_HOSTS: Final = ("host_size", "domain", "pod", "hall", "failures", "spares", "storage")
_NEEDS: Final = {
    "repair_s": "failures",
    "detect_s": "failures",
    "crews": "failures",
    "checkpoint_write_s": "checkpoint_interval_s",
    "checkpoint_gb": "storage",
    "from_s": "chrome_file",
    "to_s": "chrome_file",
}
"""Options that mean nothing without another."""


def cluster_options(command: Callable[..., None]) -> Callable[..., None]:
    """Put the options on a command."""
    for option in reversed((*_TRACE, *_CAMPUS, *_BOTH)):
        command = option(command)
    return command


def check_use(ctx: click.Context, *, trace: bool) -> None:
    """Refuse options that mean nothing with a trace, with a campus, or with others that are given.

    Raises
    ------
    UsageError
        Naming the option.
    """
    options = {str(param.name): param.opts[0] for param in ctx.command.params}
    stated = [name for name in options if _is_stated(ctx, name)]
    wrong = _ONLY_CAMPUS if trace else _ONLY_TRACE
    for name in stated:
        if name in wrong:
            kinds = ("a campus", "a trace") if trace else ("a trace", "a campus")
            how = "" if trace else ", as it ends neither in .swf nor in .csv"
            raise _misused(ctx, f"{options[name]} goes with {kinds[0]}; this is {kinds[1]}{how}")
        if ctx.params["pool"] and name in _OF_HOSTS:
            raise _misused(ctx, f"{options[name]} needs hosts, and --pool has none")
        if name in _NEEDS and ctx.params[_NEEDS[name]] is None:
            raise _misused(ctx, f"{options[name]} needs {options[_NEEDS[name]]}")
    _check_more(ctx.params, ctx, trace=trace)


def _check_more(params: dict[str, Any], ctx: click.Context, *, trace: bool) -> None:
    """Refuse options whose meaning hangs on the value of others."""
    begin, end = params["from_s"] or 0.0, params["to_s"]
    if end is not None and end <= begin:
        raise _misused(ctx, f"--to: expected a time after --from, {begin:g} s; found {end:g} s")
    backfills = params["backfill"] not in {None, "none"}
    if params["depth"] and not (backfills or params["policy"] in _BACKFILLING):
        raise _misused(ctx, "--depth needs --backfill, or the policy easy or conservative")
    if not trace:
        return
    if params["columns"] is not None and ".swf" in params["source"].lower()[-7:]:
        raise _misused(ctx, "--columns goes with a .csv file; the columns of .swf are fixed")
    if params["storage"] and None in (params["checkpoint_gb"], params["checkpoint_interval_s"]):
        raise _misused(ctx, "--storage needs --checkpoint-gb and --checkpoint-interval of a trace")


def _is_stated(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _misused(ctx: click.Context, message: str) -> click.UsageError:
    return click.UsageError(message, ctx=ctx)


def shape(asked: dict[str, Any]) -> Cluster:
    """Return the cluster that the options describe.

    Raises
    ------
    InputError
        If the number of accelerators is missing, or does not fill hosts, domains, pods and halls.
    """
    from gigawatt.cluster.shape import Cluster  # noqa: PLC0415  read only once a command runs

    count = asked["accelerators"]
    if count is None:
        message = "--accelerators: expected how many the cluster has, such as 1024; found nothing"
        raise InputError(message)
    if asked["pool"]:
        return Cluster.of_pool(count)
    domain = asked["host_size"] * asked["domain"]
    domains = _whole_part(count, domain, "accelerators", "scale-up domains")
    pods = 1 if asked["pod"] is None else _whole_part(domains, asked["pod"], "domains", "pods")
    halls = 1 if asked["hall"] is None else _whole_part(pods, asked["hall"], "pods", "halls")
    hosts, spares = count // asked["host_size"], asked["spares"]
    if spares >= hosts:
        message = f"--spares: expected fewer than the {hosts:,} hosts there are; found {spares:,}"
        raise InputError(message)
    return Cluster(
        accelerators_per_node=asked["host_size"],
        nodes_per_domain=asked["domain"],
        domains_per_pod=domains // pods,
        pods_per_hall=pods // halls,
        halls=halls,
        hot_spare_nodes=spares,
    )


def _whole_part(count: int, size: int, what: str, groups: str) -> int:
    if count % size:
        message = (
            f"--accelerators: expected a number that fills whole {groups} of {size:,} {what}; "
            f"{count:,} {what} leave {count % size:,} over"
        )
        raise InputError(message)
    return count // size
