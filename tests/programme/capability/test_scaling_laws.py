"""Laws of scaling against their papers, against losses measured by others, and as mathematics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt import catalog
from gigawatt.errors import InputError, UnknownNameError
from gigawatt.programme.capability.compute import training_flop
from gigawatt.programme.capability.laws import (
    FLOP_PER_PARAMETER_TOKEN,
    LAWS,
    best_tokens,
    compute_optimal,
    loss_law,
    overtraining,
)
from gigawatt.programme.capability.losses import measured_losses, predict_loss

BUDGETS = st.floats(18.0, 28.0).map(lambda p: 10.0**p)


@pytest.mark.parametrize("law", LAWS)
@given(flop=BUDGETS, shift=st.floats(-0.5, 0.5))
def test_no_other_size_at_the_same_compute_does_better(law, flop, shift):
    one = loss_law(law)
    best = compute_optimal(flop, one)
    assert FLOP_PER_PARAMETER_TOKEN * best.params * best.tokens == pytest.approx(flop)
    other = best.params * 10.0**shift
    tokens = flop / FLOP_PER_PARAMETER_TOKEN / other
    assert float(one.loss_nats(other, tokens)) >= best.loss_nats - 1e-12


@given(flop=BUDGETS)
def test_more_compute_is_never_worse(flop):
    assert compute_optimal(2.0 * flop).loss_nats < compute_optimal(flop).loss_nats


def test_chinchilla_is_near_its_own_optimum():
    # 70 billion parameters on 1.4 trillion tokens, by the refit's 20 tokens a parameter
    assert overtraining(70e9, 1.4e12) == pytest.approx(1.0, rel=0.15)


def test_refit_keeps_twenty_tokens_a_parameter_at_gophers_compute():
    best = compute_optimal(5.76e23)
    assert 15.0 < best.tokens / best.params < 25.0


def test_law_of_llama_3_goes_through_its_flagship():
    assert best_tokens(3.8e25) == pytest.approx(16.55e12)
    assert best_tokens(3.8e26) / best_tokens(3.8e25) == pytest.approx(10.0**0.53)


def test_deepseek_law_is_the_published_power():
    assert best_tokens(1e20, "deepseek-llm") == pytest.approx(5.8316 * 1e20**0.4757)


def test_laws_of_one_kind_do_not_answer_for_the_other():
    with pytest.raises(InputError, match="no law of loss"):
        loss_law("llama-3")
    with pytest.raises(InputError, match="law of loss"):
        best_tokens(1e24, "besiroglu-2024")
    with pytest.raises(UnknownNameError):
        loss_law("nobody-2030")
    with pytest.raises(InputError):
        compute_optimal(0.0)
    with pytest.raises(InputError):
        loss_law().loss_nats(-1.0, 1e12)


def test_losses_of_models_held_out_are_predicted_within_a_few_per_cent():
    seen = measured_losses()
    error = np.abs(seen.error[seen.held_out])
    assert seen.held_out.sum() == 18
    assert error.mean() < 0.045
    assert np.median(error) < 0.04
    # The least models lie outside the sizes of the fit or near it; nothing is hidden of them.
    assert error.max() < 0.13


def test_scale_comes_from_one_family_only():
    seen = measured_losses()
    own = ~seen.held_out
    assert own.sum() == 7
    bare = loss_law().loss_nats(seen.params, seen.tokens)
    assert seen.scale == pytest.approx(float(np.median(seen.measured_nats[own] / bare[own])))


def test_band_of_a_loss_holds_the_value_and_every_law():
    for params, tokens in ((8e9, 15e12), (405e9, 15.6e12), (17e9, 22e12), (1e9, 20e9)):
        found = predict_loss(params, tokens)
        assert found.low_nats <= found.loss_nats <= found.high_nats
        assert all(found.low_nats <= v <= found.high_nats for v in found.laws_nats.values())
    assert predict_loss(405e9, 15.6e12).extrapolated
    assert not predict_loss(1e9, 20e9).extrapolated


@pytest.mark.parametrize(
    ("model", "tokens", "published"),
    [
        ("llama-3.1-405b", 15.6e12, 3.8e25),  # Llama 3, section 3.2.1
        ("llama-4-maverick", 22e12, 2.244e24),  # Epoch AI
        ("deepseek-v3", 14.8e12, 3.3e24),  # Epoch AI
    ],
)
def test_training_compute_agrees_with_what_is_published(model, tokens, published):
    # The published ones are 6 x parameters x tokens; ours have the attention in them.
    assert training_flop(model, tokens) == pytest.approx(published, rel=0.2)
    assert training_flop(model, tokens) > 0.98 * published


def test_training_compute_of_the_scored_models_follows_from_their_architecture():
    ratios = []
    for entry in catalog.load().entries("scored_model"):
        if "model" not in entry or "training_flop" not in entry:
            continue
        model = catalog.load().get("model", entry.text("model"))
        if "train_tokens" in model:
            ours = training_flop(model.id, model.number("train_tokens"))
            ratios.append(ours / entry.number("training_flop"))
    assert len(ratios) >= 8
    assert 0.95 < np.median(ratios) < 1.15
