"""Tables survive Parquet with their types, and the same table gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.results.parquet import canonical, read_table, write_tables

TABLE = {
    "name": np.array(["a", None, "c'\"ü"], dtype=object),
    "text": np.array(["x", "yy", "zzz"]),
    "finished": np.array([True, False, True]),
    "count": np.array([1, -2, 2**53], dtype=np.int64),
    "power_mw": np.array([1.0, np.nan, -0.1]),
    "end": np.array(["2026-01-01T05:00:01", "NaT", "2031-12-31"], dtype="datetime64[s]"),
    "day": np.array(["2026-01-01", "NaT", "2031-12-31"], dtype="datetime64[D]"),
}


def test_every_type_comes_back(tmp_path) -> None:
    write_tables({"t": TABLE}, tmp_path)
    back = read_table(tmp_path / "t.parquet")
    assert list(back) == list(TABLE)
    for name, values in canonical(TABLE).items():
        assert back[name].dtype == values.dtype, name
        np.testing.assert_array_equal(back[name], values, err_msg=name)


def test_an_empty_table_keeps_its_types(tmp_path) -> None:
    empty = {name: values[:0] for name, values in TABLE.items()}
    write_tables({"t": empty}, tmp_path)
    back = read_table(tmp_path / "t.parquet")
    assert {n: v.dtype for n, v in back.items()} == {
        n: v.dtype for n, v in canonical(TABLE).items()
    }
    assert all(len(values) == 0 for values in back.values())


def test_a_column_without_any_text_stays_text(tmp_path) -> None:
    write_tables({"t": {"name": np.array([None, None], dtype=object)}}, tmp_path)
    assert read_table(tmp_path / "t.parquet")["name"].tolist() == [None, None]


def test_a_folder_with_a_quote_in_its_name(tmp_path) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    write_tables({"t": TABLE}, folder)
    assert read_table(folder / "t.parquet")["count"].tolist() == TABLE["count"].tolist()


def test_columns_of_unlike_length_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="differ in length"):
        write_tables({"t": {"a": np.zeros(2), "b": np.zeros(3)}}, tmp_path)


def test_a_type_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        canonical({"a": np.zeros(2, dtype=complex)})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(allow_nan=True), max_size=50))
def test_numbers_come_back_to_the_bit(tmp_path_factory, values) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    column = np.array(values, dtype=float)
    write_tables({"one": {"x": column}, "two": {"x": column}}, folder)
    np.testing.assert_array_equal(read_table(folder / "one.parquet")["x"], column)
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()
