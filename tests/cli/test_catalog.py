"""``gigawatt catalog``."""

from __future__ import annotations

import json

import pytest

from gigawatt import catalog


def test_kinds_with_counts(cli):
    rows = json.loads(cli("catalog", "--format", "json").stdout)
    facts = catalog.load()
    assert [row["kind"] for row in rows] == list(facts.kinds)
    assert sum(row["facts"] for row in rows) == facts.check()
    text = cli("catalog").stdout
    assert all(kind in text for kind in facts.kinds)


def test_kind_lists_every_entry(cli):
    result = cli("catalog", "chip")
    ids = [entry.id for entry in catalog.load().entries("chip")]
    lines = [line for line in result.stdout.splitlines()[1:] if line and line[0] != " "]
    shown = [line.split()[0] for line in lines]
    assert shown[: len(ids)] == ids
    rows = json.loads(cli("catalog", "chip", "--format", "json").stdout)
    assert [row["id"] for row in rows] == ids


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("kind", catalog.load().kinds)
def test_lines_of_a_kind_fit_the_terminal(cli, monkeypatch, kind, width):
    monkeypatch.setenv("COLUMNS", str(width))
    text = cli("catalog", kind).stdout
    widest_id = max(len(entry.id) for entry in catalog.load().entries(kind))
    assert max(map(len, text.splitlines())) <= max(width, widest_id + 32)
    assert "…" not in text


@pytest.mark.parametrize("kind", ["model", "rate"])
def test_kinds_of_few_common_fields_have_one_row_for_each_entry(cli, kind):
    lines = cli("catalog", kind).stdout.splitlines()[1:]
    starts = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    ids = [entry.id for entry in catalog.load().entries(kind)]
    assert starts[: len(ids)] == ids


def test_entry_shows_every_fact_with_its_source(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # wide enough that no cell is folded
    entry = catalog.load().get("chip", "gb200")
    text = cli("catalog", "chip", "gb200").stdout
    for fact in entry:
        row = next(line for line in text.splitlines() if line.startswith(fact.key.split("/")[2]))
        assert fact.date in row
        assert fact.basis in row
        assert fact.source.id in row
        assert fact.source.where in text


def test_entry_as_json_is_the_entry(cli):
    entry = catalog.load().get("chip", "h100-sxm")
    shown = json.loads(cli("catalog", "chip", "H100", "--format", "json").stdout)
    assert shown["id"] == "h100-sxm"
    assert list(shown["facts"]) == list(entry.facts)
    tdp = shown["facts"]["tdp_w"]
    assert (tdp["value"], tdp["unit"]) == (700.0, "W")  # NVIDIA's H100 SXM data sheet
    assert tdp["source"]["where"] == entry["tdp_w"].source.where


def test_search_finds_by_id_alias_and_text(cli):
    found = json.loads(cli("catalog", "--search", "NVL72", "--format", "json").stdout)
    assert ("chip", "gb200-nvl72") in {(row["kind"], row["id"]) for row in found}
    assert "louisiana" in cli("catalog", "campus", "--search", "louisiana").stdout.casefold()


def test_search_without_a_hit_says_so(cli):
    result = cli("catalog", "--search", "no such thing")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no entry mentions" in result.stderr
    assert json.loads(cli("catalog", "--search", "no such", "--format", "json").stdout) == []


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["chips"], "did you mean 'gigawatt catalog chip'?"),
        (["gb200"], "did you mean 'gigawatt catalog chip gb200'?"),
        (["deepseek"], "'gigawatt catalog --search deepseek'"),
        (["model", "deepseek"], "deepseek-v3"),
        (["model", "deepseek"], "deepseek-r1"),
        (["campus", "hyperon"], "did you mean meta-hyperion?"),
        (["chip", "h100-sxn"], "did you mean h100-sxm"),
        (["chip", "gb200", "--search", "x"], "leave NAME out"),
    ],
)
def test_what_does_not_exist_is_bad_input(cli, args, hint):
    result = cli("catalog", *args)
    assert result.exit_code == 2
    assert hint in result.stderr
    assert result.stdout == ""


def test_an_entry_is_suggested_once_however_many_names_it_has(cli):
    said = cli("catalog", "model", "deepseek").stderr
    assert said.count("deepseek-v3") == 1
    assert "DeepSeek" not in said
