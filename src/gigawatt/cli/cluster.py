"""``gigawatt cluster``: replay a trace of jobs, or run the jobs of a campus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gigawatt.cli._cluster_options import check_use, cluster_options, shape
from gigawatt.cli._files import TABLES, check_file, replace_file, write_table
from gigawatt.cli._options import examples, format_option, quiet_option, seed_option, set_option
from gigawatt.cli._text import note, print_json
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gigawatt.twin.cluster_run.result import JobsRun

__all__ = ["command"]


@click.command(
    "cluster",
    epilog=examples(
        "gigawatt cluster jobs.swf --accelerators 1024 --policy easy",
        "gigawatt cluster philly.csv.gz --accelerators 768 --pool --policy sjf --on-bad skip",
        "gigawatt cluster jobs.csv --accelerators 18432 --host-size 4 --domain 18 --chip gb200",
        "gigawatt cluster jobs.csv --accelerators 1024 --failures llama-3-405b --repair 4h",
        "gigawatt cluster hyperion --failures llama-3-405b --repair 4h --figure jobs.html",
        "gigawatt cluster hyperion --set 'power.interconnection_mw=900 MW' --power-cap slow",
        "gigawatt cluster prometheus --at 2028-06-01 --horizon '2 days' --jobs jobs.parquet",
    ),
)
@click.argument("source", metavar="TRACE|CAMPUS")
@cluster_options
@set_option
@seed_option
@format_option
@quiet_option
def command(
    source: str,
    overrides: Mapping[str, str],
    style: str,
    seed: int,
    *,
    quiet: bool,
    **asked: Any,  # noqa: ANN401  options that the model takes as they are
) -> None:
    """Jobs on a cluster over time: queues, failures and goodput.

    TRACE is a file of jobs that ends in .swf (Standard Workload Format) or .csv (columns of Philly,
    Helios, Acme or openb, or your own), also with .gz. CAMPUS is the name of a campus in the
    catalogue or the path of a campus file: its own training runs, services, research and data
    processing are run on what stands there.
    """
    files = {name: asked.pop(name) for name in ("jobs_file", "chrome_file", "figure_file")}
    check_file(files["jobs_file"], TABLES, "--jobs")
    check_file(files["chrome_file"], (".json",), "--chrome-trace")
    check_file(files["figure_file"], (".html",), "--figure")
    window = asked.pop("from_s"), asked.pop("to_s")
    trace = _is_trace(source)
    check_use(click.get_current_context(), trace=trace)
    from gigawatt.cli._cluster_text import cluster_text  # noqa: PLC0415  read once it runs

    def told(text: str) -> None:
        note(text, quiet=quiet)

    found = _replayed(source, asked, seed) if trace else _run(source, overrides, asked, seed, told)
    record = found.as_dict() if style == "json" else {}
    _write(found, files, window, told)
    if style == "json":
        print_json(record)
    else:
        click.echo(cluster_text(found))


def _is_trace(source: str) -> bool:
    """Return whether the argument names a file of jobs, by its ending."""
    plain = source.lower().removesuffix(".gz")
    return plain.endswith((".swf", ".csv"))


def _replayed(source: str, asked: dict[str, Any], seed: int) -> JobsRun:
    from gigawatt.cluster.readers import TraceColumns  # noqa: PLC0415
    from gigawatt.twin.cluster_run.simulate import replay_jobs  # noqa: PLC0415

    columns = asked["columns"]
    return replay_jobs(
        source, shape(asked), policy=_policy(asked), on_bad=asked["on_bad"],
        columns=None if columns is None else TraceColumns(**columns),
        horizon_s=_whole(asked["horizon_s"]),
        checkpoint_interval_s=_whole(asked["checkpoint_interval_s"]) or 0,
        checkpoint_write_s=_whole(asked["checkpoint_write_s"]) or 0,
        checkpoint_gb=asked["checkpoint_gb"] or 0.0, storage=asked["storage"],
        chip=asked["chip"], usd_per_chip_hour=asked["usd_per_chip_hour"], seed=seed,
        **_failing(asked),
    )  # fmt: skip


def _run(
    source: str,
    overrides: Mapping[str, str],
    asked: dict[str, Any],
    seed: int,
    told: Callable[[str], None],
) -> JobsRun:
    from gigawatt.spec import load  # noqa: PLC0415
    from gigawatt.twin.cluster_run.simulate import DAY_S, simulate_jobs  # noqa: PLC0415

    day = asked["day"]
    return simulate_jobs(
        load(source, overrides), day=None if day is None else day.date(),
        horizon_s=_whole(asked["horizon_s"]) or DAY_S, spares=asked["spares"],
        checkpoint_interval_s=_whole(asked["checkpoint_interval_s"]),
        storage=asked["storage"], power_cap=asked["power_cap"],
        research=asked["research"], research_scale=asked["research_scale"],
        seed=seed, progress=told, **_failing(asked),
    )  # fmt: skip


def _failing(asked: dict[str, Any]) -> dict[str, Any]:
    if asked["failures"] is not None and asked["repair_s"] is None:
        message = (
            "--repair: expected for how long a failed host is away, such as 4h, as this is hardly "
            "published; found nothing"
        )
        raise InputError(message)
    return {
        "reliability": asked["failures"],
        "repair_s": asked["repair_s"],
        "detect_s": asked["detect_s"] or 0.0,
        "restart_s": asked["restart_s"],
        "crews": asked["crews"],
    }


def _policy(asked: dict[str, Any]) -> Any:  # noqa: ANN401  a Policy, which loads NumPy
    from dataclasses import replace  # noqa: PLC0415

    from gigawatt.cluster.policy import Policy  # noqa: PLC0415

    name, backfill, depth = asked["policy"], asked["backfill"], asked["depth"]
    if backfill is None and not depth:
        return name
    chosen = Policy.named(name)
    return replace(chosen, backfill=backfill or chosen.backfill, depth=depth)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


def _write(
    found: JobsRun,
    files: Mapping[str, Path | None],
    window: tuple[float | None, float | None],
    told: Callable[[str], None],
) -> None:
    """Write the files that were asked for."""
    if (path := files["jobs_file"]) is not None:
        table = found.table()
        write_table({str(name): table[name].to_numpy() for name in table.columns}, path)
        told(f"a row for each job is in {path}")
    if (path := files["chrome_file"]) is not None:
        from gigawatt.cluster.writers import write_chrome_trace  # noqa: PLC0415

        begin, end = _whole(window[0]) or 0, _whole(window[1])
        for number, part in enumerate(found.parts):
            name = path if not number else path.with_stem(f"{path.stem}-{part.name}")
            bars = write_chrome_trace(part.run, name, begin_s=begin, end_s=end)
            told(f"{bars:,} bars for Perfetto or chrome://tracing are in {name}")
    if (path := files["figure_file"]) is not None:
        from gigawatt.results.cluster_figures import render  # noqa: PLC0415

        replace_file(path, render(found))
        told(f"the figures are in {path}")
