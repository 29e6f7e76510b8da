"""What a campus file says of its supply."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gigawatt.spec._files import HourlyFile
from gigawatt.spec._part import (
    Carbon,
    Date,
    Name,
    Part,
    PowerMw,
    Price,
    ShareOrNone,
    whole_number,
)
from gigawatt.spec._types import Named

__all__ = ["Power", "Source"]


class Source(Part):
    """A power plant or contract that supplies the campus beside the grid."""

    name: Name = Field(description="Name of the source; each source has its own.")
    technology: Annotated[str, Named("technology")] = Field(
        description="Technology of the catalogue; gives cost, carbon and availability."
    )
    capacity_mw: PowerMw = Field(description="Capacity in MW.")
    date: Date = Field(description="First day of supply.")
    connection: Literal["behind-the-meter", "contracted"] = Field(
        "behind-the-meter",
        description="On site behind the meter, or elsewhere and bought by contract.",
    )
    capacity_factor: ShareOrNone | None = Field(
        None, description="Yearly output over capacity, 0 to 1, in place of the technology's."
    )
    islanded: bool = Field(
        False,
        strict=True,
        description="Whether it feeds a part of the campus that has no connection to the grid.",
    )
    units: Annotated[int, whole_number("a number of units", "2", 10000)] | None = Field(
        None, description="Equal units that it is made of, for outages. Left out: one."
    )
    installed_mw: PowerMw | None = Field(
        None, description="Capacity of all units, spare ones included. Left out: its capacity."
    )
    price_usd_per_mwh: Price | None = Field(
        None, description="Price of a contract's energy in USD/MWh. Left out: what making it costs."
    )
    profile_file: Annotated[str, HourlyFile()] | None = Field(
        None, description="CSV file with its hourly output over capacity, 0 to 1."
    )


class Power(Part):
    """How the campus is supplied."""

    interconnection_mw: PowerMw | None = Field(
        None, description="Most power the facility may draw, in MW. Left out: that of the phases."
    )
    grid_import_mw: PowerMw | None = Field(
        None,
        description="Most power from the grid, in MW. Left out: all but what islanded plants feed.",
    )
    price_usd_per_mwh: Price | None = Field(
        None, description="Price of grid power in USD/MWh. Left out: the state's industrial price."
    )
    price_file: Annotated[str, HourlyFile()] | None = Field(
        None, description="CSV file with the hourly price of grid power in USD/MWh."
    )
    tariff: Annotated[str, Named("tariff")] | None = Field(
        None, description="Tariff or contract of the catalogue that grid power is billed under."
    )
    contracted_mw: PowerMw | None = Field(
        None,
        description="Power contracted with the utility, which least charges refer to, in MW.",
    )
    co2_kg_per_mwh: Carbon | None = Field(
        None, description="Carbon intensity of grid power in kg/MWh. Left out: the grid's."
    )
    co2_file: Annotated[str, HourlyFile()] | None = Field(
        None, description="CSV file with the hourly carbon intensity of grid power in kg/MWh."
    )
    sources: tuple[Source, ...] = Field((), description="Supply beside the grid.")
