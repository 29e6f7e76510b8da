"""The campus and its parts.

Keys of the YAML file are the names used here, with the unit in the name. A value may be a plain
number in that unit or a quantity such as ``1.2 GW``. A campus can't be changed once it is read;
``model_copy(update=...)`` makes another.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gigawatt.spec import _checks
from gigawatt.spec._types import ACROSS, Day, FactName, ModelName, Named, Quantity, Text

__all__ = [
    "Basis",
    "Campus",
    "ChipLot",
    "Cooling",
    "DataProcessing",
    "Finance",
    "Horizon",
    "Network",
    "Phase",
    "Power",
    "Programme",
    "Research",
    "Service",
    "Site",
    "Source",
    "TrainingRun",
]

_Name = Annotated[str, Text("a name")]
_Note = Annotated[str, Text("a text", empty=True)]
_Date = Annotated[dt.date, Day()]
_Power = Annotated[float, Quantity("a power", "MW", "'1.2 GW'", above=0, most=1e6)]
_Share = Annotated[float, Quantity("a share", "ratio", "0.25 or '25 %'", above=0, most=1)]
_ShareOrNone = Annotated[float, Quantity("a share", "ratio", "0.25 or '25 %'", least=0, most=1)]
_Carbon = Annotated[float, Quantity("a carbon intensity", "kg/MWh", "390", least=0, most=5000)]
_Price = Annotated[float, Quantity("a price", "USD/MWh", "'6.2 c/kWh'", least=0, most=10000)]
_PerMw = Annotated[float, Quantity("a cost", "USD/MW", "'30 MUSD/MW'", least=0, most=1e10)]
_PerMwYear = Annotated[float, Quantity("a cost", "USD/MW/yr", "'1 MUSD/MW/yr'", least=0, most=1e9)]
_Years = Annotated[float, Quantity("a number", "years", "'5 years'", least=0.5, most=100)]
_Tokens = Annotated[float, Quantity("a number of tokens", "1", "'22 T'", above=0, most=1e21)]
_Users = Annotated[float, Quantity("a number of users", "1", "'5 million'", above=0, most=1e11)]
_Mean = Annotated[float, Quantity("a mean number", "1", "800", above=0, most=1e9)]
_Ms = Annotated[float, Quantity("a time", "ms", "'50 ms'", above=0, most=3.6e6)]
_Precision = Literal["bf16", "fp8", "fp4"]


def _count(noun: str, example: str, most: float = 1e9) -> Quantity:
    return Quantity(noun, "1", example, least=1, most=most, whole=True)


def _no_truth(value: object) -> object:
    """Return `value`, or text in place of a truth value, which Python takes for 0 or 1."""
    return str(value).lower() if isinstance(value, bool) else value


class _Part(BaseModel):
    """What every part has in common: no unknown keys, no change afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Site(_Part):
    """Where the campus stands."""

    place: _Name = Field(description="Where the campus stands, for readers.")
    country: Annotated[str, Text("a country of two letters", letters=2)] = Field(
        "US", description="Country in two letters (ISO 3166), for readers."
    )
    state: Annotated[str, Text("a state of two letters", letters=2)] | None = Field(
        None,
        description="US state in two letters; gives the industrial power price and home use.",
    )
    climate: Annotated[str, Named("climate")] = Field(
        description="Climate of the catalogue; gives monthly temperature and humidity."
    )
    grid: Annotated[str, Named("grid")] = Field(
        description="Grid region of the catalogue; gives power price and carbon intensity."
    )


class Horizon(_Part):
    """The time that is simulated, hour by hour, in UTC."""

    start: _Date = Field(description="First day simulated.")
    years: Annotated[int, Quantity("a number", "years", "5", least=1, most=30, whole=True)] = Field(
        5, description="Calendar years simulated from `start` on, 1 to 30."
    )


class ChipLot(_Part):
    """Accelerators of one type."""

    type: Annotated[str, Named("chip")] = Field(description="Chip of the catalogue.")
    count: Annotated[int, _count("a number of chips", "'100 k'")] | None = Field(
        None,
        description=(
            "Number of chips. Left out, it is as many as the phase's IT power feeds; "
            "one lot of a phase may leave it out."
        ),
    )


class Phase(_Part):
    """What is added on one day: power, halls and chips. Not a running total."""

    name: _Name = Field(description="Name of the phase; each phase has its own.")
    date: _Date = Field(description="Day on which the addition is energised.")
    it_mw: _Power = Field(description="IT power added, in MW: chips, hosts, network, storage.")
    facility_mw: _Power = Field(
        description="Power at the meter added, in MW: IT power and everything it needs."
    )
    halls: Annotated[int, _count("a number of halls", "4", 10000)] | None = Field(
        None, description="Data halls added, for readers."
    )
    chips: tuple[ChipLot, ...] = Field(min_length=1, description="Accelerators added.")
    source: _Note | None = Field(None, description="Where these figures come from.")


class Network(_Part):
    """What connects the chips across hosts and racks."""

    fabric: _Note = Field("", description="Name of the network, for readers.")
    scale_out_gbit_per_s: (
        Annotated[float, Quantity("a bandwidth", "Gbit/s", "'400 Gbit/s'", above=0, most=1e6)]
        | None
    ) = Field(None, description="Network bandwidth of a chip, in Gbit/s. Left out: the chip's own.")
    oversubscription: Annotated[float, Quantity("a ratio", "ratio", "1.5", least=1, most=1000)] = (
        Field(1.0, description="Bandwidth of the chips over that of the network's core, 1 or more.")
    )


class Cooling(_Part):
    """How heat leaves the campus."""

    plant: Annotated[str, Named("plant", "plant")] = Field(
        description="Cooling plant of the catalogue; gives PUE and water use by climate."
    )
    pue: Annotated[float, Quantity("a PUE", "ratio", "1.15", least=1, most=5)] | None = Field(
        None, description="Yearly mean power usage effectiveness, in place of the plant's."
    )
    wue_l_per_kwh: (
        Annotated[float, Quantity("a water use", "L/kWh", "0.3", least=0, most=50)] | None
    ) = Field(None, description="Yearly mean water use in L per kWh of IT energy.")


class Source(_Part):
    """A power plant or contract that supplies the campus beside the grid."""

    name: _Name = Field(description="Name of the source; each source has its own.")
    technology: Annotated[str, Named("technology")] = Field(
        description="Technology of the catalogue; gives cost, carbon and availability."
    )
    capacity_mw: _Power = Field(description="Capacity in MW.")
    date: _Date = Field(description="First day of supply.")
    connection: Literal["behind-the-meter", "contracted"] = Field(
        "behind-the-meter",
        description="On site behind the meter, or elsewhere and bought by contract.",
    )
    capacity_factor: _ShareOrNone | None = Field(
        None, description="Yearly output over capacity, 0 to 1, in place of the technology's."
    )


class Power(_Part):
    """How the campus is supplied."""

    interconnection_mw: _Power | None = Field(
        None, description="Most power the facility may draw, in MW. Left out: that of the phases."
    )
    price_usd_per_mwh: _Price | None = Field(
        None, description="Price of grid power in USD/MWh. Left out: the state's industrial price."
    )
    co2_kg_per_mwh: _Carbon | None = Field(
        None, description="Carbon intensity of grid power in kg/MWh. Left out: the grid's."
    )
    sources: tuple[Source, ...] = Field((), description="Supply beside the grid.")


class TrainingRun(_Part):
    """A model to be trained."""

    name: _Name = Field(description="Name of the run; each run has its own.")
    model: Annotated[str, ModelName()] = Field(
        description="Model of the catalogue, or the path of a Hugging Face config.json."
    )
    tokens: _Tokens = Field(description="Tokens to train on.")
    share: _Share | None = Field(
        None,
        description=(
            "Share of the campus's chips. Left out: the programme's training_share, in which "
            "runs follow one another in the order of the file."
        ),
    )
    start: _Date | None = Field(None, description="Earliest first day. Left out: at once.")
    global_batch: Annotated[int, _count("a number of sequences", "2048")] | None = Field(
        None,
        description=(
            "Sequences in a step; a batch can be spread over so many chips only. "
            "Left out: no such limit."
        ),
    )
    seq_len: Annotated[int, _count("a number of tokens", "8192")] | None = Field(
        None, description="Tokens in a sequence."
    )
    precision: _Precision = Field("bf16", description="Number format of the matrix products.")


class Service(_Part):
    """A model to be hosted. With neither users nor tokens_per_day it serves all that it can."""

    name: _Name = Field(description="Name of the service; each service has its own.")
    model: Annotated[str, ModelName()] = Field(
        description="Model of the catalogue, or the path of a Hugging Face config.json."
    )
    users: _Users | None = Field(None, description="Daily users at the start.")
    tokens_per_day: _Tokens | None = Field(
        None, description="Input and output tokens of a day at the start, in place of users."
    )
    requests_per_user_day: (
        Annotated[float, Quantity("a number of requests", "1", "8", above=0, most=1e6)] | None
    ) = Field(None, description="Requests of a user on a day. Left out: the catalogue's.")
    input_tokens: _Mean | None = Field(
        None, description="Mean input tokens of a request. Left out: the catalogue's."
    )
    output_tokens: _Mean | None = Field(
        None, description="Mean output tokens of a request. Left out: the catalogue's."
    )
    share: _Share = Field(description="Largest share of the campus's chips it may take, to 1.")
    peak_to_mean: Annotated[float, Quantity("a ratio", "ratio", "1.6", least=1, most=2)] | None = (
        Field(None, description="Demand in the busiest hour over the mean of the day, 1 to 2.")
    )
    peak_hour: Annotated[
        int, Quantity("an hour of the day", "1", "20", least=0, most=23, whole=True)
    ] = Field(20, description="Busiest hour of the day in UTC, 0 to 23.")
    growth_per_year: Annotated[
        float, Quantity("a growth rate", "ratio", "0.5 or '50 %'", above=-1, most=100)
    ] = Field(0.0, description="Growth of demand in a year: 0.5 is half as much again.")
    ttft_ms: _Ms = Field(
        2000.0,
        description="Longest time to the first token, in ms; slower published points do not count.",
    )
    tpot_ms: _Ms = Field(
        100.0, description="Longest time for each further token, in ms; slower points do not count."
    )
    precision: _Precision = Field("fp8", description="Number format of the matrix products.")
    start: _Date | None = Field(None, description="First day of service. Left out: at once.")


class Research(_Part):
    """Experiments: many small jobs."""

    share: _ShareOrNone = Field(description="Share of the campus's chips, 0 to 1.")
    takes_idle: bool = Field(
        True, strict=True, description="Whether it also takes chips that nothing else uses."
    )


class DataProcessing(_Part):
    """Filtering, labelling and making of training data."""

    share: _ShareOrNone = Field(description="Share of the campus's chips, 0 to 1.")


class Programme(_Part):
    """What the chips are for."""

    training: tuple[TrainingRun, ...] = Field((), description="Models to be trained.")
    training_share: _Share | None = Field(
        None, description="Share of the chips for runs that state none; they follow one another."
    )
    services: tuple[Service, ...] = Field((), description="Models to be hosted.")
    research: Research | None = Field(None, description="Experiments.")
    data_processing: DataProcessing | None = Field(None, description="Work on training data.")


class Finance(_Part):
    """Costs, each in place of the catalogue's. Real US dollars of `price_year`."""

    discount_rate: (
        Annotated[float, Quantity("a rate", "ratio", "0.1 or '10 %'", least=0, most=1)] | None
    ) = Field(None, description="Real cost of capital in a year: 0.1 is ten per cent.")
    it_life_years: _Years | None = Field(None, description="Life of the IT equipment, in years.")
    facility_life_years: _Years | None = Field(None, description="Life of the rest, in years.")
    compute_usd_per_it_mw: _PerMw | None = Field(
        None, description="Capital for IT equipment in USD per MW of IT power."
    )
    facility_usd_per_it_mw: _PerMw | None = Field(
        None, description="Capital for buildings, power and cooling in USD per MW of IT power."
    )
    other_usd_per_it_mw_year: _PerMwYear | None = Field(
        None, description="Yearly cost beside energy, in USD per MW of IT power."
    )
    price_year: Annotated[
        int, Quantity("a year", "1", "2026", least=2000, most=2100, whole=True)
    ] = Field(2026, description="Year of the prices.")


class Basis(_Part):
    """The published facts that an input of this file comes from."""

    input: _Name = Field(description="Path of the input, e.g. 'phases[0]'.")
    fact: Annotated[str, FactName()] = Field(
        description="Catalogue entry 'kind/name' or fact 'kind/name/field' it comes from."
    )


class Campus(_Part):
    """A campus, from its site to its finance."""

    gigawatt: Annotated[Literal[1], BeforeValidator(_no_truth)] = Field(
        1, description="Version of this file format."
    )
    name: _Name = Field(description="Name of the campus.")
    owner: _Note = Field("", description="Who owns it, for readers.")
    announced_maximum_mw: _Power | None = Field(
        None, description="Largest power announced, with or without a date; only reported."
    )
    site: Site = Field(description="Where it stands.")
    horizon: Horizon = Field(description="The time that is simulated.")
    phases: tuple[Phase, ...] = Field(description="What is added when; may be an empty list.")
    network: Network = Field(Network(), description="What connects the chips.")
    cooling: Cooling = Field(description="How heat leaves the campus.")
    power: Power = Field(Power(), description="How it is supplied.")
    programme: Programme = Field(Programme(), description="What the chips are for.")
    finance: Finance = Field(Finance(), description="Costs, in place of the catalogue's.")
    facts: tuple[Basis, ...] = Field(
        (), description="Published facts that inputs come from; every result then names them."
    )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Campus:
        wrong = _checks.across(_plain(self))
        if wrong:
            message = "; ".join(str(one) for one in wrong)
            raise PydanticCustomError(ACROSS, "{message}", {"message": message})
        return self


def _plain(campus: Campus) -> dict[str, Any]:
    """Return the campus as mappings, lists and plain values."""
    return campus.model_dump(mode="python")
