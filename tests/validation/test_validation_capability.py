"""``validate capability``: losses and indices of models that had no part in the fit."""

from __future__ import annotations

import pytest

from gigawatt.errors import InputError
from gigawatt.validation import validate


def test_losses_and_indices_lie_in_their_bands():
    scored, rows = validate("capability")
    assert scored["rows"] == scored["predicted"] == 98
    loss, index = scored["groups"]["loss on the Pile"], scored["groups"]["capability index"]
    assert loss["predicted"] == 18
    assert loss["ape"]["mean"] < 4.5
    assert index["ape"]["mean"] < 8.0
    assert 70.0 <= scored["coverage_p10_p90"] <= 85.0
    assert all(r.low <= r.predicted <= r.high for r in rows)


def test_a_file_of_ones_own_models(tmp_path):
    path = tmp_path / "models.csv"
    path.write_text(
        "model,training_flop,released,capability_index\n"
        "Mine,2.2e24,2025-04-05,133\nFar,1e30,2025-04-05,200\nWrong,much,2025-04-05,1\n",
        encoding="utf-8",
    )
    scored, rows = validate("capability", path)
    assert scored["predicted"] == 1
    assert rows[0].low <= 133 <= rows[0].high
    assert "FLOP" in rows[1].reason
    assert rows[2].reason
    path.write_text("model\nMine\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column"):
        validate("capability", path)
