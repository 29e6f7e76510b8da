"""How the worth of a campus moves when one input moves over its published range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.errors import InputError, nearest
from gigawatt.twin.cash.plan import plan_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gigawatt.twin.cash.plan import FinancePlan

__all__ = ["FACTORS", "Swing", "swing_inputs", "unranged"]

FACTORS: Final = {
    "electricity": "Cost of electricity",
    "price": "Price of what is sold",
}
"""What is varied as a factor of what is taken otherwise."""

_LABELS: Final = {
    "compute_usd_per_it_mw": ("Capital of computers", "USD/MW"),
    "facility_usd_per_it_mw": ("Capital of the facility", "USD/MW"),
    "discount_rate": ("Discount rate", "ratio"),
    "it_life_years": ("Life of computers", "years"),
    "facility_life_years": ("Life of the facility", "years"),
    "chip_price_trend": ("Price of equal accelerators a year", "ratio"),
    "other_usd_per_it_mw_year": ("Running cost beside energy", "USD/MW/yr"),
    "income_tax_rate": ("Tax on income", "ratio"),
    "loss_offset_share": ("Income that old losses cover", "ratio"),
    "inflation": ("Inflation", "ratio"),
    "land_acres": ("Land", "acre"),
    "land_usd_per_acre": ("Price of an acre", "USD"),
    "jobs": ("Jobs", "1"),
    "usd_per_job_year": ("Pay of a job", "USD"),
    "water_usd_per_m3": ("Price of water", "USD"),
}
_LIMITS: Final = {
    "chip_price_trend": (-0.99, 10.0),
    "loss_offset_share": (0.0, 1.0),
    "electricity": (0.0, 1000.0),
    "price": (0.0, 1000.0),
}
"""What can be varied though the campus file states no such number: its least and its most."""

_OPEN: Final = ("discount_rate", "facility_life_years", "other_usd_per_it_mw_year", "inflation",
                "electricity")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Swing:
    """The worth of a campus at both ends of one input's range, everything else as it is.

    Parameters
    ----------
    name, label, unit : str
        The input.
    value, low, high : float
        As taken, and the ends of its range.
    npv_at_low_usd, npv_at_high_usd : float
        Worth of the owner's flows at these ends.
    published : bool
        Whether the range is published, and not the user's.
    """

    name: str
    label: str
    unit: str
    value: float
    low: float
    high: float
    npv_at_low_usd: float
    npv_at_high_usd: float
    published: bool

    @property
    def width_usd(self) -> float:
        """How far apart the two are."""
        return abs(self.npv_at_high_usd - self.npv_at_low_usd)


def swing_inputs(
    plan: FinancePlan, ranges: Mapping[str, tuple[float, float]] | None = None
) -> tuple[Swing, ...]:
    """Return what one input at a time does to the worth, widest first.

    Parameters
    ----------
    plan : FinancePlan
        The campus.
    ranges : mapping of str to (float, float), optional
        Ranges of the user's own, in place of published ones or where none is published; by the
        names of the campus file's ``finance``, ``electricity`` or ``price`` (as factors).

    Raises
    ------
    InputError
        If there is no input of a name, or it can't have such a value.
    """
    given = dict(ranges or {})
    for name, span in given.items():
        _check(plan, name, span)
    found = dict(_published(plan)) | given
    swings = (_swing(plan, n, *span, n not in given) for n, span in found.items())
    return tuple(sorted(swings, key=lambda s: -s.width_usd))


def _check(plan: FinancePlan, name: str, span: tuple[float, float]) -> None:
    """Refuse an input that there is not, and a value that the campus file would not take."""
    from pydantic import ValidationError  # noqa: PLC0415  slow to import

    if name not in _LABELS and name not in FACTORS:
        near = nearest(name, (*_LABELS, *FACTORS))
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        message = f"vary: expected one of {', '.join((*_LABELS, *FACTORS))}; found '{name}'{hint}"
        raise InputError(message)
    for end in span:
        if name in _LIMITS:
            least, most = _LIMITS[name]
            wrong = "" if least <= end <= most else f"expected {least:g} to {most:g}"
        else:
            try:
                type(plan.campus.finance).model_validate({name: end})
                wrong = ""
            except ValidationError as error:
                wrong = error.errors()[0]["msg"]
        if wrong:
            message = f"vary: {name}: {wrong}; found {end:g}"
            raise InputError(message)


def unranged(plan: FinancePlan) -> tuple[str, ...]:
    """Return inputs that matter and of which no range is published."""
    ranged = {s.name for s in plan.swings}
    return tuple(name for name in _OPEN if name not in ranged)


def _published(plan: FinancePlan) -> Iterator[tuple[str, tuple[float, float]]]:
    for name, known in plan.inputs.known.items():
        low = known.value if known.low is None else known.low
        high = known.value if known.high is None else known.high
        if name != "chip_price_trend" and known.facts and low < high:
            yield name, (low, high)
    trends = [e["price_change_per_year"].span for e in catalog.load().entries("chip_price_trend")]
    yield "chip_price_trend", (min(low for low, _ in trends), max(high for _, high in trends))
    income = plan.flows.income
    if income.low < income.high:
        yield "price", (income.low, income.high)


def _swing(plan: FinancePlan, name: str, low: float, high: float, published: bool) -> Swing:
    at_low, at_high = _worth(plan, name, low), _worth(plan, name, high)
    if name in FACTORS:
        label, unit, value = FACTORS[name], "ratio", 1.0
    else:
        label, unit = _LABELS.get(name, (name, "1"))
        value = plan.inputs[name]
    return Swing(name, label, unit, value, low, high, at_low, at_high, published)


def _worth(plan: FinancePlan, name: str, value: float) -> float:
    if name == "electricity":
        again = plan_run(plan.campus, plan.run, plan.inputs, energy_factor=value)
    elif name == "price":
        again = plan_run(plan.campus, plan.run, plan.inputs, price_factor=value)
    else:
        again = plan_run(plan.campus, plan.run, plan.inputs.replaced(**{name: value}))
    return again.npv_usd
