"""``gigawatt finance``: text for people, JSON and books for programs."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from gigawatt.cli.finance import command
from gigawatt.errors import InputError


@pytest.fixture
def finance(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*args):
        result = CliRunner().invoke(command, [str(small), "--quiet", *args])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def test_text_answers_first(finance):
    result = finance("--price", "rent", "--years", "8")
    assert result.exit_code == 0
    assert result.stderr == ""
    text = result.stdout
    for part in ("Capital to build it", "Worth to the owner", "Capital by block", "Years, million",
                 "differ by 0.00 USD", "Notes"):  # fmt: skip
        assert part in text
    assert text.index("Capital to build it") < text.index("Capital by block")
    assert max(map(len, text.splitlines())) <= 120


def test_json_adds_up(finance):
    record = json.loads(finance("--price", "rent=3", "--years", "8", "--format", "json").stdout)
    rate, flows = record["discount_rate"], record["years"]["owner_flow_usd"]
    worth = sum(usd / (1 + rate) ** k for k, usd in enumerate(flows))
    assert record["answers"]["npv_usd"]["value"] == pytest.approx(worth)
    assert record["price_year"] == 2026
    assert record["years"]["year"] == list(range(2027, 2035))
    assert {s["name"] for s in record["swings"]} >= {"compute_usd_per_it_mw", "it_life_years"}


def test_options_do_what_the_file_would_say(finance):
    def worth(*args):
        record = json.loads(finance("--years", "6", "--format", "json", *args).stdout)
        return record["answers"]["npv_usd"]["value"]

    said = ("--set", "finance.revenue.market=rent",
            "--set", "finance.revenue.usd_per_accelerator_hour=3",
            "--set", "finance.financing.kind=bonds",
            "--set", "finance.financing.debt_share=0.5")  # fmt: skip
    assert worth("--price", "rent=3", "--financing", "bonds=50 %") == pytest.approx(worth(*said))


def test_every_entry_of_the_books_is_written(finance, tmp_path):
    finance("--years", "5", "--ledger", "books.csv")
    with (tmp_path / "books.csv").open(newline="") as file:
        entries = list(csv.DictReader(file))
    assert list(entries[0]) == ["year", "debit", "credit", "block", "usd"]
    cash = sum(
        float(e["usd"]) * ((e["debit"] == "asset: cash") - (e["credit"] == "asset: cash"))
        for e in entries
    )
    assert cash == pytest.approx(0.0, abs=0.01 * len(entries))


def test_figures_are_written(finance, tmp_path):
    finance("--years", "5", "--price", "rent=3", "--figure", "money.html")
    page = (tmp_path / "money.html").read_text(encoding="utf-8")
    assert "waterfall" in page
    assert "Small, 2027 to 2031" in page


@pytest.mark.parametrize(
    ("args", "match"),
    [
        (("--price", "gold"), "price: expected none, rent"),
        (("--financing", "bonds"), "part of capital"),
        (("--figure", "money.pdf"), "ends in .html"),
        (("--ledger", "nowhere/books.csv"), "does not exist"),
        (("--vary", "rate=1..2"), "vary: expected one of .*; found 'rate'"),
        (("--vary", "it_life_years=0..5"), "vary: it_life_years: expected .* 0.5 years; found 0"),
        (("--vary", "discount_rate=-200%..4%"), "vary: discount_rate: expected .*; found -2"),
        (("--vary", "chip_price_trend=-2..0"), "chip_price_trend: expected -0.99 to 10; found -2"),
    ],
)
def test_mistakes_are_named(finance, args, match):
    with pytest.raises(InputError, match=match):
        finance("--years", "2", *args)


@pytest.mark.parametrize("text", ["discount_rate", "discount_rate=4%", "discount_rate=9%..4%"])
def test_a_range_has_two_ends(finance, text):
    result = finance("--vary", text)
    assert result.exit_code == 2
    assert "name=low..high" in result.stderr
