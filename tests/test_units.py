"""Quantities are read rightly, and nonsense is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.units import UNITS, convert, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.2 GW", "MW", 1200.0),
        ("1.2GW", "MW", 1200.0),
        ("350 kW", "MW", 0.35),
        ("1,632 MW", "MW", 1632.0),
        ("1_632", "MW", 1632.0),
        ("1e3", "MW", 1000.0),
        ("-5 C", "C", -5.0),
        ("22 T tokens", "1", 22e12),
        ("15.6 trillion tokens", "1", 15.6e12),
        ("10 million users", "1", 10e6),
        ("500 users", "1", 500.0),
        ("45 days", "h", 1080.0),
        ("50 ms", "ms", 50.0),
        ("2 s", "ms", 2000.0),
        ("5.88 c/kWh", "USD/MWh", 58.8),
        ("26.113 MUSD/MW", "USD/MW", 26.113e6),
        ("7 %", "ratio", 0.07),
    ],
)
def test_quantities_are_read_in_the_wanted_unit(text, unit, value):
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("lots", "MW"),
        ("", "MW"),
        ("GW", "MW"),
        ("1.2 MWh", "MW"),
        ("3 furlongs", "MW"),
        ("1..2", "MW"),
    ],
)
def test_what_is_no_such_quantity_is_refused(text, unit):
    with pytest.raises(ValueError, match=r"not a|measures"):
        parse_quantity(text, unit)


@given(st.floats(-1e9, 1e9), st.sampled_from(sorted(UNITS)), st.data())
def test_converting_there_and_back_changes_nothing(value, unit, data):
    family = [u for u in UNITS if UNITS[u].dimension == UNITS[unit].dimension]
    other = data.draw(st.sampled_from(family))
    assert convert(convert(value, unit, other), other, unit) == pytest.approx(value, rel=1e-12)
