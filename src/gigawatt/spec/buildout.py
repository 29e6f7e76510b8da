"""What a campus file says of the work that brings its phases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gigawatt.spec._part import Date, Name, Part, PowerMw, whole_number
from gigawatt.spec._types import WRONG, Named, Quantity

__all__ = ["BuildTask", "Buildout", "Means"]

Days = Annotated[float, Quantity("a time", "days", "'18 months'", least=0, most=20000)]


class BuildTask(Part):
    """A task: one of the standard network, changed, or one of your own."""

    name: Name = Field(description="Name of the task; one of the standard network is changed.")
    phase: Name | None = Field(
        None, description="Phase that this entry is about. Left out: every phase, or the campus."
    )
    days: Days | None = Field(
        None, description="Median lead time in days. Left out: the standard network's."
    )
    low_days: Days | None = Field(
        None, description="Its P10, in days. Left out: days, if that is given."
    )
    high_days: Days | None = Field(
        None, description="Its P90, in days. Left out: days, if that is given."
    )
    technology: Annotated[str, Named("technology")] | None = Field(
        None, description="Technology of the catalogue whose lead time it takes, in place of days."
    )
    after: tuple[Name, ...] | None = Field(
        None, description="Tasks that must be done before. Left out: the standard network's."
    )
    uses: Name | None = Field(None, description="Shared means that it uses, as in `means`.")
    scope: Literal["campus", "phase"] | None = Field(
        None, description="Done once for the campus, or for each phase. Left out: for each phase."
    )
    not_before: Date | None = Field(None, description="Earliest first day.")
    begun: Date | None = Field(None, description="Day on which it was begun.")
    done: Date | None = Field(None, description="Day on which it was done.")

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> BuildTask:
        times = [t for t in (self.low_days, self.days, self.high_days) if t is not None]
        if self.days is None and len(times) > 0:
            _refuse("days beside low_days and high_days")
        if times != sorted(times):
            _refuse("low_days, days and high_days in rising order")
        if self.technology is not None and times:
            _refuse("days or technology, not both")
        if self.begun is not None and self.done is not None and self.done < self.begun:
            _refuse("a day done that is not before the day begun")
        return self


class Means(Part):
    """Shared means: crews or slots that serve one task at a time, or deliveries at a rate."""

    name: Name = Field(description="Name of the means, as tasks use it.")
    count: Annotated[int, whole_number("a number of crews", "2", 10000)] | None = Field(
        None, description="Crews or slots; each serves one task at a time."
    )
    it_mw_per_month: PowerMw | None = Field(
        None, description="Deliveries a month, in MW of IT power, in place of a count."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Means:
        if (self.count is None) == (self.it_mw_per_month is None):
            _refuse("count or it_mw_per_month, one of the two")
        return self


class Buildout(Part):
    """The work that brings each phase, for ``gigawatt buildout``.

    Without tasks, the catalogue's standard network is taken. Phases come in the order of the file:
    an earlier one has the crews first.
    """

    as_of: Date | None = Field(
        None, description="Day on which what is said here was known. Left out: the start."
    )
    start: Date | None = Field(
        None, description="First day of work. Left out: announced dates are not held against tasks."
    )
    tasks: tuple[BuildTask, ...] = Field((), description="Tasks that differ from the standard.")
    standard: bool | None = Field(
        None,
        strict=True,
        description="Whether the catalogue's standard network is the base. Left out: true.",
    )
    means: tuple[Means, ...] = Field((), description="Shared means; one not named is not short.")


def _refuse(expected: str) -> None:
    raise PydanticCustomError(
        WRONG, "expected {expected}", {"expected": expected, "hint": "", "tail": ""}
    )
