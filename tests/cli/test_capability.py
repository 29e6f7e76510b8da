"""``gigawatt capability``, ``data`` and ``label``: what they print and refuse."""

from __future__ import annotations

import json

import pytest


def answer(cli, *args):
    result = cli(*args, "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout, parse_constant=pytest.fail)


def test_capability_says_what_limits_each_run_and_who_else_is_there(cli, small):
    result = cli("capability", small)
    assert (result.exit_code, result.stderr) == (0, "")
    for words in ("limited by", "nats", "best models known by", "Compute of companies", "Notes"):
        assert words in result.stdout


def test_capability_limited_by_money_date_and_data(cli, small):
    plenty = answer(cli, "capability", small)["runs"][0]
    assert plenty["limited_by"] is None
    for name, option in (
        ("money", ("--budget", "100 USD")),
        ("date", ("--by", "2026-12-31")),
        ("data", ("--web-share", "0.1 %", "--epochs", "1")),
    ):
        run = answer(cli, "capability", small, *option)["runs"][0]
        assert run["limited_by"] == name
        assert run["reached_share"] < 1.0
        assert run["limits"][0]["lacks"]


def test_a_run_may_end_on_the_last_day_asked_for(cli, small):
    end = answer(cli, "capability", small)["runs"][0]["end"]
    assert answer(cli, "capability", small, "--by", end)["runs"][0]["limited_by"] is None


def test_a_run_that_never_begins_is_said_and_the_others_are_answered(cli, small):
    text = small.read_text(encoding="utf-8").replace(
        "tokens: 1 T}]",
        "tokens: 1 T}, {name: late, model: llama-3.1-8b, tokens: 1 T, start: 2050-01-01}]",
    )
    small.write_text(text, encoding="utf-8")
    first, late = answer(cli, "capability", small, "--budget", "1 MUSD")["runs"]
    assert first["limited_by"] is None
    assert (late["begun"], late["limited_by"], late["reached_share"]) == (False, "compute", 0.0)
    assert "not begun by 2027-12-31" in cli("capability", small).stdout


def test_a_small_batch_leaves_accelerators_idle(cli, small):
    def allowed():
        limits = answer(cli, "capability", small)["runs"][0]["limits"]
        return next(one["tokens"] for one in limits if one["name"] == "compute")

    every = allowed()
    text = small.read_text(encoding="utf-8")
    small.write_text(
        text.replace("tokens: 1 T}", "tokens: 1 T, global_batch: 64}"), encoding="utf-8"
    )
    assert allowed() < 0.5 * every


def test_published_models_stand_beside_their_rivals(cli, small):
    found = answer(cli, "capability", small, "--rivals", "3")["published"]
    assert [one["models"][0]["name"] for one in found] == ["Llama 3.1-8B"]
    assert len(found[0]["others"]) == 3
    text = cli("capability", small).stdout
    assert "As published on 2024-07-23" in text
    assert "MATH 5" in text
    assert answer(cli, "capability", small, "--rivals", "0")["published"] == []


def test_capability_json_agrees_with_itself(cli, small):
    found = answer(cli, "capability", small)
    run = found["runs"][0]
    loss = run["loss_nats"]
    assert loss["p10"] <= loss["value"] <= loss["p90"]
    assert run["active_params"] <= run["params"]
    best = run["compute_optimal"]
    assert 6 * best["params"] * best["tokens"] == pytest.approx(run["training_flop"])
    frontier = found["frontier"]
    assert all(len(v) == len(frontier["dates"]) for v in frontier["h100_equivalents"].values())


def test_compute_a_researcher_is_that_of_the_owner(cli, small):
    asked = ("capability", "--researchers", "3000")
    found = answer(cli, *asked, "hyperion", "--rivals", "0")
    meta = found["frontier"]["h100_equivalents"]["Meta"][-1]
    assert found["h100_equivalents_per_researcher"] == pytest.approx(meta / 3000.0)
    # An owner of whom the catalogue knows no campus has no number, rather than none a head.
    assert answer(cli, *asked, small)["h100_equivalents_per_researcher"] is None
    assert "no campus of its own use is known" in cli(*asked, small).stdout


def test_capability_writes_a_page(cli, small, tmp_path):
    page = tmp_path / "capability.html"
    result = cli("capability", small, "--figure", page)
    assert result.exit_code == 0
    assert str(page) in result.stderr
    text = page.read_text(encoding="utf-8")
    for caption in ("Compute of companies over time", "as published, beside the best"):
        assert caption in text
    assert cli("capability", small, "--figure", tmp_path / "x.png").exit_code == 2


def test_a_campus_that_trains_nothing_is_told_so(cli, tmp_path, small):
    path = tmp_path / "host.yaml"
    text = small.read_text(encoding="utf-8")
    path.write_text(
        "\n".join(line for line in text.splitlines() if "training" not in line), encoding="utf-8"
    )
    result = cli("capability", path)
    assert result.exit_code == 2
    assert "programme.training is empty" in result.stderr


def test_data_says_what_is_lacking(cli):
    few = answer(cli, "data", "--tokens", "15 T")
    assert few["lacking_tokens"] == 0
    asked = ("--tokens", "100 T", "--share", "10 %", "--synthetic", "llama-3.1-70b")
    many = answer(cli, "data", *asked)
    assert many["lacking_tokens"] > 0
    assert many["synthetic"]["chip_hours"] > 0
    text = cli("data", *asked).stdout
    for words in ("lacking", "CPU-hours", "Written by llama-3.1-70b", "not in the hours", "speech"):
        assert words in text
    best = answer(cli, "data", "--tokens", "15 T", "--quality", "8.7 %")
    assert best["epochs"] > few["epochs"]
    assert len(best["curation"]) == len(few["curation"]) + 1
    for bad in ("a lot", "nan"):
        assert cli("data", "--tokens", bad).exit_code == 2
    assert cli("data", "--tokens", "1 T", "--epochs", "inf").exit_code == 2
    assert cli("data", "--tokens", "1 T", "--synthetic", "nobody-9").exit_code == 2
    assert cli("data", "--tokens", "1 T", "--keep", "1 %").exit_code == 2


def test_label_compares_two_ways(cli):
    asked = ("--items", "1 million", "--target", "95 %", "--annotators", "40")
    rest = ("--per-hour", "12", "--price", "1.2")
    found = answer(cli, "label", *asked, *rest, "--agreement", "72.6 %")
    assert found["same_for_all"]["votes"] == 5
    assert found["until_sure"]["votes"] < 3
    assert (
        answer(cli, "label", *asked, *rest, "--accuracy", "90 %", "--tests", "0 %")[
            "accuracy_error"
        ]
        is None
    )
    text = cli("label", *asked, *rest, "--accuracy", "90 %").stdout
    assert "as many for all" in text
    assert "more while unsure" in text
    assert cli("label", *asked, *rest).exit_code == 2
    both = cli("label", *asked, *rest, "--accuracy", "90 %", "--agreement", "80 %")
    assert both.exit_code == 2
    assert "both" in both.stderr


def test_label_tests_those_who_apply(cli):
    asked = ("--items", "1 million", "--target", "95 %", "--annotators", "40", "--accuracy", "80 %")
    rest = ("--per-hour", "12", "--price", "1.2")
    test = ("--spread", "10 %", "--gold", "40", "--pass", "80 %")
    found = answer(cli, "label", *asked, *rest, *test)
    assert found["team"]["accuracy"] > 0.8
    assert found["weighed"]["labels"] <= found["same_for_all"]["labels"]
    assert answer(cli, "label", *asked, *rest, *test) == found
    text = cli("label", *asked, *rest, *test).stdout
    assert "weighed by the test" in text
    assert "apply" in text
    for lonely, other in ((test[:2], "--gold"), (test[2:4], "--spread")):
        alone = cli("label", *asked, *rest, *lonely)
        assert alone.exit_code == 2
        assert other in alone.stderr
