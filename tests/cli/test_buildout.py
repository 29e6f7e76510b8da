"""``gigawatt buildout``: text, JSON, figures and errors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gigawatt import spec
from gigawatt.cli.buildout import command
from gigawatt.errors import InputError

WORK = ("--set", "buildout.start=2026-01-01", "--set", "buildout.as_of=2026-01-01")
FEW = ("--samples", "400")


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    path = tmp_path_factory.mktemp("campus") / "full.yaml"
    path.write_text(spec.template("full"), encoding="utf-8")
    return str(path)


def run(*args):
    return CliRunner().invoke(command, [*args, *FEW], catch_exceptions=False)


def test_text_answers_first():
    out = run("prometheus").stdout
    first = out.splitlines()
    assert first[0] == "Build-out of Meta Prometheus, as known on 24 Sep 2026"
    assert "1.00 GW as announced    15 Apr 2027" in out
    assert re.search(r"1\.00 GW by 31 Dec 2026 .* %", out)
    assert "1.00 GW as earlier announcements had it" in out
    assert "Epoch AI" in out
    assert max(map(len, first)) <= 120


def test_json_has_what_the_docs_name_and_follows_the_seed():
    one, same, other = (
        json.loads(run("hyperion", "--seed", seed, "--format", "json").stdout)
        for seed in ("1", "1", "2")
    )
    assert one == same
    assert one != other
    assert {
        "as_of", "campus", "earlier_announcements", "facts", "months", "network", "notes",
        "phases", "probabilities", "rate", "samples", "seed", "target", "tasks", "total_mw",
    } <= one.keys()  # fmt: skip
    assert one["samples"] == 400
    assert one["total_mw"] == 5000.0
    assert one["target"]["p10"] <= one["target"]["p50"] <= one["target"]["p90"]


def test_the_guide_shows_what_is_printed(campus):
    guide = Path(__file__).parents[2] / "docs" / "guides" / "buildout.md"
    blocks = guide.read_text("utf-8").split("```\n")
    for name, first in (("prometheus", "Build-out of Meta Prometheus"), (campus, "What to hurry")):
        shown = next(block for block in blocks if block.startswith(first)).splitlines()
        printed = CliRunner().invoke(command, [name], catch_exceptions=False).stdout.splitlines()
        missing = [line for line in shown if line.strip() != "..." and line not in printed]
        assert not missing


def test_days_asked_for_are_answered():
    args = ("--target", "1328", "--by", "2030-06-30", "--format", "json")
    found = json.loads(run("prometheus", *args).stdout)
    assert 0.0 < found["probabilities"]["1328"]["2030-06-30"] < 1.0
    assert "1.33 GW by 30 Jun 2030" in run("prometheus", *args[:4]).stdout


def test_a_power_beyond_the_plan_is_said_to_be_never_there(tmp_path):
    page = tmp_path / "page.html"
    out = run("hyperion", "--target", "9000", "--figure", str(page)).stdout
    assert "never to never" not in out + page.read_text("utf-8")
    assert "5.00 GW are planned" in page.read_text("utf-8")
    assert "9.00 GW likely          never: 5.00 GW are planned" in out
    found = json.loads(run("hyperion", "--target", "9000", "--format", "json").stdout)
    assert found["target"]["p50"] is None


def test_notes_say_how_power_without_a_date_is_built(campus):
    # By itself it begins on the day known; beside tasks of the file it is built by these.
    alone, beside = (" ".join(run(name).stdout.split()) for name in ("hyperion", campus))
    assert "whose tasks begin on 2026-09-24 on land that the campus has" in alone
    assert "as one phase more, by the same tasks as the others" in beside


def test_tasks_of_the_full_template(campus):
    found = json.loads(run(campus, "--format", "json").stdout)
    assert {phase["view"] for phase in found["phases"][:2]} == {"tasks"}
    tasks = {row["task"] for row in found["network"]}
    assert {"Land", "Water main", "Supply on site"} <= tasks
    assert "What to hurry" in run(campus).stdout


def test_page_holds_every_figure(campus, tmp_path):
    page = tmp_path / "page.html"
    result = run(campus, "--figure", str(page))
    assert "the figures are in" in result.stderr
    text = page.read_text("utf-8")
    held = json.loads(re.search(r'id="figures">(.*?)</script>', text).group(1))
    assert set(held) == {"power", "chance", "phases", "gantt", "tornado", "hurry"}
    power = {trace["name"]: trace["y"] for trace in held["power"]["data"]}
    assert all(
        a <= b <= c for a, b, c in zip(power["P10"], power["P50"], power["P10–P90"], strict=True)
    )


def test_mistakes_name_the_field(campus, tmp_path):
    with pytest.raises(InputError, match="samples: expected a number from 10"):
        CliRunner().invoke(command, ["prometheus", "--samples", "1"], catch_exceptions=False)
    with pytest.raises(InputError, match=r"--figure: expected a file that ends in \.html"):
        run(campus, "--figure", str(tmp_path / "page.pdf"))
    with pytest.raises(InputError, match="expected low_days, days and high_days in rising order"):
        run(campus, "--set", "buildout.tasks=[{name: Land, days: 10, low_days: 20}]")
    with pytest.raises(InputError, match=r"buildout\.tasks: 'Shell' waits for 'Sheds'"):
        run(campus, "--set", "buildout.tasks=[{name: Shell, after: [Sheds]}]")
    with pytest.raises(InputError, match="count or it_mw_per_month, one of the two"):
        run(campus, "--set", "buildout.means=[{name: crews}]")
