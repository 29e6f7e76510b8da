"""A band learnt from points holds what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.compute.bands import _t90, from_points


@pytest.mark.parametrize(
    ("degrees", "published"),
    # Student's t at 0.90, any printed table (e.g. NIST/SEMATECH e-Handbook 1.3.6.7.2).
    [(1, 3.078), (2, 1.886), (3, 1.638), (5, 1.476), (10, 1.372), (30, 1.310), (100, 1.290)],
)
def test_students_t(degrees, published):
    assert _t90(degrees) == pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize("count", [2, 4, 15])
def test_the_next_point_lies_within_the_band_four_times_in_five(count):
    random = np.random.default_rng(7)
    inside = 0
    trials = 3000
    for _ in range(trials):
        sample = np.exp(random.normal(-1.0, 0.4, count + 1))
        band = from_points(list(sample[:-1]), ["a"])
        inside += band.low <= sample[-1] <= band.high
    assert inside / trials == pytest.approx(0.8, abs=0.035)


def test_one_point_has_no_band():
    with pytest.raises(ValueError, match="two points"):
        from_points([0.4], ["a"])


def test_scaling_keeps_the_provenance():
    band = from_points([0.2, 0.4], ["a", "b", "a"]).scaled(10.0)
    assert band.facts == ("a", "b")
    assert band.value == pytest.approx(10 * np.sqrt(0.08))
