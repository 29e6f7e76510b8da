"""A run has one face, from memory and from disk."""

from __future__ import annotations

import json
import subprocess
import sys

import factory
import pandas as pd
import pytest

from gigawatt.errors import InputError
from gigawatt.results import FIGURES, open_run


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    run = factory.run()
    return run, open_run(run.save(tmp_path_factory.mktemp("runs")))


def test_disk_and_memory_agree(both) -> None:
    made, opened = both
    assert opened.id == made.id
    assert opened.seed == made.seed
    assert opened.summary == json.loads(json.dumps(made.summary))
    assert opened.headlines == made.headlines
    assert opened.campus_yaml == made.campus_yaml
    assert list(opened.tables) == list(made.tables)
    for name in made.tables:
        pd.testing.assert_frame_equal(opened.tables[name], made.tables[name])


def test_tables_have_types_a_user_expects(both) -> None:
    for run in both:
        hourly, runs = run.tables["hourly"], run.tables["training_runs"]
        assert hourly["time"].dtype == "datetime64[s]"
        assert runs["finished"].dtype == bool
        assert runs["end"].isna().tolist() == [False, True]
        assert run.tables["hourly"] is hourly, "a table is read once"


def test_ledgers_are_frames_by_name(both) -> None:
    for run in both:
        assert list(run.ledger) == ["energy", "accelerator_hours", "money"]
        by_side = run.ledger["energy"].groupby("side")["mwh"].sum()
        assert by_side["use"] == pytest.approx(by_side["supply"])


@pytest.mark.parametrize("part", ["tables", "ledger", "figure"])
def test_a_wrong_name_is_answered_with_the_right_ones(both, part) -> None:
    wrong = {"tables": "hourli", "ledger": "energi", "figure": "energi"}[part]
    run = both[0]
    with pytest.raises(InputError, match=r"did you mean (hourly|energy)\?"):
        run.figure(wrong) if part == "figure" else getattr(run, part)[wrong]
    assert run.tables.get("nothing") is None


@pytest.mark.parametrize("name", FIGURES)
def test_plotly_accepts_every_figure(both, name) -> None:
    for run in both:
        figure = run.figure(name)
        assert len(figure.data) > 0
        assert figure.layout.height > 0


def test_the_repr_says_what_it_is(both) -> None:
    text = repr(both[1])
    assert text.startswith(f"<Run {both[0].id}: Big River, 2026-01-01 to 2028-01-01; ")
    assert "highest facility power 899 MW" in text


def test_meta_tells_how_it_was_made(both) -> None:
    meta = both[1].meta
    assert meta["gigawatt"] == both[1].summary["gigawatt"]
    assert len(meta["input_sha256"]) == len(meta["package_sha256"]) == 64
    assert {"duckdb", "numpy", "plotly", "python"} <= set(meta["libraries"])


def test_opening_a_run_loads_no_model_and_no_heavy_library(both, tmp_path) -> None:
    folder = both[0].save(tmp_path)
    code = (
        "import sys; from gigawatt.results import open_run; run = open_run(sys.argv[1]); "
        "repr(run); heavy = {'pandas', 'plotly', 'duckdb', 'gigawatt.twin.simulate'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
