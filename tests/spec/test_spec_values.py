"""Quantities, dates and names: what is right, and what a campus holds then."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from gigawatt import catalog, spec
from gigawatt.errors import SpecError


@pytest.mark.parametrize(
    ("text", "mw"),
    [
        ("500", 500.0),
        ("500.5", 500.5),
        ("5e2", 500.0),
        ("0x1f4", 500.0),
        ("500 MW", 500.0),
        ("0.5 GW", 500.0),
        ("500000 kW", 500.0),
        ("'500'", 500.0),
        ("500_000_000 W", 500.0),
        ('"500,000 kW"', 500.0),
    ],
)
def test_power_in_any_unit(right, text, mw):
    campus = spec.loads(right.replace("it_mw: 500 MW", f"it_mw: {text}"))
    assert campus.phases[0].it_mw == pytest.approx(mw, rel=1e-12)
    assert type(campus.phases[0].it_mw) is float


@pytest.mark.parametrize("text", ["22 T tokens", "22 T", "22e12", "22000 B", "22 trillion"])
def test_tokens(right, text):
    campus = spec.loads(right.replace("22 T tokens", text))
    assert campus.programme.training[0].tokens == 22e12


def test_other_quantities(right):
    campus = spec.loads(
        right.replace(
            "share: 30 %", "share: 30 %\n      ttft_ms: 2 s\n      growth_per_year: -10 %"
        ).replace(
            "discount_rate: 10 %", "it_life_years: 48 months\n  compute_usd_per_it_mw: 30 MUSD/MW"
        )
    )
    service = campus.programme.services[0]
    assert (service.users, service.share, service.ttft_ms) == (5e6, 0.3, 2000)
    assert service.growth_per_year == -0.1
    assert campus.finance.it_life_years == pytest.approx(4)
    assert campus.finance.compute_usd_per_it_mw == 30e6


def test_whole_numbers_stay_whole(right):
    campus = spec.loads(
        right.replace("count: 100000", "count: 100 k").replace("years: 5", "years: 5.0")
    )
    assert (campus.phases[0].chips[0].count, type(campus.phases[0].chips[0].count)) == (100000, int)
    assert (campus.horizon.years, type(campus.horizon.years)) == (5, int)


def test_dates_with_and_without_quotes(right):
    campus = spec.loads(right.replace("start: 2027-01-01", "start: '2027-01-01'"))
    assert campus.horizon.start == dt.date(2027, 1, 1)
    assert campus.phases[1].date == dt.date(2028, 1, 1)


def test_aliases_of_the_catalogue_are_replaced_by_its_names(right):
    campus = spec.loads(right.replace("gb300-nvl72", "GB300").replace("pjm", "PJM"))
    assert campus.phases[1].chips[0].type == "gb300-nvl72"
    assert campus.site.grid == "pjm"


def test_defaults(right):
    campus = spec.loads(right)
    assert campus.network.fabric == ""
    assert campus.network.scale_out_gbit_per_s is None
    assert campus.power.sources[0].connection == "behind-the-meter"
    assert campus.programme.research.takes_idle is True
    assert campus.finance.price_year == 2026


def test_service_without_demand_is_saturated(right):
    service = spec.loads(right.replace("      users: 5 million\n", "")).programme.services[0]
    assert service.users is None
    assert service.tokens_per_day is None


def test_run_with_its_own_share_counts_beside_the_queue(right):
    share = "tokens: 15.6e12\n      share: "
    assert spec.loads(right.replace("0.4", "0.3").replace("tokens: 15.6e12", share + "0.1"))
    with pytest.raises(SpecError, match=r"found 1\.1"):
        spec.loads(right.replace("tokens: 15.6e12", share + "0.1"))


def test_phases_may_be_none_at_all(right):
    start, end = right.index("  - name: One"), right.index("network:")
    assert spec.loads(right[:start].rstrip("\n") + " []\n" + right[end:]).phases == ()


def test_shares_that_fill_the_campus_exactly(right):
    text = right.replace("share: 0.2", "share: 0.1999").replace("share: 0.1\n", "share: 0.1001\n")
    assert spec.loads(text)


def test_chips_may_exceed_the_power_by_a_quarter(right):
    rated_kw = catalog.load().get("chip", "gb200").number("all_in_it_kw")
    most = int(500e3 / rated_kw * 1.25)
    assert spec.loads(right.replace("count: 100000", f"count: {most}"))
    with pytest.raises(SpecError, match="can feed"):
        spec.loads(right.replace("count: 100000", f"count: {most + 2}"))


def test_a_campus_cannot_be_changed(right):
    campus = spec.loads(right)
    with pytest.raises(ValidationError):
        campus.name = "Other"


def test_a_campus_made_in_python_is_checked_too(right):
    campus = spec.loads(right)
    data = campus.model_dump()
    data["phases"][1]["name"] = "One"
    with pytest.raises(ValidationError, match=r"phases\[1\].name: expected a name that no other"):
        spec.Campus.model_validate(data)
    data["phases"][1]["it_mw"] = "1 MWh"
    with pytest.raises(ValidationError, match="'MWh' measures energy"):
        spec.Campus.model_validate(data)


def test_campus_is_hashable_and_serialises(right):
    campus = spec.loads(right)
    assert hash(campus) == hash(spec.loads(right))
    assert spec.Campus.model_validate_json(campus.model_dump_json()) == campus
