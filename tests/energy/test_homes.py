"""A campus in homes, against published counts."""

from __future__ import annotations

import csv

import pytest

from gigawatt.energy.homes import count_homes, homes_by_energy, homes_by_peak

FULL_YEAR_H = 8760.0


def counted(mw, state=None):
    return {one.name: one for one in count_homes(mw * FULL_YEAR_H, mw, state)}


def test_five_gigawatts_are_one_to_four_million_homes(shared):
    with (shared / "facts" / "homes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    published = [float(row["homes_for_5GW_millions"]) for row in rows]
    found = counted(5000.0, "LA")
    ours = [one.homes / 1e6 for one in found.values()] + [
        end / 1e6 for one in found.values() for end in (one.low, one.high) if end is not None
    ]
    assert min(ours) == pytest.approx(min(published), abs=0.01)
    assert max(ours) == pytest.approx(4.09, abs=0.01)
    assert any(p == pytest.approx(4.09, abs=0.01) for p in published)
    assert all(min(published) - 0.01 <= one <= max(published) for one in ours)


def test_formulas_show_their_numbers():
    found = counted(5000.0, "OH")
    assert found["homes_by_energy"].formula == "43.8 TWh / 10,715 kWh of a home"
    assert "5,000 MW / 4 kW of a home" in found["homes_by_peak"].formula
    assert found["homes_by_energy_in_state"].label == "yearly energy, Ohio"
    assert all(one.facts for one in found.values())


def test_a_place_outside_the_states_has_no_state_count():
    assert set(counted(100.0)) == {"homes_by_energy", "homes_by_peak"}


def test_homes_follow_the_power():
    assert homes_by_energy(2e6, 10_000.0) == 2.0 * homes_by_energy(1e6, 10_000.0)
    assert homes_by_peak(100.0, 5.0) == homes_by_peak(200.0, 10.0)
