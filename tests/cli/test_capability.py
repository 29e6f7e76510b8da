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
        ("date", ("--by", "2027-01-01")),
        ("data", ("--web-share", "0.1 %", "--epochs", "1")),
    ):
        run = answer(cli, "capability", small, *option)["runs"][0]
        assert run["limited_by"] == name
        assert run["reached_share"] < 1.0
        assert run["limits"][0]["lacks"]


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


def test_capability_writes_a_page(cli, small, tmp_path):
    page = tmp_path / "capability.html"
    result = cli("capability", small, "--figure", page)
    assert result.exit_code == 0
    assert str(page) in result.stderr
    text = page.read_text(encoding="utf-8")
    assert "Compute of companies over time" in text
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
    for words in ("lacking", "Curation", "Written by llama-3.1-70b", "not in the hours"):
        assert words in text
    assert cli("data", "--tokens", "a lot").exit_code == 2
    assert cli("data", "--tokens", "1 T", "--keep", "1 %").exit_code == 2


def test_label_compares_two_ways(cli):
    asked = ("--items", "1 million", "--target", "95 %", "--annotators", "40")
    rest = ("--per-hour", "12", "--price", "1.2")
    found = answer(cli, "label", *asked, *rest, "--agreement", "72.6 %")
    assert found["votes"] == 5
    assert found["until_sure"]["mean_votes"] < 3
    text = cli("label", *asked, *rest, "--accuracy", "90 %").stdout
    assert "as many for all" in text
    assert "more while unsure" in text
    assert cli("label", *asked, *rest).exit_code == 2
    both = cli("label", *asked, *rest, "--accuracy", "90 %", "--agreement", "80 %")
    assert both.exit_code == 2
    assert "both" in both.stderr
