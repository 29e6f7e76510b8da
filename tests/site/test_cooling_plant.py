"""Plants of the catalogue and the laws that plants must keep."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gigawatt import catalog
from gigawatt.errors import InputError, UnknownNameError
from gigawatt.site.cooling_plant import cooling_plant, sample_designs, sized_for

BOOK = catalog.load()
NAMES = [entry.id for entry in BOOK.entries("cooling_plant")]


@pytest.mark.parametrize("name", NAMES)
def test_every_plant_of_the_catalogue_can_be_built(name):
    plant = cooling_plant(name)
    assert plant.name == BOOK.get("cooling_plant", name).text("name")
    assert (plant.liquid_loop is not None) == (plant.liquid_share > 0.0)
    for loop in plant.loops:
        assert loop.supply_c < plant.supply_air_c + plant.air_rise_k or plant.liquid_share > 0.0


@pytest.mark.parametrize("loop", BOOK.entries("cooling_loop"), ids=lambda entry: entry.id)
def test_a_loop_is_named_by_plant_and_circuit(loop):
    assert loop.id == f"{loop.text('plant')}@{loop.text('circuit')}"
    assert ("supply_c" in loop) != ("coil_effectiveness" in loop)


def test_each_kind_of_plant_that_campuses_may_name_has_its_parts():
    kinds = {entry.text("plant") for entry in BOOK.entries("plant")}
    assert kinds <= set(NAMES)


def test_coils_set_the_water_by_their_effectiveness():
    """Lei and Masanet: supply water = return air - rise / effectiveness."""
    plant = cooling_plant("waterside-economiser")
    assert plant.air_loop.supply_c == pytest.approx(31.0 + 16.65 - 16.65 / 0.8)


@pytest.mark.parametrize("name", NAMES)
def test_designs_stay_within_the_published_ranges(name):
    entry = BOOK.get("cooling_plant", name)
    designs = sample_designs(name, 20, seed=7)
    for fact in entry:
        field = fact.key.rsplit("/", 1)[1]
        if isinstance(fact.value, float):
            low, high = fact.span
            found = [getattr(design, field) for design in designs]
            assert low <= min(found) <= max(found) <= high
            assert len(set(found)) == (1 if low == high else 20)
    assert designs == sample_designs(name, 20, seed=7)


def test_sizing_for_a_site_moves_the_design_ambient():
    plant = sized_for(cooling_plant("google-tower"), wet_bulb_c=29.0, dry_bulb_c=41.0)
    assert plant.air_loop.design_ambient_c == 29.0
    liquid = sized_for(cooling_plant("closed-loop-dry"), wet_bulb_c=29.0, dry_bulb_c=41.0)
    assert {loop.design_ambient_c for loop in liquid.loops} == {41.0}


def test_unknown_plants_are_named_with_what_is_near():
    with pytest.raises(UnknownNameError, match="closed-loop-dry"):
        cooling_plant("closed-loop")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"economiser": "river"}, "economiser must be one of"),
        ({"economiser": "none", "chiller": "none"}, "needs an economiser, chillers or both"),
        ({"economiser": "dry"}, "dry coolers go with air-cooled chillers"),
        ({"carnot_share": 1.0}, r"share of Carnot's efficiency in \(0, 1\)"),
        ({"supply_max_c": 10.0}, "lies above supply_max_c"),
        ({"range_k": 0.0}, "range_k must be above 0"),
    ],
)
def test_loops_that_cannot_be_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(cooling_plant("google-tower").air_loop, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"air_side": "window"}, "air_side must be one of"),
        ({"liquid_share": 0.5}, "go together"),
        ({"cycles": 1.0}, "must exceed 1"),
        ({"supply_air_min_c": 60.0}, "lies above supply_air_c"),
        ({"fan_efficiency": 0.0}, "fan_efficiency must be above 0"),
    ],
)
def test_plants_that_cannot_be_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(cooling_plant("google-tower"), **change)
