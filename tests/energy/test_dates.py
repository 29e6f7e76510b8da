"""Lead times and days."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.energy.expansion.dates import by_calendar_year, earliest_service, lead_time_months
from gigawatt.energy.technologies import draw_lead_times, technology
from gigawatt.errors import InputError, NotModelledError


def test_a_quantile_of_lead_times_is_that_of_the_draws():
    tech = technology("reciprocating")
    drawn = draw_lead_times(tech, 40_000, 1)
    for quantile in (0.1, 0.5, 0.9):
        assert lead_time_months(tech, quantile) == pytest.approx(
            np.quantile(drawn, quantile), rel=0.01
        )
    least, likely, most = tech.lead_time_months
    assert lead_time_months(tech) == pytest.approx(likely, rel=1e-9)  # the triangle is even
    assert lead_time_months(tech, 0.0) == least
    assert lead_time_months(tech, 1.0) == most


def test_what_is_ordered_is_there_after_its_lead_time():
    assert earliest_service(technology("combined-cycle"), "2026-11-25") == "2031-11-25"
    assert earliest_service(technology("battery"), "2026-11-25") == "2027-11-25"
    assert earliest_service(technology("reciprocating"), "2026-01-31") == "2027-05-01"
    late = earliest_service(technology("combined-cycle"), "2026-11-25", 0.9)
    assert "2032" <= late[:4] <= "2033"


def test_what_is_not_published_is_refused():
    with pytest.raises(NotModelledError, match="only 72 months: leave the quantile out"):
        lead_time_months(technology("nuclear"), 0.9)
    with pytest.raises(NotModelledError, match="no lead time is published"):
        lead_time_months(technology("small-turbine"))
    with pytest.raises(InputError, match="within"):
        lead_time_months(technology("nuclear"), 1.5)
    with pytest.raises(InputError, match="an order date is a day"):
        earliest_service(technology("nuclear"), "next year")


def test_hours_fall_into_their_years():
    parts = by_calendar_year(np.ones(3 * 8760 + 24), "2027-01-01T00")
    assert {year: len(part) for year, part in parts.items()} == {2027: 8760, 2028: 8784, 2029: 8760}
