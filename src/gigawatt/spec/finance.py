"""What a campus file says of money."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gigawatt.spec._part import Part, PerMw, PerMwYear, Years
from gigawatt.spec._types import Quantity

__all__ = ["Finance"]


class Finance(Part):
    """Costs, each in place of the catalogue's. Real US dollars of `price_year`."""

    discount_rate: (
        Annotated[float, Quantity("a rate", "ratio", "0.1 or '10 %'", least=0, most=1)] | None
    ) = Field(None, description="Real cost of capital in a year: 0.1 is ten per cent.")
    it_life_years: Years | None = Field(None, description="Life of the IT equipment, in years.")
    facility_life_years: Years | None = Field(None, description="Life of the rest, in years.")
    compute_usd_per_it_mw: PerMw | None = Field(
        None, description="Capital for IT equipment in USD per MW of IT power."
    )
    facility_usd_per_it_mw: PerMw | None = Field(
        None, description="Capital for buildings, power and cooling in USD per MW of IT power."
    )
    other_usd_per_it_mw_year: PerMwYear | None = Field(
        None, description="Yearly cost beside energy, in USD per MW of IT power."
    )
    price_year: Annotated[
        int, Quantity("a year", "1", "2026", least=2000, most=2100, whole=True)
    ] = Field(2026, description="Year of the prices.")
