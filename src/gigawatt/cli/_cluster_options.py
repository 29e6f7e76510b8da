"""Options of ``gigawatt cluster``, and which go with a trace and which with a campus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gigawatt.errors import InputError
from gigawatt.units import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from gigawatt.cluster.shape import Cluster

__all__ = ["check_use", "cluster_options", "shape"]

_COLUMNS: Final = ("job", "submit", "accelerators", "run", "start", "end", "tenant", "milli")
_POLICIES: Final = ("fifo", "sjf", "priority", "fair-share", "easy", "conservative")


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return a length of time such as ``4h`` or ``30 min`` [s]; a bare number is in seconds."""
    if value is None:
        return None
    try:
        seconds = parse_quantity(value, "s")
    except ValueError as error:
        message = f"{error}; expected a time such as '30 min' or '4h'"
        raise click.BadParameter(message, ctx=ctx, param=param) from None
    if not 0.0 <= seconds < float("inf"):
        message = f"expected a time of at least 0; found '{value}'"
        raise click.BadParameter(message, ctx=ctx, param=param)
    return seconds


def _columns(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> dict[str, str] | None:
    """Return names of a file's columns such as ``submit=t,accelerators=gpus,run=seconds``."""
    if value is None:
        return None
    found = {}
    for text in value.split(","):
        field, equals, name = text.strip().partition("=")
        if field not in _COLUMNS or not equals:
            message = f"expected FIELD=NAME with a field of {', '.join(_COLUMNS)}; found '{text}'"
            raise click.BadParameter(message, ctx=ctx, param=param)
        found[field] = name
    return found


_TIME: Final[dict[str, Any]] = {"callback": _seconds, "metavar": "TIME"}
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
        callback=_columns,
        metavar="FIELD=NAME,...",
        help=f"Columns of a CSV file of no known trace: {', '.join(_COLUMNS)}.",
    ),
    click.option(
        "--checkpoint-write", "checkpoint_write_s", **_TIME, help="It holds a job up so long."
    ),
    click.option("--chip", metavar="NAME", help="Chip of the catalogue, for energy and cost."),
    click.option(
        "--price",
        "usd_per_chip_hour",
        type=click.FloatRange(min=0.0),
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
        **_TIME,
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
        **_TIME,
        help="Work between checkpoints; left out: none in a trace, the best in a campus.",
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
    click.option(
        "--figure", "figure_file", type=_FILE, metavar="FILE",
        help="Write a page with occupancy, queue, failures and ledger, as .html.",
    ),
)  # fmt: skip
_ONLY_TRACE: Final = (
    "accelerators", "pool", "host_size", "domain", "pod", "hall", "policy", "backfill", "depth",
    "on_bad", "columns", "checkpoint_write_s", "chip", "usd_per_chip_hour",
)  # fmt: skip
_ONLY_CAMPUS: Final = ("day", "research", "research_scale", "overrides")


def cluster_options(command: Callable[..., None]) -> Callable[..., None]:
    """Put the options on a command."""
    for option in reversed((*_TRACE, *_CAMPUS, *_BOTH)):
        command = option(command)
    return command


def check_use(ctx: click.Context, *, trace: bool) -> None:
    """Refuse options that mean nothing with a trace, or with a campus.

    Raises
    ------
    UsageError
        Naming the option.
    """
    wrong = _ONLY_CAMPUS if trace else _ONLY_TRACE
    for param in ctx.command.params:
        stated = ctx.get_parameter_source(str(param.name))
        if param.name in wrong and stated is click.core.ParameterSource.COMMANDLINE:
            kinds = ("a campus", "a trace") if trace else ("a trace", "a campus")
            message = f"{param.opts[0]} goes with {kinds[0]}; this is {kinds[1]}"
            raise click.UsageError(message, ctx=ctx)
    if ctx.params["pool"] and ctx.params["failures"] is not None:
        message = "--pool has no hosts that could fail; describe them with --host-size"
        raise click.UsageError(message, ctx=ctx)
    for name, option in (("from_s", "--from"), ("to_s", "--to")):
        if ctx.params[name] is not None and ctx.params["chrome_file"] is None:
            message = f"{option} needs --chrome-trace"
            raise click.UsageError(message, ctx=ctx)


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
    return Cluster(
        accelerators_per_node=asked["host_size"],
        nodes_per_domain=asked["domain"],
        domains_per_pod=domains // pods,
        pods_per_hall=pods // halls,
        halls=halls,
        hot_spare_nodes=asked["spares"],
    )


def _whole_part(count: int, size: int, what: str, groups: str) -> int:
    if count % size:
        message = (
            f"--accelerators: expected a number that fills whole {groups} of {size:,} {what}; "
            f"{count:,} {what} leave {count % size:,} over"
        )
        raise InputError(message)
    return count // size
