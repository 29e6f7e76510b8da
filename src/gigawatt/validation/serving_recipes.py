"""What published recipes of a benchmark add to rows that do not state it.

InferenceX publishes the recipe of each of its points: how many instances read prompts and how many
answer, how each spreads the model, and whether they draft tokens (speculative decoding, "mtp"). A
row that was taken from there may leave that out. Recipes are found by what the row does state:
model, accelerator, format, engine, lengths, load and accelerators of each instance. The measured
latencies play no part. Where recipes that fit differ, the row says too little and is skipped.

A row that its table calls a copy takes the layout of the earlier row that it repeats, as the two
are one measurement.

References
----------
SemiAnalysisAI/InferenceX, ``.github/configs/nvidia-master.yaml`` at commit 0004cf5f (February 2026)
for ``serving_recipes.csv`` and the images of ``serving_speculation.csv``; its
``perf-changelog.yaml`` at commit 000de6df, pull requests 392, 632 and 642, for when single
instances began to draft and under which image before. How many tokens they draft is in the scripts
``dsr1_fp4_b200_trt_mtp.sh``, ``dsr1_fp8_b200_trt_mtp.sh`` and ``dsr1_fp8_h200_trt_mtp.sh``.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.dims import Dims, dims_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.compute.hosting.setting import ServingSetting

    Row = dict[str, str]

__all__ = ["Recipe", "drafts", "fitting", "with_copies"]

_POINT: Final = ("hardware", "precision", "engine", "isl", "osl", "concurrency")
_MEASURED: Final = ("ttft_ms", "tpot_ms")
_LAYOUT: Final = ("num_gpus", "tp", "pp", "ep", "attn_dp", "batch_size")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a divided system was set up.

    Parameters
    ----------
    readers, writers : int
        Instances that read prompts and that write answers.
    reading, writing : str
        How each spreads the model: ``tp``, ``tep`` (experts apart), ``dp`` or ``dep`` (attention
        in groups of one accelerator), and the number of its accelerators.
    drafted : float
        Tokens that are drafted for each sequence and step; NaN where it drafts and does not say.
    """

    readers: int
    reading: str
    writers: int
    writing: str
    drafted: float

    @property
    def layouts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Keyword arguments of `Split` of an instance that reads and of one that writes."""
        return _layout(self.reading), _layout(self.writing)


def _parts(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([a-z]+)(\d+)", text)
    if not found:
        message = f"a recipe's layout is a kind and a number, such as dep8; found '{text}'"
        raise ValueError(message)
    return found[1], int(found[2])


def _layout(text: str) -> dict[str, int]:
    kind, count = _parts(text)
    grouped, apart = kind.startswith("d"), kind.endswith("ep")
    return {
        "tp": 1 if grouped else count,
        "attn_dp": count if grouped else 1,
        "pp": 1,
        "ep": count if apart else 1,
    }


def fitting(
    arch: Architecture,
    setting: ServingSetting,
    lengths: tuple[float, float],
    concurrency: float,
    accelerators: tuple[int, int],
) -> tuple[Recipe, ...]:
    """Return the published recipes of a point of a divided system.

    Parameters
    ----------
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats, engine.
    lengths : tuple of float
        Tokens of prompts and answers.
    concurrency : float
        Requests at a time in the whole system.
    accelerators : tuple of int
        Of an instance that reads and of one that writes.
    """
    key = (setting.chip.id, setting.weights, setting.software, *lengths, concurrency)
    return tuple(
        recipe
        for dims, recipe in _recipes().get(key, ())
        if dims == dims_of(arch)
        and (_parts(recipe.reading)[1], _parts(recipe.writing)[1]) == accelerators
    )


def drafts(
    arch: Architecture, setting: ServingSetting, version: str, date: str, *, grouped: bool
) -> set[float]:
    """Return the tokens drafted by single instances of a version, as far as they were published.

    Parameters
    ----------
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats, engine.
    version, date : str
        Of the engine, and of the measurement as ``YYYY-MM-DD``.
    grouped : bool
        Whether attention works in groups.
    """
    return {
        _drafted(row["grouped" if grouped else "together"])
        for row in _table("serving_speculation.csv")
        if (row["chip"], row["weights"], row["engine"], row["version"])
        == (setting.chip.id, setting.weights, setting.software, version)
        and date >= row["since"]
        and _dims(row["model"]) == dims_of(arch)
    }


def _drafted(text: str) -> float:
    """Return the tokens of ``none``, ``mtp3``, or ``mtp``, which does not say."""
    return 0.0 if text == "none" else float(text.removeprefix("mtp") or "nan")


@cache
def _recipes() -> dict[tuple[object, ...], list[tuple[Dims, Recipe]]]:
    found: defaultdict[tuple[object, ...], list[tuple[Dims, Recipe]]] = defaultdict(list)
    for row in _table("serving_recipes.csv"):
        recipe = Recipe(
            int(row["readers"]), row["reading"], int(row["writers"]), row["writing"],
            _drafted(row["speculation"]),
        )  # fmt: skip
        lengths = (float(row["input_tokens"]), float(row["output_tokens"]))
        for concurrency in row["concurrency"].split():
            key = (row["chip"], row["weights"], row["engine"], *lengths, float(concurrency))
            found[key].append((_dims(row["model"]), recipe))
    return dict(found)


@cache
def _table(name: str) -> tuple[Row, ...]:
    text = files("gigawatt.validation").joinpath(name).read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def _dims(model: str) -> Dims:
    return dims_of(Architecture.from_entry(catalog.load().get("model", model)))


def with_copies(table: Sequence[Row]) -> list[Row]:
    """Return the rows of a table, copies with the layout of the row that they repeat.

    A copy is a row that its note calls a duplicate and whose point and latencies are those of
    another row that states how many instances there are.
    """
    stated: dict[tuple[str, ...], Row] = {}
    for row in table:
        if "disaggregated" in row["mode"] and row["num_gpus"]:
            stated.setdefault(tuple(row[name] for name in (*_POINT, *_MEASURED)), row)
    found = []
    for row in table:
        first = stated.get(tuple(row[name] for name in (*_POINT, *_MEASURED)))
        if first and "DUPLICATE" in row["notes"] and not row["num_gpus"]:
            found.append({**row, **{name: first[name] for name in _LAYOUT}})
        else:
            found.append(row)
    return found
