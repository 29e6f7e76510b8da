"""Campuses written as YAML, templates, published campuses and the schema for editors."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt import catalog, spec
from gigawatt.errors import InputError, SpecError, UnknownNameError

CAMPUSES = [
    entry.id for entry in catalog.load().entries("campus") if "climate" in entry and "grid" in entry
]


def ids(kind: str) -> st.SearchStrategy[str]:
    return st.sampled_from([entry.id for entry in catalog.load().entries(kind)])


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_subnormal=False)


texts = st.one_of(
    st.sampled_from(
        ["yes", "null", "1.5", "2027-01-01", "a: b", "a # b", "- x", '"', "\\", "'", "~"]
    ),
    st.text(min_size=1, max_size=30),
).filter(lambda text: text == text.strip() and text and all(sign.isprintable() for sign in text))
dates = st.dates(dt.date(2000, 1, 1), dt.date(2100, 12, 31))
powers = numbers(1e-6, 1e5)
precisions = st.sampled_from(["bf16", "fp8", "fp4"])
maybe = st.none


@st.composite
def phases(draw, name: str) -> dict[str, object]:
    it_mw = draw(powers)
    chip = draw(ids("chip"))
    rated_mw = catalog.load().get("chip", chip).number("all_in_it_kw") / 1e3
    lots: list[dict[str, object]] = [{"type": draw(ids("chip"))}]
    if it_mw > rated_mw and draw(st.booleans()):
        lots.append({"type": chip, "count": draw(st.integers(1, math.floor(it_mw / rated_mw)))})
    return {
        "name": name,
        "date": draw(dates),
        "it_mw": it_mw,
        "facility_mw": it_mw * draw(numbers(1, 2)),
        "halls": draw(maybe() | st.integers(1, 50)),
        "chips": lots,
        "source": draw(maybe() | texts),
    }


def parts(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(fields)


def runs(name: str) -> st.SearchStrategy[dict[str, object]]:
    return parts(
        name=st.just(name),
        model=ids("model"),
        tokens=numbers(1, 1e20) | st.integers(1, 100).map(lambda n: n * 1e12),
        share=maybe() | numbers(1e-6, 0.1),
        start=maybe() | dates,
        global_batch=maybe() | st.integers(1, 10**6),
        seq_len=maybe() | st.integers(1, 10**6),
        precision=precisions,
    )


def services(name: str) -> st.SearchStrategy[dict[str, object]]:
    demand = parts(users=maybe() | numbers(1, 1e10)) | parts(tokens_per_day=numbers(1, 1e18))
    rest = parts(
        name=st.just(name),
        model=ids("model"),
        input_tokens=maybe() | numbers(1, 1e6),
        share=numbers(1e-6, 0.1),
        peak_to_mean=maybe() | numbers(1, 2),
        peak_hour=st.integers(0, 23),
        growth_per_year=numbers(-0.9, 10),
        ttft_ms=numbers(1, 1e5),
        precision=precisions,
        start=maybe() | dates,
    )
    return st.tuples(demand, rest).map(lambda pair: pair[0] | pair[1])


def build_tasks(name: str) -> st.SearchStrategy[dict[str, object]]:
    times = parts(
        days=numbers(10, 20), low_days=maybe() | numbers(1, 10), high_days=maybe() | numbers(20, 30)
    )
    rest = parts(
        name=st.just(name),
        phase=maybe() | texts,
        after=maybe() | st.lists(texts, max_size=2),
        uses=maybe() | texts,
        scope=st.sampled_from([None, "campus", "phase"]),
        not_before=maybe() | dates,
        done=maybe() | dates,
    )
    means = times | parts(technology=maybe() | ids("technology"))
    return st.tuples(means, rest).map(lambda pair: pair[0] | pair[1])


def buildouts(names: list[str]) -> st.SearchStrategy[dict[str, object]]:
    means = [parts(name=st.just(name), count=st.integers(1, 9)) for name in names[:1]]
    means += [parts(name=st.just(name), it_mw_per_month=powers) for name in names[1:]]
    return parts(
        as_of=maybe() | dates,
        start=maybe() | dates,
        standard=st.sampled_from([None, True, False]),
        tasks=st.tuples(*map(build_tasks, names)),
        means=st.tuples(*means),
    )


@st.composite
def campuses(draw) -> spec.Campus:
    names = draw(st.lists(texts, unique=True, max_size=3))
    plants = sorted({entry.text("plant") for entry in catalog.load().entries("plant")})
    return spec.Campus.model_validate(
        {
            "name": draw(texts),
            "announced_maximum_mw": draw(maybe() | powers),
            "owner": draw(st.just("") | texts),
            "site": {
                "place": draw(texts),
                "state": draw(maybe() | ids("state")),
                "climate": draw(ids("climate")),
                "grid": draw(ids("grid")),
            },
            "horizon": {"start": draw(dates), "years": draw(st.integers(1, 30))},
            "phases": [draw(phases(name)) for name in names],
            "network": {
                "fabric": draw(st.just("") | texts),
                "oversubscription": draw(numbers(1, 9)),
            },
            "cooling": {
                "plant": draw(st.sampled_from(plants)),
                "pue": draw(maybe() | numbers(1, 2)),
            },
            "power": {"interconnection_mw": draw(maybe() | powers)},
            "programme": {
                "training_share": draw(numbers(0.01, 0.3)),
                "training": [draw(runs(name)) for name in names],
                "services": [draw(services(name)) for name in names],
                "research": draw(maybe() | parts(share=numbers(0, 0.1), takes_idle=st.booleans())),
            },
            "finance": {"discount_rate": draw(maybe() | numbers(0, 1))},
            "buildout": draw(buildouts(names)),
        }
    )


@settings(max_examples=60, deadline=None)
@given(campuses())
def test_what_is_written_reads_back_the_same(campus):
    text = spec.to_yaml(campus)
    assert spec.loads(text) == campus
    assert spec.to_yaml(spec.loads(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1:-[]{}&*!#|>%@`'\"?,\n\t .\\~<=\u00e9", max_size=60))
def test_any_text_gives_a_campus_or_a_plain_error(text):
    with pytest.raises(SpecError) as caught:
        spec.loads(text)
    assert all(problem.line >= 1 and problem.found for problem in caught.value.problems)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_spoiled_file_gives_a_campus_or_a_plain_error(data):
    text = spec.template("full")
    at = data.draw(st.integers(0, len(text) - 1))
    spoil = data.draw(st.text(max_size=5))
    with contextlib.suppress(SpecError):
        spec.loads(text[:at] + spoil + text[at + data.draw(st.integers(0, 5)) :])


def test_written_file_is_plain_and_explains_itself(right):
    text = spec.to_yaml(spec.loads(right))
    assert text.startswith("# yaml-language-server: $schema=gigawatt.schema.json\n")
    assert "    it_mw: 500\n" in text
    assert "      tokens: 22 T\n" in text
    assert "      tokens: 15.6 T\n" in text
    assert "e+" not in text
    for key in ("site", "horizon", "phases", "network", "cooling", "power", "programme"):
        assert f"\n{key}:\n" in text
        before = text[: text.index(f"\n{key}:\n")].splitlines()[-1]
        assert before.startswith("# ")


def test_written_file_does_not_depend_on_how_values_were_written(right):
    other = right.replace("500 MW", "0.5 GW").replace("22 T tokens", "22e12").replace("10 %", "0.1")
    assert spec.to_yaml(spec.loads(other)) == spec.to_yaml(spec.loads(right))


# Templates


@pytest.mark.parametrize("name", spec.template_names())
def test_template_checks_cleanly(name):
    text = spec.template(name)
    campus = spec.loads(text, name)
    assert campus.phases
    assert text.startswith("# yaml-language-server: $schema=gigawatt.schema.json\n")
    assert spec.loads(spec.to_yaml(campus)) == campus


def test_full_template_shows_every_key():
    text = spec.template("full")
    schema = spec.schema()
    keys = set(schema["properties"])
    for part in schema["$defs"].values():
        keys |= set(part["properties"])
    missing = sorted(key for key in keys if f"{key}:" not in text and key != "tokens_per_day")
    assert missing == []


def test_unknown_template():
    with pytest.raises(InputError, match="there are minimal, training, hosting, full"):
        spec.template("maximal")


# Published campuses


@pytest.mark.parametrize("name", CAMPUSES)
def test_published_campus_reads_and_round_trips(name):
    campus = spec.from_catalog(name)
    assert spec.loads(spec.to_yaml(campus)) == campus
    assert campus == spec.from_catalog(name)


@pytest.mark.parametrize("name", CAMPUSES)
def test_published_phases_add_up_to_the_published_path(name):
    path = catalog.load().where("phase", campus=name)
    campus = spec.from_catalog(name)
    it_mw = sum(phase.it_mw for phase in campus.phases)
    facility_mw = sum(phase.facility_mw for phase in campus.phases)
    assert it_mw == pytest.approx(max(entry.number("it_mw") for entry in path), abs=1e-4)
    assert facility_mw >= max(entry.number("facility_mw") for entry in path) - 1e-4
    assert [phase.date for phase in campus.phases] == sorted(phase.date for phase in campus.phases)


def test_most_campuses_of_the_catalogue_can_be_loaded():
    assert len(CAMPUSES) >= 14


def test_published_campus_has_a_whole_programme():
    campus = spec.from_catalog("hyperion")
    assert campus.horizon.start >= dt.date(2026, 1, 1)
    assert campus.horizon.years == 5
    programme = campus.programme
    assert [run.model for run in programme.training] == [
        "llama-4-maverick",
        "llama-4-scout",
        "llama-3.1-405b",
    ]
    assert [run.tokens for run in programme.training] == [22e12, 40e12, 15.6e12]
    assert programme.services[0].users is None
    assert programme.services[0].tokens_per_day is None
    shares = (programme.training_share, programme.services[0].share, programme.research.share)
    assert sum(shares) == pytest.approx(1, abs=1e-3)


def test_unknown_campus():
    with pytest.raises(UnknownNameError, match="hyperion"):
        spec.from_catalog("meta-hyperio")


# Schema


def test_schema_describes_every_key():
    schema = spec.schema()
    json.dumps(schema)
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False
        for key, value in part["properties"].items():
            part_of_it = schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
            assert value.get("description") or part_of_it.get("description"), key


def test_schema_takes_numbers_and_texts_for_quantities():
    power = spec.schema()["$defs"]["Phase"]["properties"]["it_mw"]
    kinds = [option["type"] for option in power["anyOf"]]
    assert kinds == ["number", "string"]
    assert power["examples"] == ["1.2 GW"]
    assert "MW" in power["description"]


def test_schema_offers_names_of_the_catalogue():
    offered = spec.schema()["$defs"]["ChipLot"]["properties"]["type"]["examples"]
    assert "gb200-nvl72" in offered


def test_public_names_exist():
    assert set(spec.__all__) <= set(dir(spec))
    for name in spec.__all__:
        assert getattr(spec, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        spec.lod  # noqa: B018
