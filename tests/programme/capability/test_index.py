"""What compute buys on one scale: the fit, its band, and what was known a year before."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from gigawatt.errors import NotModelledError, UnknownNameError
from gigawatt.programme.capability.index import fit_index, predict_index
from gigawatt.programme.capability.rivals import rivals, scores_of, standings


def test_index_rises_with_compute_and_with_time():
    fit = fit_index()
    assert len(fit.names) == 80
    assert 5.0 < fit.per_decade < 15.0
    assert 5.0 < fit.per_year < 15.0


def test_residuals_are_those_of_fits_without_the_model():
    fit = fit_index()
    at = 17
    keep = np.arange(len(fit.names)) != at
    columns = np.column_stack([np.ones(len(keep)), np.log10(fit.flop / 1e24), fit.year - 2024.0])
    without = np.linalg.lstsq(columns[keep], fit.index[keep], rcond=None)[0]
    assert fit.residual[at] == pytest.approx(fit.index[at] - columns[at] @ without)


def test_band_holds_four_fifths_of_models_left_out():
    fit = fit_index()
    low, high = np.quantile(fit.residual, (0.1, 0.9))
    inside = np.mean((fit.residual >= low) & (fit.residual <= high))
    assert 0.75 <= inside <= 0.85
    assert np.abs(fit.residual).mean() < 7.0


def test_models_of_2025_were_predictable_from_those_before():
    early, late = fit_index(before=dt.date(2025, 1, 1)), fit_index()
    new = late.year >= 2025.0
    error = late.index[new] - early.index_at(late.flop[new], late.year[new])
    naive = late.index[new] - early.index.mean()
    assert new.sum() >= 20
    assert np.abs(error).mean() < 9.0
    assert np.abs(error).mean() < 0.35 * np.abs(naive).mean()


def test_llama_4_maverick_lies_in_its_band():
    maverick = scores_of("llama-4-maverick")
    found = predict_index(maverick.training_flop, maverick.released)
    assert found.low <= maverick.scores["capability_index"] <= found.high
    assert not found.extrapolated


def test_band_grows_beyond_the_models_known():
    near = predict_index(3e25, dt.date(2025, 6, 1))
    far = predict_index(3e27, dt.date(2028, 6, 1))
    assert far.extrapolated
    assert far.high - far.low > near.high - near.low


def test_far_beyond_is_refused_in_words():
    with pytest.raises(NotModelledError, match="FLOP"):
        predict_index(1e29, dt.date(2026, 1, 1))
    with pytest.raises(NotModelledError, match="releases"):
        predict_index(1e26, dt.date(2032, 1, 1))
    with pytest.raises(NotModelledError, match="only"):
        fit_index(before=dt.date(2023, 3, 1))


def test_rivals_of_llama_4_are_the_best_of_the_year_before():
    found = rivals(dt.date(2025, 4, 5), count=6)
    assert [r.name for r in found][:2] == ["Gemini 2.5 Pro (Mar 2025)", "o1"]
    index = [r.scores["capability_index"] for r in found]
    assert index == sorted(index, reverse=True)
    assert all(dt.date(2023, 10, 1) < r.released <= dt.date(2025, 4, 5) for r in found)
    assert rivals(dt.date(2040, 1, 1), count=3) == rivals(dt.date(2030, 1, 1), count=3)


def test_makers_and_independent_scores_stand_side_by_side():
    scores = scores_of("Llama 4 Maverick").scores
    assert scores["gpqa_diamond"] == pytest.approx(0.67, abs=0.01)
    assert scores["gpqa_diamond_vendor"] == pytest.approx(0.698)
    with pytest.raises(UnknownNameError):
        scores_of("llama-9")


def test_llama_4_stands_beside_its_rivals_with_the_compute_of_each():
    (one,) = standings(["llama-4-scout", "llama-4-maverick", "nobody"], count=6)
    assert one.released == dt.date(2025, 4, 5)
    assert [r.name for r in one.models] == ["Llama 4 Maverick", "Llama 4 Scout"]
    assert len(one.others) == 6
    assert not {r.id for r in one.models} & {r.id for r in one.others}
    assert all(r.released <= one.released for r in one.others)
    # Independent runs: behind DeepSeek-R1, which took half as much compute again.
    known = {r.name: r for r in (*one.models, *one.others)}
    maverick, rival = known["Llama 4 Maverick"], known["DeepSeek-R1"]
    assert maverick.scores["gpqa_diamond"] < rival.scores["gpqa_diamond"]
    assert rival.training_flop == pytest.approx(1.56 * maverick.training_flop, rel=0.01)


def test_a_model_counts_as_first_published_and_days_are_in_order():
    found = standings(["deepseek-v3", "llama-3.1-405b"], count=3)
    assert [one.released for one in found] == [dt.date(2024, 7, 23), dt.date(2024, 12, 26)]
    assert standings(["deepseek-v3"], count=0) == ()
    assert standings([], count=3) == ()
