"""The loader lets no broken row through."""

from __future__ import annotations

import pytest

from gigawatt import catalog
from gigawatt.catalog._load import Catalog, fold
from gigawatt.errors import CatalogError, UnknownNameError

SOURCES = (
    "source,title,publisher,where,date,licence\ns1,A page,Somebody,https://example.org,2025-01,\n"
)
FIELDS = (
    "field,unit,type,required,minimum,maximum,description\n"
    "name,,text,yes,,,Full name\n"
    "power_w,W,number,no,0,5000,Rated power\n"
    "cores,1,integer,no,1,,Cores\n"
    "launch,,date,no,,,First sold\n"
)
FACTS = (
    "id,field,value,unit,low,high,date,source,basis,note\n"
    "x1,name,Chip X1,,,,2025,s1,vendor,\n"
    "x1,power_w,700,W,650,720,2025-01,s1,vendor,board power\n"
)


@pytest.fixture
def make(tmp_path):
    def write(facts=FACTS, fields=FIELDS, sources=SOURCES, aliases=None):
        for folder, name, text in (
            ("facts", "chip.csv", facts),
            ("fields", "chip.csv", fields),
            ("sources", "all.csv", sources),
            ("aliases", "chip.csv", aliases),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            if text is not None:
                (tmp_path / folder / name).write_text(text)
        return Catalog(tmp_path)

    return write


def test_a_fact_keeps_everything_that_was_said_of_it(make):
    fact = make().get("chip", "X1")["power_w"]
    assert (fact.number, fact.span, fact.unit) == (700.0, (650.0, 720.0), "W")
    assert (fact.source.publisher, fact.basis, fact.note) == ("Somebody", "vendor", "board power")
    assert fact.key == "chip/x1/power_w"
    assert make().fact("chip/x1/power_w") == fact


def test_aliases_and_spelling_do_not_matter(make):
    book = make(aliases="alias,id\nThe Big Chip,x1\n")
    assert book.get("chip", "the_big-chip").id == "x1"
    assert book.has("chip", "X1")
    assert not book.has("chip", "x2")
    assert book.get("chip", "x1").aliases == ("The Big Chip",)


def test_an_unknown_name_is_answered_with_the_nearest(make):
    with pytest.raises(UnknownNameError, match="did you mean x1"):
        make().get("chip", "x11")
    with pytest.raises(UnknownNameError, match="no kind named 'chips'"):
        make().entries("chips")


@pytest.mark.parametrize(
    "row",
    [
        "x1,colour,red,,,,2025,s1,vendor,",
        "x1,power_w,700,W,,,2025,s1,vendor,",
        "x2,power_w,700,W,,,2025,s1,vendor,",
        "X 3,name,Three,,,,2025,s1,vendor,",
        "x1,cores,2.5,1,,,2025,s1,vendor,",
        "x1,cores,many,1,,,2025,s1,vendor,",
        "x1,cores,0,1,,,2025,s1,vendor,",
        "x1,cores,8,1,9,10,2025,s1,vendor,",
        "x1,cores,8,kW,,,2025,s1,vendor,",
        "x1,cores,8,1,,,soon,s1,vendor,",
        "x1,cores,8,1,,,2025,s2,vendor,",
        "x1,cores,8,1,,,2025,s1,rumour,",
        "x1,launch,2025-13-01,,,,2025,s1,vendor,",
        "x1,cores,8,1,,,2025,s1,vendor",
    ],
)
def test_a_row_that_breaks_a_rule_stops_the_load(make, row):
    with pytest.raises(CatalogError):
        make(facts=f"{FACTS}{row}\n").entries("chip")


@pytest.mark.parametrize(
    "kept",
    [
        {"sources": SOURCES + "s1,Again,Somebody,https://example.org,2025,\n"},
        {"sources": SOURCES + "s2,,Somebody,https://example.org,2025,\n"},
        {"sources": "id,title\n"},
        {"fields": FIELDS + "weight,stone,number,no,,,Weight\n"},
        {"fields": FIELDS + "weight,kg,number,no,,,\n"},
        {"aliases": "alias,id\nother,x9\n"},
        {
            "aliases": "alias,id\nx1,x1\nX-1,x1\n",
            "facts": FACTS + "x-1,name,Y,,,,2025,s1,vendor,\n",
        },
    ],
)
def test_a_broken_table_stops_the_load(make, kept):
    with pytest.raises(CatalogError):
        make(**kept).entries("chip")


def test_a_fact_of_text_is_no_number(make):
    entry = make().get("chip", "x1")
    with pytest.raises(CatalogError, match="text"):
        entry.number("name")
    with pytest.raises(CatalogError, match="states no cores"):
        entry.number("cores")
    assert entry.number("cores", 4.0) == 4.0


def test_names_are_folded():
    assert fold("Meta Prometheus") == fold("meta_prometheus") == "meta-prometheus"
    assert fold("Llama-3.1") == "llama-3.1"


def test_every_fact_that_ships_keeps_the_rules():
    book = catalog.load()
    assert book.check() > 1000
