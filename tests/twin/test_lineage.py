"""What a number rests on is found by walking the graph."""

from __future__ import annotations

import pytest

from gigawatt.twin.lineage import Lineage


def test_facts_and_inputs_are_gathered_over_every_step_the_nearest_first():
    lineage = Lineage()
    lineage.record("chips", facts=["chip/a/tdp_w"], inputs=["phases[0]"])
    lineage.record("power", facts=["rate/p/idle"], after=["chips"])
    lineage.record("water", facts=["plant/x/wue"])
    assert lineage.facts("power") == ("rate/p/idle", "chip/a/tdp_w")
    assert lineage.inputs("power") == ("phases[0]",)
    assert lineage.facts("power", "water") == ("rate/p/idle", "plant/x/wue", "chip/a/tdp_w")


def test_recording_again_adds():
    lineage = Lineage()
    lineage.record("price", facts=["a/b/c"])
    lineage.record("price", facts=["d/e/f"], after=["price"])
    assert lineage.facts("price") == ("a/b/c", "d/e/f")


def test_a_hole_in_the_graph_is_refused():
    with pytest.raises(ValueError, match="nothing recorded"):
        Lineage().record("power", after=["chips"])


def test_an_input_that_was_published_brings_its_facts():
    lineage = Lineage({"phases[0].it_mw": ("phase/x/it_mw",), "power": ("supply/y/name",)})
    lineage.record("phases", inputs=["phases[0]", "phases[1]"])
    lineage.record("price", inputs=["power.price_usd_per_mwh"])
    lineage.record("other", inputs=["phases[00]", "powers"])
    assert lineage.facts("phases") == ("phase/x/it_mw",)
    assert lineage.facts("price") == ("supply/y/name",)
    assert lineage.facts("other") == ()
