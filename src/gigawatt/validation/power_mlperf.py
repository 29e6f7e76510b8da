"""Power of servers in MLPerf, read as cases: training runs, clusters and inference at the wall.

MLPerf Training logs each server; where a submission states a conversion efficiency, its readings
lie behind the power supplies. MLPerf Inference reads the wall. A submission tuned for efficiency
(MaxQ) caps its accelerators; the caps are part of its published configuration.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting.setting import CACHES, WEIGHTS
from gigawatt.compute.work import matmul_parameters_per_token
from gigawatt.errors import GigawattError
from gigawatt.validation.power_rows import case_of, number, peak_flops, server_of
from gigawatt.validation.skip import Skip

if TYPE_CHECKING:
    from gigawatt.catalog import Entry
    from gigawatt.validation.power_cases import Case
    from gigawatt.validation.power_rows import Place

__all__ = [
    "CAPS",
    "CLUSTER",
    "TRAINING",
    "WALL",
    "read_cluster_row",
    "read_training_row",
    "read_wall_row",
    "server_case",
]

TRAINING: Final = (
    "system", "benchmark", "run", "node_files", "mean_node_W", "min_node_sample_W",
    "conversion_eff", "run_window_s", "submitter",
)  # fmt: skip
CLUSTER: Final = (
    "system", "benchmark", "run", "n_nodes", "mean_kw", "p50_kw", "p95_kw", "common_window_s",
    "submitter",
)  # fmt: skip
WALL: Final = (
    "system", "model", "scenario", "phase", "p50_w", "min_w", "mean_w_whole_log", "n_1s_samples",
)  # fmt: skip


class Cap(NamedTuple):
    """A capped benchmark: limit [W], and the rates it was tuned to without and with the cap."""

    limit_w: float
    full_rate: float = float("nan")
    capped_rate: float = float("nan")


CAPS: Final = {
    # 8 x H200 SXM, MaxP and MaxQ of NVIDIA, configs/BENCHMARK/{Offline,Server}/__init__.py of
    # inference_results_v4.1 (a2f5d66) and its successors of v5.0: ``power_limit`` and
    # ``offline_expected_qps``, or ``server_target_qps`` of BERT and ResNet-50.
    "llama2-70b": Cap(500.0, 104.0, 86.0),
    "mixtral-8x7b": Cap(500.0, 424.0, 328.0),
    "gptj": Cap(350.0, 288.0, 189.0),
    "stable-diffusion-xl": Cap(450.0, 16.8, 13.5),
    "bert": Cap(400.0, 57600.0, 41600.0),
    "resnet50": Cap(300.0, 632000.0, 400000.0),
    # Of Supermicro on 8 x H100 (3d-unet/Offline/custom.py); NVIDIA's own is not stored publicly.
    "3d-unet": Cap(300.0),
}
"""Caps by benchmark."""

_UNMODELLED: Final = ("whisper", "rgat", "dlrm", "bert", "resnet", "3d-unet", "retinanet")
"""Inference whose arithmetic and traffic are not modelled; a cap tells their power."""


def server_case(row: dict[str, str], index: int) -> Case:
    """Return a row of the table of power whose scope is a server.

    Raises
    ------
    Skip
        If it cannot be predicted.
    """
    scope, stat = row["scope"].lower(), row["stat"].lower()
    count = number(row, "num_gpus")
    if "wall" in scope:
        name, _, scenario = row["workload"].partition(" ")
        idle = "idle" in name
        place = (row["hardware"] + " " + row["notes"], "" if idle else name)
        statistic = "idle" if idle else "steady"
        rate = number(row, "paired_value") if "tok" in row["paired_metric"].lower() else 0.0
        return _wall(row, index, place, statistic, scenario=scenario, rate=rate)
    statistic = "whole"
    if "median" in stat:
        statistic = "steady"
    if "max" in stat:
        statistic = "most"
    server = server_of(row["hardware"])
    dc = server.reads == "dc" or "dc" in scope.split() or "dc-power" in row.get("source", "")
    nodes = _nodes(row.get("source", ""), count / server.accelerators)
    # A sum over servers states no length; it is cut to the time that all of them share.
    log_s = number(row, "paired_value") if "duration" in row["paired_metric"] else float("nan")
    return _training(
        row,
        index,
        server,
        row["workload"],
        nodes=nodes,
        accelerators=count,
        statistic=statistic,
        scope="dc" if dc else "ac",
        log_s=log_s,
    )


def read_training_row(row: dict[str, str], index: int) -> list[Case] | str:
    """Return a run of MLPerf Training, the mean of its servers, or why it is skipped."""
    if number(row, "min_node_sample_W") < 0.0:
        return "a sensor failed: a sample below zero"
    try:
        power_w = number(row, "mean_node_W") * number(row, "node_files")
        return [_logged(row, index, ("run", power_w, "run_window_s"))]
    except (Skip, GigawattError) as reason:
        return str(reason)


def read_cluster_row(row: dict[str, str], index: int) -> list[Case] | str:
    """Return the median, 95th percentile and mean of a cluster in a run, or why it is skipped."""
    try:
        return [
            _logged(row, index, (statistic, number(row, column) * 1e3, "common_window_s"))
            for statistic, column in (("steady", "p50_kw"), ("p95", "p95_kw"), ("whole", "mean_kw"))
        ]
    except (Skip, GigawattError) as reason:
        return str(reason)


def read_wall_row(row: dict[str, str], index: int) -> list[Case] | str:
    """Return the median, mean and lowest wall power of a log, or why it is skipped."""
    levels = (("steady", "p50_w"), ("whole", "mean_w_whole_log"), ("idle", "min_w"))
    work = f"{row['model']} {row['scenario']}"
    try:
        found = [
            _wall(
                {**row, "power_w": row[column], "workload": work},
                index,
                (row["system"], row["model"]),
                statistic,
                scenario=row["scenario"],
                rate=0.0,
            )
            for statistic, column in levels
            if number(row, column) > 0.0
        ]
    except (Skip, GigawattError) as reason:
        return str(reason)
    return found or "no power"


def _logged(row: dict[str, str], index: int, stated: tuple[str, float, str]) -> Case:
    statistic, power_w, window = stated
    nodes = number(row, "node_files") or number(row, "n_nodes") or 1.0
    server = server_of(row["system"])
    dc = "dc-power" in row["submitter"] or server.reads == "dc"
    return _training(
        {**row, "power_w": str(power_w), "workload": row["benchmark"]},
        index,
        server,
        row["benchmark"],
        nodes=nodes,
        accelerators=nodes * server.accelerators,
        statistic=statistic,
        scope="dc" if dc else "ac",
        log_s=number(row, window) or float("nan"),
    )


def _training(
    row: dict[str, str],
    index: int,
    server: Place,
    benchmark: str,
    *,
    nodes: float,
    **fields: Any,  # noqa: ANN401  fields of a case
) -> Case:
    return case_of(
        row,
        index,
        server.chip,
        subject=benchmark,
        group="node",
        kind="training",
        cooling=server.cooling,
        doublings=np.log2(max(nodes, 1.0)) if _strong(benchmark) else 0.0,
        **fields,
    )


def _strong(benchmark: str) -> bool:
    """Return whether a benchmark is a small job that more servers only make quicker.

    Pretraining of a large model gives every server seconds of arithmetic a step, of which waiting
    is part of the utilisation.
    """
    book = catalog.load()
    if not book.has("target", benchmark):
        return True
    return "lora_rank" in book.get("target", benchmark)


def _wall(
    row: dict[str, str],
    index: int,
    place: tuple[str, str],
    statistic: str,
    *,
    scenario: str,
    rate: float,
) -> Case:
    where, benchmark = place
    server = server_of(where)
    chip = server.chip
    name = re.sub(r"-99(\.9)?$", "", benchmark)
    capped = "maxq" in where.lower()
    if capped and name not in CAPS and benchmark:
        message = "tuned for efficiency with a cap that is not stated"
        raise Skip(message)
    if not capped and name.startswith(_UNMODELLED):
        message = "arithmetic and traffic of the benchmark are not modelled"
        raise Skip(message)
    count = number(row, "num_gpus") or server.accelerators
    fields: dict[str, Any] = {
        "subject": name or "idle",
        "group": "wall",
        "scope": "ac",
        "statistic": statistic,
        "cooling": server.cooling,
        "accelerators": count,
        "kind": "full",
        "cap_share": CAPS[name].limit_w / chip.number("tdp_w") if capped and name in CAPS else 1.0,
        "log_s": number(row, "n_1s_samples") or float("nan"),
    }
    fields |= _answers(chip, name, rate, count) if rate else {}
    return case_of({**row, "workload": f"{benchmark} {scenario}"}, index, chip, **fields)


def _answers(chip: Entry, benchmark: str, rate: float, count: float) -> dict[str, Any]:
    """Return the fields of a served benchmark whose tokens a second are stated."""
    book = catalog.load()
    if not book.has("benchmark", benchmark):
        return {}
    asked = book.get("benchmark", benchmark)
    arch = Architecture.from_entry(book.get("model", asked.text("model")))
    weights = "fp4" if "fp4_tflops" in chip else "fp8"
    return {
        "kind": "serving",
        "dims": dims_of(arch),
        "peak_flops": peak_flops(chip, weights),
        "serving": {
            "accelerators": count,
            # Full batches read the weights so rarely that their number hardly matters.
            "sequences": 512.0 * count,
            "tokens_per_s": rate,
            "prompt_tokens": asked.number("input_tokens"),
            "answer_tokens": asked.number("output_tokens"),
            "active_parameters": float(matmul_parameters_per_token(arch)),
            "weight_bytes": WEIGHTS[weights][0],
            "cache_bytes": CACHES["fp8"],
            "block_scaled": 0.0,
        },
    }


def _nodes(source: str, summed: float) -> float:
    """Return how many servers a run was spread over: as its folder says, or those in the sum."""
    found = re.search(r"/(\d+)x[A-Za-z]", source)
    return float(found[1]) if found else max(summed, 1.0)
