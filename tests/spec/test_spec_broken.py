"""Broken campus files: each gives one problem, at the right line and place, in plain words."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from gigawatt import spec
from gigawatt.errors import SpecError


class Broken(NamedTuple):
    """One replacement in the right file, and what must be said about it."""

    name: str
    old: str
    new: str
    line: int
    path: str
    fragment: str


_RUNS = """\
  training:
    - name: First
      model: llama-4-maverick
      tokens: 22 T tokens
    - name: Second
      model: llama-3.1-405b
      tokens: 15.6e12
"""

BROKEN = [
    # Values of a wrong type
    Broken("number for a name", "name: Test campus", "name: 7", 2, "name", "put it in quotes"),
    Broken("empty name", "name: Test campus", "name: ''", 2, "name", "that is not empty"),
    Broken("list for a name", "name: Test campus", "name: [a]", 2, "name", "found a list of 1"),
    Broken("truth for a text", "owner: Tester", "owner: true", 3, "owner", "found true"),
    Broken("nothing for a name", "name: Test campus", "name:", 2, "name", "found nothing"),
    Broken("control sign", "owner: Tester", 'owner: "a\\u0007b"', 3, "owner", "of printable signs"),
    Broken("two lines", "owner: Tester", 'owner: "a\\nb"', 3, "owner", "on one line"),
    Broken("long name", "Test campus", "x" * 600, 2, "name", "at most 500 signs"),
    Broken(
        "truth for a number", "it_mw: 500 MW", "it_mw: true", 16, "phases[0].it_mw", "found true"
    ),
    Broken(
        "list for a number", "it_mw: 500 MW", "it_mw: [5]", 16, "phases[0].it_mw", "found a list"
    ),
    Broken(
        "word for a number",
        "it_mw: 500 MW",
        "it_mw: lots",
        16,
        "phases[0].it_mw",
        "expected a power in MW such as '1.2 GW'; found 'lots'",
    ),
    Broken(
        "energy for power",
        "it_mw: 500 MW",
        "it_mw: 500 MWh",
        16,
        "phases[0].it_mw",
        "'MWh' measures energy, 'MW' measures power",
    ),
    Broken("unknown unit", "it_mw: 500 MW", "it_mw: 5 horses", 16, "phases[0].it_mw", "'5 horses'"),
    Broken("text for a list", _RUNS, "  training: Llama\n", 39, "programme.training", "a list"),
    Broken("text for a mapping", "  oversubscription: 1.5", "  fast", 27, "network", "a mapping"),
    Broken("list for a mapping", "  plant: airside-adiabatic", "  - x", 29, "cooling", "a list"),
    Broken("section left empty", "  discount_rate: 10 %", "", 55, "finance", "found nothing"),
    Broken(
        "word for a truth",
        "  research:\n    share: 0.2",
        "  research:\n    share: 0.2\n    takes_idle: maybe",
        53,
        "programme.research.takes_idle",
        "true or false",
    ),
    # Values out of range
    Broken("zero power", "it_mw: 500 MW", "it_mw: 0", 16, "phases[0].it_mw", "above 0 MW"),
    Broken("negative power", "300\n", "-300\n", 35, "power.sources[0].capacity_mw", "above 0 MW"),
    Broken("not a number", "1.5\n", ".nan\n", 28, "network.oversubscription", "must be finite"),
    Broken("infinite", "1.5\n", ".inf\n", 28, "network.oversubscription", "must be finite"),
    Broken("overflow", "1.5\n", "1e999\n", 28, "network.oversubscription", "must be finite"),
    Broken("huge", "1.5\n", "9" * 400 + "\n", 28, "network.oversubscription", "over 60 digits"),
    Broken("under 1", "1.5\n", "0.5\n", 28, "network.oversubscription", "a ratio of at least 1"),
    Broken("years", "years: 5", "years: 31", 12, "horizon.years", "at most 30 years"),
    Broken("half years", "years: 5", "years: 2.5", 12, "horizon.years", "must be a whole number"),
    Broken("share", "share: 30 %", "share: 30", 50, "programme.services[0].share", "at most 1"),
    Broken(
        "no chips left",
        "count: 100000",
        "count: 0",
        20,
        "phases[0].chips[0].count",
        "a number of chips of at least 1",
    ),
    # Keys
    Broken("key", "grid: pjm", "grid: pjm\n  gird: 1", 10, "site.gird", "did you mean grid?"),
    Broken("key of a campus", "owner: Tester", "ownr: Me", 3, "ownr", "did you mean owner"),
    Broken(
        "part of a key",
        "it_mw: 500 MW",
        "it_mw: 500 MW\n    mw: 3",
        17,
        "phases[0].mw",
        "did you mean it_mw or facility_mw?",
    ),
    Broken(
        "key like nothing",
        "  plant:",
        "  zzz: 1\n  plant:",
        30,
        "cooling.zzz",
        "keys here: plant, pue, wue_l_per_kwh",
    ),
    Broken("merge key", "owner: Tester", "<<: {owner: Me}", 3, "<<", "expected a key of a campus"),
    Broken("no grid", "  grid: pjm\n", "", 4, "site.grid", "expected the key grid; found nothing"),
    Broken("no name", "name: Test campus\n", "", 1, "name", "add it at the top level"),
    Broken("no chips", "    chips:\n      - type: gb300-nvl72\n", "", 21, "phases[1].chips", "key"),
    Broken("no tokens", "      tokens: 22 T tokens\n", "", 40, "programme.training[0].tokens", "k"),
    Broken(
        "chips empty",
        "chips:\n      - type: gb300-nvl72",
        "chips: []",
        25,
        "phases[1].chips",
        "at least one entry; found an empty list",
    ),
    Broken("key twice", "owner: Tester", "owner: A\nowner: B", 4, "owner", "first on line 3"),
    Broken("key no word", "owner: Tester", "? [a, b]\n: 3", 3, "YAML", "keys that are words"),
    # Names
    Broken("chip", "gb300-nvl72", "gb300-nvl7", 26, "phases[1].chips[0].type", "gb300-nvl72"),
    Broken("chip like none", "gb300-nvl72", "§", 26, "phases[1].chips[0].type", "catalog chip"),
    Broken("chip a number", "gb300-nvl72", "300", 26, "phases[1].chips[0].type", "in quotes"),
    Broken("climate", "columbus-oh", "columbs-oh", 8, "site.climate", "did you mean columbus-oh"),
    Broken("grid", "pjm", "pjmm", 9, "site.grid", "expected a grid region of the catalogue"),
    Broken("state", "state: OH", "state: QQ", 7, "site.state", "a US state of the catalogue"),
    Broken("state in full", "state: OH", "state: Ohio", 7, "site.state", "of two letters"),
    Broken("state abroad", "country: US", "country: FR", 7, "site.state", "outside the US"),
    Broken("country", "country: US", "country: France", 6, "site.country", "of two letters"),
    Broken("plant", "airside-adiabatic", "airside", 30, "cooling.plant", "airside-adiabatic"),
    Broken(
        "technology",
        "combined-cycle",
        "combine-cycle",
        34,
        "power.sources[0].technology",
        "did you mean combined-cycle",
    ),
    Broken("model", "llama-3.1-405b", "llama-3.1-405", 44, "programme.training[1].model", "405b"),
    Broken(
        "no such config",
        "llama-3.1-405b",
        "absent/config.json",
        44,
        "programme.training[1].model",
        "there is no such file",
    ),
    Broken(
        "precision",
        "tokens: 15.6e12",
        "tokens: 15.6e12\n      precision: fp18",
        46,
        "programme.training[1].precision",
        "expected 'bf16', 'fp8' or 'fp4'; found 'fp18' (did you mean fp8?)",
    ),
    Broken(
        "fact of no kind",
        "  discount_rate: 10 %\n",
        "  discount_rate: 10 %\nfacts:\n  - {input: name, fact: chips/h100}\n",
        58,
        "facts[0].fact",
        "'gigawatt catalog' lists them",
    ),
    Broken(
        "fact without such a field",
        "  discount_rate: 10 %\n",
        "  discount_rate: 10 %\nfacts:\n  - input: name\n    fact: chip/h100/tdp\n",
        59,
        "facts[0].fact",
        "did you mean tdp_w?",
    ),
    # Dates
    Broken("month 13", "start: 2027-01-01", "start: 2027-13-01", 11, "horizon.start", "month must"),
    Broken(
        "30 February", "e: 2028-01-01\n    i", "e: '2028-02-30'\n    i", 22, "phases[1].date", "day"
    ),
    Broken("a year", "start: 2027-01-01", "start: 2027", 11, "horizon.start", "date such as"),
    Broken("with a time", "t: 2027-01-01", "t: 2027-01-01T12:00:00", 11, "horizon.start", "a date"),
    Broken("far off", "start: 2027-01-01", "start: 9999-01-01", 11, "horizon.start", "2100-12-31"),
    # Fields that contradict each other
    Broken(
        "facility under IT",
        "facility_mw: 600",
        "facility_mw: 400",
        17,
        "phases[0].facility_mw",
        "expected a power of at least it_mw (500 MW); found 400 MW",
    ),
    Broken("phase twice", "name: Two", "name: One", 21, "phases[1].name", "'One', as in phases[0]"),
    Broken(
        "run twice",
        "name: Second",
        "name: First",
        43,
        "programme.training[1].name",
        "'First', as in programme.training[0]",
    ),
    Broken(
        "shares", "share: 0.2", "share: 0.4", 37, "programme", "found 1.2: training 0.4, services"
    ),
    Broken(
        "demand twice",
        "users: 5 million",
        "users: 5 million\n      tokens_per_day: 1 T",
        50,
        "programme.services[0].tokens_per_day",
        "users or tokens_per_day, not both",
    ),
    Broken(
        "two open lots",
        "- type: gb300-nvl72",
        "- type: gb300-nvl72\n      - type: gb200-nvl72",
        25,
        "phases[1].chips",
        "at most one entry without a count; found 2 of them",
    ),
    Broken(
        "more chips than power",
        "count: 100000",
        "count: 1 million",
        18,
        "phases[0].chips",
        "the phase's 500 MW of IT power can feed; found chips rated",
    ),
    # The file itself
    Broken("version", "gigawatt: 1", "gigawatt: 2", 1, "gigawatt", "1, the version of this file"),
    Broken("version as truth", "gigawatt: 1", "gigawatt: true", 1, "gigawatt", "found true"),
    Broken("tab", "  place:", "\tplace:", 5, "YAML", "not with tabs"),
    Broken("open quotes", "name: Test", "name: 'Test", 2, "YAML", "a fault: "),
    Broken("open bracket", "owner: Tester", "owner: [a", 3, "YAML", "close the bracket"),
    Broken("colon in a text", "Test campus", "Test: campus", 2, "YAML", "put text that holds ': '"),
    Broken("second document", "owner: Tester", "---\nowner: Me", 3, "YAML", "remove the second"),
    Broken("alias of nothing", "owner: Tester", "owner: *me", 3, "YAML", "needs an '&anchor'"),
    Broken("tag", "owner: Tester", "owner: !!python/name:os.system ''", 3, "owner", "tag '!!pyth"),
    Broken("own tag", "owner: Tester", "owner: !secret me", 3, "owner", "the tag '!secret'"),
    Broken("control sign in the file", "Tester", "Te\x07ster", 3, "YAML", "the sign U+0007"),
    Broken("holds itself", "owner: Tester", "owner: &a [*a]", 3, "owner[0]", "not contain itself"),
    Broken(
        "nested", "owner: Tester", f"owner: {'[' * 60}{']' * 60}", 3, "owner" + "[0]" * 40, "40"
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=[broken.name for broken in BROKEN])
def test_each_mistake_gives_one_problem(broken, right):
    text = right.replace(broken.old, broken.new, 1)
    assert text != right
    with pytest.raises(SpecError) as caught:
        spec.loads(text, "broken.yaml")
    problems = caught.value.problems
    assert [(p.line, p.path) for p in problems] == [(broken.line, broken.path)], str(caught.value)
    message = str(caught.value)
    assert broken.fragment in message
    assert message.startswith(f"broken.yaml:{broken.line}: {broken.path}: expected ")
    assert "\n" not in message
    assert len(problems[0].found) < 100


def test_the_unbroken_file_reads(right):
    assert spec.loads(right).name == "Test campus"


def test_table_is_long_and_its_names_differ():
    assert len({broken.name for broken in BROKEN}) == len(BROKEN) >= 45


def test_three_mistakes_give_three_problems(right):
    text = (
        right.replace("it_mw: 500 MW", "it_mw: lots")
        .replace("gird", "grid")
        .replace("grid: pjm", "grid: pjmm")
        .replace("name: Second", "name: First")
    )
    with pytest.raises(SpecError) as caught:
        spec.loads(text)
    found = [(p.line, p.path) for p in caught.value.problems]
    expected = [(9, "site.grid"), (16, "phases[0].it_mw"), (43, "programme.training[1].name")]
    assert found == expected


def test_contradiction_is_named_beside_a_wrong_key(right):
    text = right.replace("facility_mw: 600", "facility_mw: 400\n    colour: red")
    with pytest.raises(SpecError) as caught:
        spec.loads(text)
    assert [p.path for p in caught.value.problems] == ["phases[0].facility_mw", "phases[0].colour"]


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "an empty file"),
        ("# only a comment\n", "an empty file"),
        ("null", "an empty file"),
        ("- a\n- b\n", "a list of 2"),
        ("just words", "'just words'"),
        ("42", "found 42"),
        ("[" * 1000, "levels of nesting"),
    ],
)
def test_what_is_no_mapping_gives_one_problem(text, fragment):
    with pytest.raises(SpecError, match=fragment) as caught:
        spec.loads(text)
    assert len(caught.value.problems) == 1


def test_run_without_any_share(right):
    with pytest.raises(SpecError) as caught:
        spec.loads(right.replace("  training_share: 0.4\n", ""))
    paths = [p.path for p in caught.value.problems]
    assert paths == ["programme.training[0].share", "programme.training[1].share"]


def test_aliases_that_multiply_are_stopped():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(SpecError, match="at most 100,000 values, aliases followed") as caught:
        spec.loads("\n".join(lines))
    assert len(caught.value.problems) == 1


def test_plain_aliases_are_followed(right):
    text = right.replace("place: New Albany, Ohio", "place: &where New Albany").replace(
        "owner: Tester", ""
    )
    assert spec.loads(text + "owner: *where\n").owner == "New Albany"


def test_an_anchor_may_be_set_anew(right):
    text = right.replace("Test campus", "&a Test campus").replace("Tester", "&a Tester")
    assert spec.loads(text + "announced_maximum_mw: &a 3 GW\n").announced_maximum_mw == 3000


def test_a_long_value_is_shortened(right):
    with pytest.raises(SpecError) as caught:
        spec.loads(right.replace("500 MW", "x" * 300))
    found = caught.value.problems[0].found
    assert len(found) == 60
    assert found.endswith("…")
