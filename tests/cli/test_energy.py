"""``gigawatt energy``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import gigawatt as gw
from gigawatt.cli import energy
from gigawatt.results.energy_figures import ENERGY_FIGURES
from gigawatt.results.page import plotly_js
from gigawatt.results.parquet import read_table
from gigawatt.twin.energy_year.record import energy_record
from gigawatt.twin.energy_year.simulate import simulate_energy

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "guides" / "energy.md"
GLOSSARY = DOCS / "reference" / "glossary.md"


def answer(cli, *args):
    result = cli("energy", *args, "--format", "json", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout, parse_constant=pytest.fail)


# --- the answer


def test_text_holds_the_answer_first(cli, small):
    result = cli("energy", small, "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    top = result.stdout.partition("\nWho gives")[0]
    assert top.startswith("Small and its supply, the year 2027\n")
    for label in ("energy", "cost", "CO2", "not served", "homes"):
        assert re.search(rf"^  {label}  ", top, re.MULTILINE), label
    for title in ("What it costs", "What it emits", "How firm it is", "In homes", "Notes"):
        assert f"\n{title}\n" in result.stdout
    assert "the grid is taken never to fail" in result.stdout
    assert "least-cost supply" not in result.stdout


def test_json_is_the_year_of_supply(cli, small):
    found = simulate_energy(gw.load(small))
    assert answer(cli, small) == json.loads(json.dumps(energy_record(found)))
    assert found.as_dict() == energy_record(found)


def test_options_reach_the_model(cli):
    plain = answer(cli, "hyperion")
    other = answer(
        cli, "hyperion", "--year", "2031", "--announced", "--co2-price", "40",
        "--clean-share", "0.1", "--seed", "7", "--set", "power.contracted_mw=3 GW",
    )  # fmt: skip
    assert (other["seed"], other["announced"], other["contracted_mw"]) == (7, True, 3000.0)
    assert other["period"] == "the year 2031"
    assert "price of CO2" in other["cost_usd"]
    assert "price of CO2" not in plain["cost_usd"]
    assert other["answers"]["peak_mw"]["value"] > 2.0 * plain["answers"]["peak_mw"]["value"]


def test_the_bill_of_prometheus_tells_the_least_demand(cli):
    text = cli("energy", "prometheus").stdout
    assert "utility, least demand" in text
    plain = " ".join(text.split())
    assert "are not drawn: the least of 928 MW contracted" in plain
    assert re.search(r"leaving the contract of 12 years costs .* USD at once", plain)
    assert re.search(r"Socrates North +island +200", text)


def test_what_deserves_a_look_is_warned_of(cli):
    result = cli("energy", "prometheus", "--set", "power.contracted_mw=20")
    assert "warning: the tariff applies from 25 MW on; 20 MW are contracted" in result.stderr


# --- files


def test_hours_are_written_as_csv_and_parquet(cli, small, tmp_path):
    for ending in ("csv", "parquet"):
        result = cli("energy", small, "--hours", f"hours.{ending}")
        assert result.exit_code == 0
        assert f"a row for each hour is in hours.{ending}" in result.stderr
    with (tmp_path / "hours.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = read_table(tmp_path / "hours.parquet")
    found = simulate_energy(gw.load(small)).table()
    assert list(rows[0]) == list(table) == list(found)
    assert len(rows) == len(table["time"]) == 8760
    assert table["grid [MW]"].tolist() == found["grid [MW]"].tolist()
    assert float(rows[4000]["load_mw"]) == pytest.approx(found["load_mw"][4000], abs=1e-6)


def test_a_file_of_prices_is_read(cli, small):
    prices = np.linspace(10.0, 90.0, 8760)
    Path("prices.csv").write_text("usd\n" + "\n".join(f"{p:.4f}" for p in prices) + "\n")
    found = answer(cli, small, "--price", "prices.csv")
    assert 49.0 < found["answers"]["supply_usd_per_mwh"]["value"] < 51.0
    Path("prices.csv").write_text("usd\n10\nmuch\n")
    result = cli("energy", small, "--price", "prices.csv")
    assert result.exit_code == 2
    assert "prices.csv:3: usd: expected a number" in result.stderr


def test_the_page_holds_every_figure_of_a_year(cli, tmp_path):
    page = tmp_path / "energy.html"
    assert cli("energy", "hyperion", "--figure", page).exit_code == 0
    text = page.read_text(encoding="utf-8").replace(plotly_js(), "")
    for name in ENERGY_FIGURES:
        assert (f'data-figure="{name}"' in text) == (name not in {"expansion", "extra"}), name
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "Meta Hyperion, the year 2032" in text


def test_a_plan_is_printed_and_drawn(cli, small):
    asked = ("--plan", "--lole", "2.4", "--set", "horizon.years=2", "--figure", "plan.html")
    result = cli("energy", small, *asked)
    assert result.exit_code == 0
    for title in (
        "The least-cost supply over the years", "A gigawatt more, served in every hour",
        "At most 2.4 h a year short, in 2028",
    ):  # fmt: skip
        assert f"\n{title}\n" in result.stdout
    assert "not possible: nothing ordered now serves by then" in result.stdout
    text = Path("plan.html").read_text(encoding="utf-8")
    assert 'data-figure="expansion"' in text


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_network_is_written(cli, small, tmp_path):
    pypsa = pytest.importorskip("pypsa", reason="the extra 'pypsa' is not installed")
    result = cli("energy", small, "--export-pypsa", "small.nc")
    assert result.exit_code == 0
    assert "the network is in small.nc" in result.stderr
    network = pypsa.Network(str(tmp_path / "small.nc"))
    assert len(network.snapshots) == 8760
    assert str(network.snapshots[0]) == "2027-01-01 00:00:00"


# --- what is refused


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--year", "2031"], "a whole one of the horizon"),
        (["--hours", "hours.txt"], "ends in .csv or .parquet"),
        (["--figure", "nowhere/energy.html"], "nowhere does not exist"),
        (["--export-pypsa", "small.hdf"], "ends in .nc"),
        (["--price", "missing.csv"], "does not exist"),
        (["--clean-share", "1.5"], "0.0<=x<=1.0"),
        (["--lole", "2"], "--lole: expected --plan"),
        (["--announced"], "announces no more power"),
        (["--set", "power.tariff=aep"], "power.tariff"),
        (["--set", "power.grid_import_mw=0"], "power.grid_import_mw"),
    ],
)
def test_what_is_wrong_is_told(cli, small, asked, told):
    result = cli("energy", small, *asked)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


# --- what the docs say


def test_the_glossary_has_every_key_and_column(cli, small):
    text = GLOSSARY.read_text(encoding="utf-8")
    section = text.partition("\n## Energy\n")[2].partition("\n## ")[0]
    assert section
    found = answer(cli, small, "--plan", "--lole", "5")
    island = answer(cli, "prometheus")
    names = [
        *found, *found["answers"], *found["bill"], *found["plan"], *found["plan"]["reliable"],
        *found["plan"]["extra_gigawatt"][0], *island["answers"],
        *island["islands"][0],
        *(k for k in simulate_energy(gw.load(small)).table() if "[" not in k),
    ]  # fmt: skip
    assert [name for name in dict.fromkeys(names) if f"`{name}`" not in section] == []


def test_the_guide_names_only_options_that_exist():
    shown = set(re.findall(r"--[a-z][a-z0-9-]+", GUIDE.read_text(encoding="utf-8")))
    known = {text for p in energy.command.params for text in (*p.opts, *p.secondary_opts)}
    assert shown <= known


@pytest.mark.parametrize("name", ["prometheus", "hyperion"])
def test_the_guide_shows_what_is_printed(cli, name):
    """Figures follow the catalogue, so only their places are held."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    shown = next(b for b in blocks if b.startswith(f"Meta {name.capitalize()} and its supply"))
    printed = cli("energy", name).stdout

    def shape(answer):
        plain = re.sub(r"[+-]?\d[\d,.]*", "#", answer.partition("\nNotes")[0])
        plain = re.sub(r"\b[kMGT]W\b|[MGT]Wh|trillion|billion|million", "unit", plain)
        return set(re.findall(r"^  ?[A-Za-z][A-Za-z ,]+", plain, re.MULTILINE))

    assert shape(shown) == shape(printed)
    assert shown.splitlines()[0] == printed.splitlines()[0]
