"""What a campus file says of money."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gigawatt.spec._part import Part, PerMw, PerMwYear, ShareOrNone, Years, whole_number
from gigawatt.spec._types import Named, Quantity

__all__ = ["Finance", "Financing", "Revenue"]

Rate = Annotated[float, Quantity("a rate", "ratio", "0.1 or '10 %'", least=0, most=1)]
Change = Annotated[
    float, Quantity("a yearly change", "ratio", "0.02 or '-30 %'", above=-1, most=10)
]
Positive = Annotated[float, Quantity("a price", "1", "2.5", above=0, most=1e9)]


class Revenue(Part):
    """Who pays for the computing, and how much. Left out: nobody; costs alone are answered."""

    market: Literal["none", "rent", "tokens", "transfer"] = Field(
        "none",
        description=(
            "rent: accelerator-hours in use are let; tokens: tokens served are sold; transfer: the "
            "owner pays cost and margin; none: nothing is paid."
        ),
    )
    usd_per_accelerator_hour: (
        Annotated[float, Quantity("a rent", "USD/h", "2.5", above=0, most=1e6)] | None
    ) = Field(
        None, description="Rent of an accelerator for an hour. Left out: the chip's published one."
    )
    usd_per_million_tokens: Positive | None = Field(
        None, description="Price of a million tokens served, input and output."
    )
    margin: Change = Field(
        0.0, description="Margin of a transfer price over cost: 0.1 is ten per cent."
    )
    change_per_year: Change | None = Field(
        None,
        description=(
            "Yearly change of the price without inflation. Left out: of a rent that of "
            "accelerators of equal performance, by chip_price_trend; of tokens none."
        ),
    )


class Financing(Part):
    """Who pays for what is built."""

    kind: Literal["equity", "bonds", "joint-venture"] = Field(
        "equity",
        description=(
            "equity: the owner; bonds: debt_share of all capital is borrowed; joint-venture: an "
            "investor and the owner build the facility and let it to the owner, as at Hyperion."
        ),
    )
    debt_share: ShareOrNone | None = Field(
        None, description="Part of capital that bonds pay for; must be stated for bonds."
    )
    coupon: Rate | None = Field(
        None, description="Yearly interest, nominal. Left out: that of Hyperion's bonds."
    )
    years: Annotated[int, whole_number("a number of years", "20", 100)] | None = Field(
        None, description="Years of repayment. Left out: Hyperion's longest lease."
    )
    owner_share: Rate | None = Field(
        None, description="Owner's share of the joint venture. Left out: Meta's in Hyperion."
    )


class Finance(Part):
    """Costs, each in place of the catalogue's. Real US dollars of `price_year`."""

    discount_rate: Rate | None = Field(
        None, description="Real cost of capital in a year: 0.1 is ten per cent."
    )
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
    land_acres: Annotated[float, Quantity("an area", "acre", "2250", least=0, most=1e6)] | None = (
        Field(None, description="Land of the campus in acres. Left out: land stays in the shell.")
    )
    land_usd_per_acre: (
        Annotated[float, Quantity("a price", "USD", "244000", least=0, most=1e9)] | None
    ) = Field(None, description="Price of an acre. Left out: the mean of US parcels.")
    jobs: Annotated[int, whole_number("a number of jobs", "500", 1e6)] | None = Field(
        None, description="People employed. Left out: their pay stays in other running cost."
    )
    usd_per_job_year: (
        Annotated[float, Quantity("a pay", "USD", "75100", least=0, most=1e7)] | None
    ) = Field(None, description="Pay of a job for a year. Left out: a technician's median.")
    water_usd_per_m3: (
        Annotated[float, Quantity("a price", "1", "1.5", least=0, most=1e4)] | None
    ) = Field(None, description="Price of water. Left out: it stays in other running cost.")
    income_tax_rate: Rate | None = Field(
        None,
        description="Tax on income. Left out: the federal rate in the US; elsewhere none is known.",
    )
    losses: Literal["carried", "offset"] = Field(
        "carried",
        description=(
            "Tax losses: carried forward to later income of the campus, or offset at once against "
            "other income of its owner."
        ),
    )
    tax_depreciation: Literal["bonus", "macrs", "straight-line"] = Field(
        "bonus",
        description=(
            "How capital is deducted: equipment at once (US law since 2025), by the tables of "
            "MACRS, or evenly."
        ),
    )
    inflation: Change | None = Field(
        None, description="Yearly rise of prices. Left out: the goal of the Federal Reserve."
    )
    chip_price_trend: Annotated[str, Named("chip_price_trend")] = Field(
        "flat", description="What accelerators of equal performance cost in later years."
    )
    end_value: Literal["book", "none"] = Field(
        "book", description="What is left at the end counts at its book value, or as nothing."
    )
    revenue: Revenue = Field(Revenue(), description="Who pays for the computing.")
    financing: Financing = Field(Financing(), description="Who pays for what is built.")
