"""The reference pages hold everything the program has."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import click
import pytest

from gigawatt import catalog, results, spec
from gigawatt.cli._app import COMMANDS, app
from gigawatt.cli.schema import keys

DOCS = Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def generate():
    place = importlib.util.spec_from_file_location("_generate", DOCS / "_generate.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sections():
    """Return the glossary's tables by heading: name to unit and meaning."""
    text = (DOCS / "reference" / "glossary.md").read_text(encoding="utf-8")
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)[1:]
    return {
        heading: {name: (unit, meaning) for name, unit, meaning in ROW.findall(body)}
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.fixture(scope="module")
def run():
    return results.simulate(spec.load("hyperion"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_command_line_reference(generate, name):
    page = generate.cli_page()
    section = page.partition(f"## gigawatt {name}\n")[2].partition("\n## ")[0]
    with click.Context(app) as context:
        command = app.get_command(context, name)
    for parameter in command.params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert f"  {option} " in section
    assert "Examples:" in section


def test_every_fact_is_in_the_catalogue_pages(generate):
    facts = catalog.load()
    for kind in facts.kinds:
        page = generate.catalog_page(facts, kind)
        rows = sum(line.startswith("| `") for line in page.splitlines())
        stated = sum(len(entry.facts) for entry in facts.entries(kind))
        assert rows == len(facts.fields(kind)) + stated


def test_every_source_is_in_the_sources_page(generate):
    facts = catalog.load()
    page = generate.sources_page(facts)
    assert all(f"`{key}`" in page and source.where in page for key, source in facts.sources.items())


def test_text_of_a_cell_stays_text(generate):
    facts = catalog.load()
    for kind in facts.kinds:
        for line in generate.catalog_page(facts, kind).splitlines():
            if line.startswith("| `"):
                assert len(re.findall(r"(?<!\\)\|", line)) in {4, 7}


def test_glossary_has_every_headline_with_its_unit(sections, run):
    named = {name: unit for name, (unit, _) in sections["Headlines"].items()}
    made = {name: line.unit for name, line in run.headlines.items()}
    assert made.items() <= named.items()


def test_glossary_has_no_headline_too_many(sections, run):
    # Hyperion has all that depend on a campus: a state, and an announced maximum.
    assert set(sections["Headlines"]) == set(run.headlines)


def test_glossary_has_every_column_of_every_table(sections, run):
    for name in run.tables:
        assert list(sections[name]) == list(run.tables[name].columns), name


def test_units_of_columns_agree_with_their_names(sections):
    ends = {
        "_mw": "MW", "_mwh": "MWh", "_usd": "USD", "_m3": "m3", "_t": "t", "_c": "C",
        "_ms": "ms", "_gbit_per_s": "Gbit/s", "_l_per_kwh": "L/kWh", "_usd_per_mwh": "USD/MWh",
        "_kg_per_mwh": "kg/MWh", "_per_it_mw": "USD/MW", "_mw_year": "USD/MW/yr",
        "_usd_per_m3": "USD/m3",
    }  # fmt: skip
    checked = 0
    for rows in sections.values():
        for name, (unit, _) in rows.items():
            last = name.rpartition(".")[2]
            suffix = max((e for e in ends if last.endswith(e)), key=len, default=None)
            if suffix is not None and name != "yearly_cost_usd":
                assert unit == ends[suffix], name
                checked += 1
    assert checked > 40


def test_glossary_has_every_key_of_the_campus_file(sections):
    assert set(sections["Campus file"]) == {key.path for key in keys(spec.schema())}


def test_examples_in_the_docs_are_campus_files():
    guide = (DOCS / "guides" / "describe-a-campus.md").read_text(encoding="utf-8")
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    for text in (guide, readme):
        example = next(block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
                       if block.startswith("gigawatt: 1"))  # fmt: skip
        assert spec.loads(example).name == "Example"
    supply = re.findall(r"```yaml\n(power:.*?)```", guide, re.DOTALL)
    base = re.search(r"```yaml\n(gigawatt: 1.*?)```", guide, re.DOTALL)[1]
    assert spec.loads(base + supply[0]).power.sources[0].technology == "combined-cycle"
