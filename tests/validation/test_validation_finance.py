"""Published figures of money, none of which anything was fitted to."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.programme.finance.ownership import owned_usd_per_h
from gigawatt.validation import validate
from gigawatt.validation.finance import build_usd_per_gw, yearly_per_mw


@pytest.fixture(scope="module")
def finance():
    return validate("finance")


def rows(finance, group):
    return [r for r in finance[1] if r.group == group]


def test_errors_are_those_the_docs_state(finance):
    scored = finance[0]
    assert scored["rows"] == scored["predicted"] >= 25
    assert scored["ape"]["median"] < 15
    assert scored["coverage_p10_p90"] >= 70


def test_owning_a_gigawatt_for_a_year(finance):
    # Epoch AI, May 2026: 12, 8.5 and 7 billion USD with computers lasting 3, 5 and 7 years.
    found = rows(finance, "owning a gigawatt for a year")
    assert [r.measured for r in found] == [12e9, 8.5e9, 7e9]
    assert all(r.predicted == pytest.approx(r.measured, rel=0.01) for r in found)


def test_capital_from_the_price_of_accelerators_lies_in_the_published_range():
    for chip in ("h100-sxm", "gb200-nvl72", "gb300-nvl72", "b200-sxm"):
        value, low, high = build_usd_per_gw(chip)
        assert 35e9 <= value <= 60e9
        assert low < value < high


def test_the_joint_venture_follows_from_its_bonds(finance):
    found = {r.row: r for r in rows(finance, "joint venture of Hyperion")}
    assert len(found) == 4
    for row in found.values():
        assert row.predicted == pytest.approx(row.measured, rel=0.03), row.row


def test_an_h100_hour_against_rental_indices():
    book = catalog.load()
    chip, market = book.get("chip", "h100-sxm"), book.get("rate", "market")
    hour = owned_usd_per_h(yearly_per_mw(), chip.number("all_in_it_kw"))
    low, high = market["h100_index_usd_per_h"].span
    assert chip.number("own_usd_per_h") <= hour <= low < high
    # Half in use, it costs what it rents for.
    busy = owned_usd_per_h(yearly_per_mw(), chip.number("all_in_it_kw"), 0.5)
    assert low <= busy <= high


def test_owners_cost_of_other_accelerators(finance):
    found = rows(finance, "owning an accelerator for an hour")
    assert len(found) >= 12
    nvidia = [r for r in found if r.row.split("-")[0] in {"h100", "h200", "b200", "gb200", "gb300"}]
    assert all(abs(r.predicted / r.measured - 1) < 0.15 for r in nvidia)


def test_a_file_is_refused():
    with pytest.raises(InputError, match="catalogue's own figures"):
        validate("finance", Path("x.csv"))
