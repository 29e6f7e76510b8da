"""``gigawatt site``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

import gigawatt as gw
from gigawatt.cli import site
from gigawatt.results.page import plotly_js
from gigawatt.results.parquet import read_table
from gigawatt.results.site_figures import SITE_FIGURES
from gigawatt.twin.site_year.record import site_record

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "guides" / "site.md"
GLOSSARY = DOCS / "reference" / "glossary.md"


def answer(cli, *args):
    result = cli("site", *args, "--format", "json", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout, parse_constant=pytest.fail)


# --- the answer


def test_text_holds_the_answer_first(cli, small):
    result = cli("site", small, "--quiet", "--job", "0")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    top = result.stdout.partition("\nWhat the worst hour")[0]
    assert top.startswith("Small at the grid, the year 2027\n")
    assert "gb200-nvl72; ac-ups; closed-loop-dry; synthetic year 0 of Monroe, Louisiana" in top
    for label in ("worst hour", "mean", "IT power", "PUE", "water", "curtailed", "margins"):
        assert re.search(rf"^  {label}  ", top, re.MULTILINE), label
    assert "none: the plant evaporates no water" in top
    assert "never: all IT power that is wanted is served" in top
    assert "synchronous job" not in result.stdout
    assert "\nNotes\n" in result.stdout


def test_json_is_the_site_year(cli, small):
    found = gw.simulate_site(gw.load(small))
    assert isinstance(found, gw.SiteYear)
    assert answer(cli, small) == json.loads(json.dumps(site_record(found)))
    assert found.as_dict() == site_record(found)


def test_options_reach_the_model(cli, small):
    plain = answer(cli, small, "--job", "0")
    other = answer(
        cli, small, "--job", "0", "--topology", "dc-800", "--plant", "waterside-economiser",
        "--warming", "2", "--heat-wave", "--seed", "3", "--year", "2027",
    )  # fmt: skip
    assert (other["topology"], other["plant"]) == ("dc-800", "waterside-economiser")
    assert (other["warming_k"], other["heat_wave"], other["seed"]) == (2.0, True, 3)
    assert "synthetic year 3" in other["weather"]
    assert "design days" in other["weather"]
    assert other["answers"]["water_m3"]["value"] > 0 == plain["answers"]["water_m3"]["value"]
    limit = round(plain["answers"]["mean_facility_mw"]["value"], 3)
    stated = f"power.interconnection_mw={limit}"
    limited = answer(cli, small, "--job", "0", "--set", stated)
    assert limited["answers"]["curtailed_h"]["value"] > 0
    assert limited["interconnection_mw"] == limit


def test_the_job_is_judged(cli):
    found = answer(cli, "prometheus", "--job", "8192", "--specification", "southern-2026")
    job = found["job"]
    assert (job["accelerators"], job["specification"]) == (8192, "southern-2026")
    assert job["low_mw"] < job["mean_mw"] < job["high_mw"]
    limits = job["unsmoothed"]["limits"]
    assert {one["limit"] for one in limits} >= {"dynamic range"}
    assert job["unsmoothed"]["passed"] == all(o["found"] <= o["allowed"] for o in limits)
    text = cli("site", "prometheus", "--job", "8192", "--specification", "southern-2026").stdout
    assert "A synchronous job against southern-2026" in text
    assert "Llama 3.1 405B on 8,192 gb200-nvl72" in text


def test_a_job_too_large_is_told(cli, small):
    result = cli("site", small)
    assert result.exit_code == 0
    assert "not answered  no type of accelerator is there 16,384 times" in result.stdout
    assert answer(cli, small)["job"] is None


def test_flicker_asks_for_the_short_circuit_power(cli):
    result = cli("site", "prometheus", "--specification", "iec-61000-3-7-hv")
    assert result.exit_code == 2
    assert "short-circuit" in result.stderr
    found = answer(
        cli, "prometheus", "--specification", "iec-61000-3-7-hv", "--short-circuit", "10000"
    )
    assert found["job"]["unsmoothed"]["limits"][0]["limit"] == "flicker Pst"


def test_an_event_is_played(cli, small):
    event = ("--event", "virginia-2024-07-10", "--job", "0")
    found = answer(cli, small, *event)["event"]
    assert found["counting"]["halls_left_at_dip"] == 3
    assert found["patient"]["off_grid_at_end_mw"] == 0.0
    text = cli("site", small, *event).stdout
    assert "virginia-2024-07-10 in the worst hour" in text
    assert "the halls at dip 3 to stay away" in " ".join(text.split())


def test_what_the_campus_states_and_is_not_used_is_warned_of(cli, small):
    result = cli("site", small, "--job", "0", "--set", "cooling.pue=1.5")
    assert "warning: cooling.pue is not used here" in result.stderr
    assert "1.5" not in result.stdout.partition("\nWhat the worst hour")[0]


# --- files


def test_hours_are_written_as_csv_and_parquet(cli, small, tmp_path):
    for ending in ("csv", "parquet"):
        result = cli("site", small, "--job", "0", "--hours", f"hours.{ending}")
        assert result.exit_code == 0
        assert f"a row for each hour is in hours.{ending}" in result.stderr
    with (tmp_path / "hours.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = read_table(tmp_path / "hours.parquet")
    found = gw.simulate_site(gw.load(small), job=None).table()
    assert list(rows[0]) == list(table) == list(found)
    assert len(rows) == len(table["time"]) == 8760
    for name in ("facility_mw", "pue", "wet_bulb_c"):
        assert table[name].tolist() == found[name].tolist()
        assert float(rows[4000][name]) == pytest.approx(found[name][4000], abs=1e-6)


def test_the_page_holds_every_figure(cli, tmp_path):
    page = tmp_path / "site.html"
    limit = "power.interconnection_mw=1.13 GW"
    asked = ("--plant", "waterside-economiser", "--figure", page, "--set", limit)
    asked = (*asked, "--event", "virginia-2024-07-10")
    assert cli("site", "hyperion", *asked).exit_code == 0
    text = page.read_text(encoding="utf-8").replace(plotly_js(), "")
    for name in SITE_FIGURES:
        assert f'data-figure="{name}"' in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "Meta Hyperion, the year 2032" in text
    assert "held at the limit" in text


def test_figures_that_say_nothing_are_left_out(cli, small, tmp_path):
    cli("site", small, "--job", "0", "--figure", "site.html")
    text = (tmp_path / "site.html").read_text(encoding="utf-8")
    assert 'data-figure="pue"' in text
    for name in ("wue", "waveform", "spectrum", "event"):
        assert f'data-figure="{name}"' not in text


# --- what is refused


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--topology", "ac-upss"], "did you mean ac-ups"),
        (["--plant", "lake"], "no cooling_plant named 'lake'"),
        (["--specification", "choukse"], "grid_specification"),
        (["--event", "ohio-2024"], "no grid_event named"),
        (["--year", "2031"], "a whole one of the horizon"),
        (["--hours", "hours.txt"], "ends in .csv or .parquet"),
        (["--figure", "nowhere/site.html"], "nowhere does not exist"),
        (["--weather", "missing.epw"], "does not exist"),
        (["--warming", "40"], "-20.0<=x<=20.0"),
        (["--set", "power.interconnection_mw=0"], "power.interconnection_mw"),
    ],
)
def test_what_is_wrong_is_told(cli, small, asked, told):
    result = cli("site", small, *asked)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_the_catalogue_s_own_names_work_cold(program):
    result = program("site", "hyperion", "--job", "0", "--quiet")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Meta Hyperion at the grid, the year 2032\n")


# --- what the docs say


def test_the_glossary_has_every_key_and_column(cli, small):
    text = GLOSSARY.read_text(encoding="utf-8")
    section = text.partition("\n## Site\n")[2].partition("\n## ")[0]
    assert section
    found = answer(cli, small, "--event", "virginia-2024-07-10")
    job = answer(cli, "prometheus")
    names = [
        *found, *found["answers"], *found["event"], *found["event"]["counting"], *job["answers"],
        *job["job"], *job["job"]["unsmoothed"], *job["job"]["smoothed"],
        *job["job"]["smoothed"]["storages"][0], *job["job"]["unsmoothed"]["limits"][0],
        *gw.simulate_site(gw.load(small), job=None).table(),
    ]  # fmt: skip
    assert [name for name in dict.fromkeys(names) if f"`{name}`" not in section] == []


def test_the_guide_names_only_options_that_exist():
    shown = set(re.findall(r"--[a-z][a-z-]+", GUIDE.read_text(encoding="utf-8")))
    known = {text for p in site.command.params for text in (*p.opts, *p.secondary_opts)}
    assert shown <= known


@pytest.mark.parametrize("name", ["prometheus", "hyperion"])
def test_the_guide_shows_what_is_printed(cli, name):
    """Figures follow the calibration, so only their places are held."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    shown = next(b for b in blocks if b.startswith(f"Meta {name.capitalize()} at the grid"))
    printed = cli("site", name).stdout

    def shape(answer):
        plain = re.sub(r"[+-]?\d[\d,.]*", "#", answer.partition("\nNotes")[0])
        plain = re.sub(r"\b[kMGT]W\b|[MGT]Wh|trillion|billion|million", "unit", plain)
        return set(re.findall(r"^  ?[a-z][a-z ]+", plain, re.MULTILINE))

    assert shape(shown) == shape(printed)
    assert shown.splitlines()[0] == printed.splitlines()[0]
