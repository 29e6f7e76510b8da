"""What a campus file says of its supply."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gigawatt.spec._part import Carbon, Date, Name, Part, PowerMw, Price, ShareOrNone
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


class Power(Part):
    """How the campus is supplied."""

    interconnection_mw: PowerMw | None = Field(
        None, description="Most power the facility may draw, in MW. Left out: that of the phases."
    )
    price_usd_per_mwh: Price | None = Field(
        None, description="Price of grid power in USD/MWh. Left out: the state's industrial price."
    )
    co2_kg_per_mwh: Carbon | None = Field(
        None, description="Carbon intensity of grid power in kg/MWh. Left out: the grid's."
    )
    sources: tuple[Source, ...] = Field((), description="Supply beside the grid.")
