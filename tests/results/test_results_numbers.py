"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.results.numbers import band, date_text, human, quantity, scaled, share_text


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1360.0, "MW", "1.36 GW"),
        (999.96, "MW", "1.00 GW"),
        (0.0, "MW", "0 MW"),
        (0.4, "MW", "400 kW"),
        (12.4e6, "MWh", "12.4 TWh"),
        (22e12, "tokens", "22.0 T tokens"),
        (36_122e12, "tokens", "36,100 T tokens"),
        (2.2e18, "tokens", "2.20 million T tokens"),
        (3.9e6, "homes", "3.90 million homes"),
        (677_590.4, "homes", "678,000 homes"),
        (116_928.0, "chips", "116,928 accelerators"),
        (1.0, "runs", "1 run"),
        (3.0, "runs", "3 runs"),
        (0.8234, "ratio", "82.3 %"),
        (1.0, "ratio", "100 %"),
        (51.2e9, "USD", "51.2 billion USD"),
        (13.8e9, "USD/yr", "13.8 billion USD a year"),
        (1.85, "USD/h", "1.85 USD an hour"),
        (0.137, "USD/Mtoken", "0.137 USD/M tokens"),
        (1.2e6, "m3", "1.20 million m³"),
        (-4.2e6, "t", "-4.20 million t"),
        ("2027-04-01", "date", "1 Apr 2027"),
        ("2028-07-21T22:00:00Z", "time", "21 Jul 2028 22:00 UTC"),
        (None, "date", "never"),
        (None, "USD", "none"),
        (float("nan"), "USD", "none"),
    ],
)
def test_a_quantity_reads_as_one_would_say_it(value, unit, shown) -> None:
    assert quantity(value, unit) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("mean_pue", 1.134, "1.13"),
        ("mean_pue", 1.0, "1.00"),
        ("peak_to_mean", 1.5, "1.50"),
        ("load_factor", 1.0, "100 %"),
        ("load_factor", 0.801, "80.1 %"),
    ],
)
def test_shares_are_per_cent_and_a_pue_is_not(name, value, shown) -> None:
    assert quantity(value, "ratio", name) == shown


@pytest.mark.parametrize(
    ("values", "unit", "shown"),
    [
        ([573e6, 571e6], "USD", ("million USD", ["573", "571"])),
        ([61.8e9, 0.0, 1e6], "USD", ("billion USD", ["61.8", "0", "0.001"])),
        ([151_263e12], "tokens", ("T tokens", ["151,000"])),
        ([0.0], "m3", ("m³", ["0"])),
        ([0.0], "MWh", ("MWh", ["0"])),
        ([], "MW", ("MW", [])),
        ([999.9, 2.0], "MW", ("GW", ["1.00", "0.002"])),
        ([-3e6, 1e6], "t", ("million t", ["-3.00", "1.00"])),
    ],
)
def test_a_column_has_one_unit_and_hides_nothing(values, unit, shown) -> None:
    assert scaled(values, unit) == shown


def test_shares_of_a_whole() -> None:
    assert [share_text(part, 8.0) for part in (8.0, 1.0, 1e-4, 0.0)] == [
        "100.0 %", "12.5 %", "< 0.1 %", "0.0 %",
    ]  # fmt: skip
    assert share_text(1.0, 0.0) == "–"


def test_a_bare_count_is_given_its_noun() -> None:
    assert quantity(3.9e6, "1", "homes_by_energy") == "3.90 million homes"
    assert quantity(3.9e6, "1", "something") == "3.90 million"


@pytest.mark.parametrize(
    ("low", "high", "unit", "shown"),
    [
        (1300.0, 1420.0, "MW", "1.30 to 1.42 GW"),
        (900.0, 1420.0, "MW", "900 MW to 1.42 GW"),
        (1300.0, 1301.0, "MW", "1.30 GW"),
        (None, 2.0, "MW", "at most 2.00 MW"),
        (2.0, None, "MW", "at least 2.00 MW"),
        (None, None, "MW", ""),
        ("2026-03-01", "2026-05-09", "date", "1 Mar 2026 to 9 May 2026"),
    ],
)
def test_a_band_names_its_unit_once(low, high, unit, shown) -> None:
    assert band(low, high, unit) == shown


def test_text_that_is_no_date_stays() -> None:
    assert date_text("soon") == "soon"


@given(st.floats(1e-3, 1e24), st.sampled_from(["MW", "MWh", "tokens", "USD", "1", "homes"]))
def test_what_is_shown_is_the_value_to_three_digits(value: float, unit: str) -> None:
    scale = {
        "kW": 1e-3, "GW": 1e3, "TW": 1e6, "kWh": 1e-3, "GWh": 1e3, "TWh": 1e6, "M": 1e6, "B": 1e9,
        "T": 1e12, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    }  # fmt: skip
    words = human(value, unit).split()
    shown = float(words[0].replace(",", ""))
    raised = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    for word in words[1:]:
        power = word.removeprefix("10").translate(raised)
        shown *= 10.0 ** int(power) if word.startswith("10") else scale.get(word, 1.0)
    assert math.isclose(shown, value, rel_tol=6e-3)


def test_numbers_beyond_words_stand_as_powers_of_ten():
    assert quantity(3.937e25, "FLOP") == "3.94 × 10²⁵ FLOP"
    assert quantity(2.4e14, "tokens").endswith("tokens")
