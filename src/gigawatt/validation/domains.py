"""What can be validated, and how each row is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gigawatt import catalog
from gigawatt.catalog.architecture import Architecture
from gigawatt.compute.history import published_runs, run_utilisation, sequence_length
from gigawatt.compute.peak import peak
from gigawatt.compute.serving import Mix, serving_points, serving_utilisation
from gigawatt.compute.work import training_flop_per_token
from gigawatt.errors import InputError, NotModelledError
from gigawatt.validation.capability import capability_table
from gigawatt.validation.finance import finance_table
from gigawatt.validation.power import power_table
from gigawatt.validation.reliability import reliability_table
from gigawatt.validation.schedule import schedule_table
from gigawatt.validation.scheduling import scheduling_table
from gigawatt.validation.score import Prediction, score
from gigawatt.validation.serving import serving_table
from gigawatt.validation.site import site_table
from gigawatt.validation.training import predict_table, read_table
from gigawatt.validation.whole_runs import COLUMNS, run_skipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["DOMAINS", "predictions", "validate"]

_TTFT_MS: Final = 2000.0


def validate(
    domain: str, measurements: Path | None = None
) -> tuple[dict[str, Any], list[Prediction]]:
    """Predict every row of a domain and return the scores and the rows.

    Whole runs and serving points are predicted without the model they are about, so the errors are
    those of a model that is new. The parameters of the step model were fitted to published steps,
    those of power to measured power.

    Parameters
    ----------
    domain : str
        A key of `DOMAINS`.
    measurements : Path, optional
        A CSV file with the columns of the domain; left out, the catalogue's own points are used.

    Raises
    ------
    InputError
        If the domain is unknown, or the file cannot be used.
    """
    rows = predictions(domain, measurements)
    return score(domain, rows), rows


def predictions(domain: str, measurements: Path | None = None) -> list[Prediction]:
    """Return the prediction of every row of a domain."""
    if domain not in DOMAINS:
        message = f"no domain '{domain}' to validate; there are {', '.join(DOMAINS)}"
        raise InputError(message)
    return DOMAINS[domain](measurements)


def _training_runs(measurements: Path | None) -> list[Prediction]:
    if measurements is None:
        return [_published(run.model, frozenset([run.model])) for run in published_runs()]
    return [_run(row) for row in read_table(measurements, COLUMNS)]


def _training_new_chips(measurements: Path | None) -> list[Prediction]:
    _refuse(measurements)
    return [
        _published(run.model, frozenset(r.model for r in published_runs() if r.chip == run.chip))
        for run in published_runs()
    ]


def _published(model: str, without: frozenset[str]) -> Prediction:
    entry = catalog.load().get("model", model)
    tokens, hours = entry.number("train_tokens"), entry.number("train_chip_hours")
    return _hours(entry.text("name"), model, entry.text("train_chip"), tokens, hours, without)


def _run(row: dict[str, str]) -> Prediction:
    """Predict the accelerator-hours of one row of a table of whole runs."""
    book, name = catalog.load(), row["model"]
    reason = run_skipped(row)
    if reason:
        return Prediction(name, "", None, reason=reason)
    chip = book.get("chip", row["hardware"]).id
    model = book.get("model", name).id
    tokens, hours = float(row["tokens_T"]) * 1e12, float(row["accel_hours"])
    return _hours(name, model, chip, tokens, hours, frozenset([model]))


def _hours(
    row: str, model: str, chip: str, tokens: float, hours: float, without: frozenset[str]
) -> Prediction:
    """Predict accelerator-hours: FLOP of the run over peak x run utilisation of other runs."""
    book = catalog.load()
    entry = book.get("model", model)
    stated = entry.text("train_precision", "bf16")
    precision = "bf16" if stated == "fp16" else stated
    try:
        found = run_utilisation(entry.text("kind"), precision, without)
    except NotModelledError:
        return Prediction(row, "", None, reason=f"too few other published runs in {precision}")
    flop = training_flop_per_token(Architecture.from_entry(entry), sequence_length(model)) * tokens
    full_speed = flop / (peak(book.get("chip", chip), precision).number * 1e12) / 3600.0
    # A higher utilisation is fewer hours: the ends of the band change places.
    return Prediction(
        row,
        entry.text("kind"),
        hours,
        full_speed / found.value,
        full_speed / found.high,
        full_speed / found.low,
    )


def _serving_table(measurements: Path | None) -> list[Prediction]:
    return _serving("model") if measurements is None else serving_table(measurements)


def _serving_new_chips(measurements: Path | None) -> list[Prediction]:
    _refuse(measurements)
    return _serving("chip")


def _serving(left_out: str) -> list[Prediction]:
    """Predict every point from those of another model, or of another chip.

    All points of the model, or the chip, are left out: variants of one benchmark are no
    independent test.
    """
    points = serving_points()
    rows = []
    for point in points:
        offline = point.tpot_limit_ms == float("inf")
        group = f"{point.kind}, {'offline' if offline else f'{point.tpot_limit_ms:g} ms'}"
        if left_out == "chip":
            group = point.chip
        same = frozenset(p.id for p in points if getattr(p, left_out) == getattr(point, left_out))
        # No point is asked to be quicker at its first token than it was.
        limits = (max(point.ttft_ms, _TTFT_MS), point.tpot_limit_ms)
        try:
            found = serving_utilisation(point.kind, limits, Mix(point.input_per_output, 1.0), same)
        except NotModelledError:
            reason = f"fewer than two points of another {left_out} in its latency class"
            rows.append(Prediction(point.id, group, None, reason=reason))
            continue
        rows.append(
            Prediction(point.id, group, point.utilisation, found.value, found.low, found.high)
        )
    return rows


def _refuse(measurements: Path | None) -> None:
    if measurements is not None:
        message = "these are the catalogue's own points; no file can take their place yet"
        raise InputError(message)


DOMAINS: Final[dict[str, Callable[[Path | None], list[Prediction]]]] = {
    "training": predict_table,
    "training-runs": _training_runs,
    "training-new-chips": _training_new_chips,
    "serving": _serving_table,
    "serving-new-chips": _serving_new_chips,
    "power": power_table,
    "site": site_table,
    "reliability": reliability_table,
    "scheduling": scheduling_table,
    "schedule": schedule_table,
    "finance": finance_table,
    "capability": capability_table,
}
"""What can be validated: the step model and planner, on training steps, MLPerf or whole runs; then
what campuses are simulated with, accelerator-hours from the utilisation of whole runs and
throughput of serving points, each without its own model and without its own chip. With a file,
``serving`` holds the model of `gigawatt host` against measured points or MLPerf inference.
``power`` predicts the power of accelerators, servers, clusters and walls from their work; ``site``
yearly PUE and water of cooling plants by climate, and power and losses of an electrical chain;
``schedule`` announced dates of campuses; ``finance`` published figures of money; ``capability``
losses and indices of models."""
