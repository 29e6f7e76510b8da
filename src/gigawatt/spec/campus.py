"""The campus and its parts.

Keys of the YAML file are the names used here, with the unit in the name. A value may be a plain
number in that unit or a quantity such as ``1.2 GW``. A campus can't be changed once it is read;
``model_copy(update=...)`` makes another.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gigawatt.spec import _checks
from gigawatt.spec._part import (
    Date,
    Mean,
    Ms,
    Name,
    Note,
    Part,
    PowerMw,
    Precision,
    Share,
    ShareOrNone,
    Tokens,
    Users,
    no_truth,
    whole_number,
)
from gigawatt.spec._types import ACROSS, FactName, ModelName, Named, Quantity, Text
from gigawatt.spec.buildout import Buildout
from gigawatt.spec.finance import Finance
from gigawatt.spec.power import Power

__all__ = [
    "Basis",
    "Campus",
    "ChipLot",
    "Cooling",
    "DataProcessing",
    "Horizon",
    "Network",
    "Phase",
    "Programme",
    "Research",
    "Service",
    "Site",
    "TrainingRun",
]


class Site(Part):
    """Where the campus stands."""

    place: Name = Field(description="Where the campus stands, for readers.")
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


class Horizon(Part):
    """The time that is simulated, hour by hour, in UTC."""

    start: Date = Field(description="First day simulated.")
    years: Annotated[int, Quantity("a number", "years", "5", least=1, most=30, whole=True)] = Field(
        5, description="Calendar years simulated from `start` on, 1 to 30."
    )


class ChipLot(Part):
    """Accelerators of one type."""

    type: Annotated[str, Named("chip")] = Field(description="Chip of the catalogue.")
    count: Annotated[int, whole_number("a number of chips", "'100 k'")] | None = Field(
        None,
        description=(
            "Number of chips. Left out, it is as many as the phase's IT power feeds; "
            "one lot of a phase may leave it out."
        ),
    )


class Phase(Part):
    """What is added on one day: power, halls and chips. Not a running total."""

    name: Name = Field(description="Name of the phase; each phase has its own.")
    date: Date = Field(description="Day on which the addition is energised.")
    it_mw: PowerMw = Field(description="IT power added, in MW: chips, hosts, network, storage.")
    facility_mw: PowerMw = Field(
        description="Power at the meter added, in MW: IT power and everything it needs."
    )
    halls: Annotated[int, whole_number("a number of halls", "4", 10000)] | None = Field(
        None, description="Data halls added, for readers."
    )
    chips: tuple[ChipLot, ...] = Field(min_length=1, description="Accelerators added.")
    source: Note | None = Field(None, description="Where these figures come from.")


class Network(Part):
    """What connects the chips across hosts and racks."""

    fabric: Note = Field("", description="Name of the network, for readers.")
    scale_out_gbit_per_s: (
        Annotated[float, Quantity("a bandwidth", "Gbit/s", "'400 Gbit/s'", above=0, most=1e6)]
        | None
    ) = Field(None, description="Network bandwidth of a chip, in Gbit/s. Left out: the chip's own.")
    oversubscription: Annotated[float, Quantity("a ratio", "ratio", "1.5", least=1, most=1000)] = (
        Field(1.0, description="Bandwidth of the chips over that of the network's core, 1 or more.")
    )


class Cooling(Part):
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


class TrainingRun(Part):
    """A model to be trained."""

    name: Name = Field(description="Name of the run; each run has its own.")
    model: Annotated[str, ModelName()] = Field(
        description="Model of the catalogue, or the path of a Hugging Face config.json."
    )
    tokens: Tokens = Field(description="Tokens to train on.")
    share: Share | None = Field(
        None,
        description=(
            "Share of the campus's chips. Left out: the programme's training_share, in which "
            "runs follow one another in the order of the file."
        ),
    )
    start: Date | None = Field(None, description="Earliest first day. Left out: at once.")
    global_batch: Annotated[int, whole_number("a number of sequences", "2048")] | None = Field(
        None,
        description=(
            "Sequences in a step; a batch can be spread over so many chips only. "
            "Left out: no such limit."
        ),
    )
    seq_len: Annotated[int, whole_number("a number of tokens", "8192")] | None = Field(
        None, description="Tokens in a sequence."
    )
    precision: Precision = Field("bf16", description="Number format of the matrix products.")


class Service(Part):
    """A model to be hosted. With neither users nor tokens_per_day it serves all that it can."""

    name: Name = Field(description="Name of the service; each service has its own.")
    model: Annotated[str, ModelName()] = Field(
        description="Model of the catalogue, or the path of a Hugging Face config.json."
    )
    users: Users | None = Field(None, description="Daily users at the start.")
    tokens_per_day: Tokens | None = Field(
        None, description="Input and output tokens of a day at the start, in place of users."
    )
    requests_per_user_day: (
        Annotated[float, Quantity("a number of requests", "1", "8", above=0, most=1e6)] | None
    ) = Field(None, description="Requests of a user on a day. Left out: the catalogue's.")
    input_tokens: Mean | None = Field(
        None, description="Mean input tokens of a request. Left out: the catalogue's."
    )
    output_tokens: Mean | None = Field(
        None, description="Mean output tokens of a request. Left out: the catalogue's."
    )
    share: Share = Field(description="Largest share of the campus's chips it may take, to 1.")
    peak_to_mean: Annotated[float, Quantity("a ratio", "ratio", "1.6", least=1, most=2)] | None = (
        Field(None, description="Demand in the busiest hour over the mean of the day, 1 to 2.")
    )
    peak_hour: Annotated[
        int, Quantity("an hour of the day", "1", "20", least=0, most=23, whole=True)
    ] = Field(20, description="Busiest hour of the day in UTC, 0 to 23.")
    growth_per_year: Annotated[
        float, Quantity("a growth rate", "ratio", "0.5 or '50 %'", above=-1, most=100)
    ] = Field(0.0, description="Growth of demand in a year: 0.5 is half as much again.")
    ttft_ms: Ms = Field(
        2000.0,
        description="Longest time to the first token, in ms; slower published points do not count.",
    )
    tpot_ms: Ms = Field(
        100.0, description="Longest time for each further token, in ms; slower points do not count."
    )
    precision: Precision = Field("fp8", description="Number format of the matrix products.")
    start: Date | None = Field(None, description="First day of service. Left out: at once.")


class Research(Part):
    """Experiments: many small jobs."""

    share: ShareOrNone = Field(description="Share of the campus's chips, 0 to 1.")
    takes_idle: bool = Field(
        True, strict=True, description="Whether it also takes chips that nothing else uses."
    )


class DataProcessing(Part):
    """Filtering, labelling and making of training data."""

    share: ShareOrNone = Field(description="Share of the campus's chips, 0 to 1.")


class Programme(Part):
    """What the chips are for."""

    training: tuple[TrainingRun, ...] = Field((), description="Models to be trained.")
    training_share: Share | None = Field(
        None, description="Share of the chips for runs that state none; they follow one another."
    )
    services: tuple[Service, ...] = Field((), description="Models to be hosted.")
    research: Research | None = Field(None, description="Experiments.")
    data_processing: DataProcessing | None = Field(None, description="Work on training data.")


class Basis(Part):
    """The published facts that an input of this file comes from."""

    input: Name = Field(description="Path of the input, e.g. 'phases[0]'.")
    fact: Annotated[str, FactName()] = Field(
        description="Catalogue entry 'kind/name' or fact 'kind/name/field' it comes from."
    )


class Campus(Part):
    """A campus, from its site to its finance."""

    gigawatt: Annotated[Literal[1], BeforeValidator(no_truth)] = Field(
        1, description="Version of this file format."
    )
    name: Name = Field(description="Name of the campus.")
    owner: Note = Field("", description="Who owns it, for readers.")
    announced_maximum_mw: PowerMw | None = Field(
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
    buildout: Buildout = Field(Buildout(), description="The work that brings its phases.")
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
