"""Campuses by name and by path, overrides, and files that are no campus files at all."""

from __future__ import annotations

import datetime as dt
import os
import time

import pytest

from gigawatt import spec
from gigawatt.errors import InputError, NotModelledError, SpecError
from gigawatt.spec import _published, read


@pytest.fixture
def file(tmp_path, right):
    path = tmp_path / "campus.yaml"
    path.write_text(right, encoding="utf-8")
    return path


def only(caught) -> object:
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


def test_path_as_text_and_as_path_give_the_same_campus(file, right):
    assert spec.load(str(file)) == spec.load(file) == spec.loads(right)


def test_file_may_start_with_a_byte_order_mark(file, right):
    file.write_bytes(b"\xef\xbb\xbf" + right.encode())
    assert spec.load(file) == spec.loads(right) == spec.loads("\ufeff" + right)


def test_windows_line_ends_keep_line_numbers(file, right):
    file.write_bytes(right.replace("pjm", "nowhere").replace("\n", "\r\n").encode())
    with pytest.raises(SpecError) as caught:
        spec.load(file)
    assert only(caught).line == 9


def test_file_without_ending_is_found(tmp_path, right, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text(right, encoding="utf-8")
    assert spec.load("mine").name == "Test campus"


def test_catalogue_name_wins_over_a_folder_of_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hyperion").mkdir()
    assert spec.load("hyperion") == spec.from_catalog("hyperion")


def test_neither_campus_nor_file():
    with pytest.raises(InputError) as caught:
        spec.load("hyperiom")
    message = str(caught.value)
    assert "no campus named 'hyperiom' in the catalogue and no file of this name" in message
    assert "did you mean hyperion" in message


def test_neither_campus_nor_file_nor_anything_near():
    with pytest.raises(InputError, match="'gigawatt catalog campus' lists the campuses"):
        spec.load("§§§§§§§§")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, ""])
def test_names_that_no_file_can_have(name):
    with pytest.raises(InputError):
        spec.load(name)


def test_missing_file(tmp_path):
    with pytest.raises(SpecError) as caught:
        spec.load(tmp_path / "hyperio.yaml")
    problem = only(caught)
    assert (problem.line, problem.path, problem.found) == (0, "file", "no file of this name")
    assert "hyperion" in problem.hint


def test_folder(tmp_path):
    with pytest.raises(SpecError) as caught:
        spec.load(tmp_path)
    assert only(caught).found == "a folder"


def test_file_beneath_a_file(file):
    with pytest.raises(SpecError, match="no file of this name"):
        spec.load(file / "campus.yaml")


def test_too_large(file):
    file.write_bytes(b"#" * 5_000_001)
    with pytest.raises(SpecError, match="a file of at most 5 MB"):
        spec.load(file)


def test_endless_file():
    if not os.path.exists("/dev/zero"):  # noqa: PTH110
        pytest.skip("this system has no /dev/zero")
    with pytest.raises(SpecError, match="a file of at most 5 MB"):
        spec.load("/dev/zero")


def test_binary_file(file):
    file.write_bytes(b"name: x\nowner: \xff\xfe\x00\x01")
    with pytest.raises(SpecError) as caught:
        spec.load(file)
    problem = only(caught)
    assert (problem.line, problem.found) == (2, "the byte 0xFF")


def test_file_that_may_not_be_read(file, monkeypatch):
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "open", refuse)
    with pytest.raises(SpecError, match="one that can't be read: Permission denied"):
        spec.load(file)


def test_config_beside_the_campus_file_is_found(file, right):
    config = file.parent / "mine" / "config.json"
    config.parent.mkdir()
    config.write_text("{}", encoding="utf-8")
    file.write_text(right.replace("llama-3.1-405b", "mine/config.json"), encoding="utf-8")
    assert spec.load(file).programme.training[1].model == config.as_posix()


# Overrides


def test_overrides_are_read_like_the_file(file):
    campus = spec.load(
        file,
        {
            "phases[0].it_mw": "0.4 GW",
            "site.grid": "ercot",
            "programme.research.share": "10 %",
            "programme.research.takes_idle": "false",
            "horizon.start": "2027-02-01",
            "power.price_usd_per_mwh": "55",
            "phases[1].chips": "[{type: gb200, count: 7}]",
        },
    )
    assert campus.phases[0].it_mw == 400
    assert campus.site.grid == "ercot"
    assert campus.programme.research.share == 0.1
    assert campus.programme.research.takes_idle is False
    assert campus.horizon.start == dt.date(2027, 2, 1)
    assert campus.power.price_usd_per_mwh == 55
    assert campus.phases[1].chips[0].model_dump() == {"type": "gb200-nvl72", "count": 7}


RUN = "{name: Mine, model: llama-3.1-8b, tokens: 1 T}"


def test_overrides_make_parts_that_the_file_leaves_out():
    text_campus = spec.load("hyperion", {"programme.data_processing.share": "0"})
    assert text_campus.programme.data_processing.share == 0


def test_override_of_a_catalogue_campus_changes_only_that():
    changed = spec.load("hyperion", {"site.grid": "ercot"})
    plain = spec.load("hyperion")
    assert plain.site.grid != "ercot"
    assert changed == plain.model_copy(
        update={"site": plain.site.model_copy(update={"grid": "ercot"})}
    )


def test_override_drops_the_facts_behind_the_input_and_no_others():
    before = {basis.input for basis in spec.load("hyperion").facts}
    changed = spec.load("hyperion", {"phases[0].facility_mw": "3 GW", "programme.training[0]": RUN})
    after = {basis.input for basis in changed.facts}
    assert before - after == {"phases[0]", "programme.training[0].tokens"}
    assert "programme.training_share" in after


@pytest.mark.parametrize(
    ("path", "value", "where", "fragment"),
    [
        ("site.gird", "pjm", "site.gird", "did you mean grid?"),
        ("sit.grid", "pjm", "sit.grid", "did you mean site?"),
        ("phases[0].mw", "3", "phases[0].mw", "did you mean it_mw or facility_mw?"),
        ("phases[7].it_mw", "3", "phases[7].it_mw", "it has 2 entries"),
        ("power.sources[1].name", "x", "power.sources[1].name", "it has one entry: [0]"),
        ("name[0]", "3", "name[0]", "it has no entries"),
        ("name.first", "3", "name.first", "expected name to hold keys; found 'first'"),
        ("phases.it_mw", "3", "phases.it_mw", "written [0], [1]"),
        ("phases[x].it_mw", "3", "phases[x].it_mw", "a path such as site.grid"),
        ("", "3", "--set", "a path such as site.grid"),
        ("phases[0].it_mw", "lots", "phases[0].it_mw", "a power in MW"),
        ("phases[0].it_mw", "-1", "phases[0].it_mw", "above 0 MW"),
        ("phases[0].it_mw", "", "phases[0].it_mw", "found nothing"),
        ("phases[0].it_mw", "[1", "phases[0].it_mw", "a value as in the file"),
        ("phases[0].facility_mw", "1", "phases[0].facility_mw", "of at least it_mw (500 MW)"),
        ("site", "{}", None, "expected the key place"),
        (
            "phases[1].chips",
            "[{type: gb30}]",
            "phases[1].chips[0].type",
            "did you mean gb300-nvl72",
        ),
    ],
)
def test_wrong_overrides(file, path, value, where, fragment):
    with pytest.raises(SpecError) as caught:
        spec.load(file, {path: value})
    assert fragment in str(caught.value)
    assert {problem.line for problem in caught.value.problems} == {0}
    if where is not None:
        assert only(caught).path == where


def test_wrong_override_and_wrong_file_are_named_together(file, right):
    file.write_text(right.replace("grid: pjm", "grid: nowhere"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        spec.load(file, {"horizon.yeers": "3", "horizon.years": "x"})
    found = [(p.line, p.path) for p in caught.value.problems]
    assert found == [(0, "horizon.years"), (0, "horizon.yeers"), (9, "site.grid")]


def test_campus_without_a_climate_is_not_made_up_but_can_be_completed(monkeypatch):
    whole = _published.published("hyperion")
    whole["site"] = {key: whole["site"][key] for key in ("place", "country", "state")}
    for module in (_published, read):
        monkeypatch.setattr(module, "published", lambda _name: whole)
    with pytest.raises(NotModelledError, match=r"no site\.climate and no site\.grid"):
        spec.load("hyperion")
    with pytest.raises(SpecError, match="expected the key grid"):
        spec.load("hyperion", {"site.climate": "columbus-oh"})
    campus = spec.load("hyperion", {"site.climate": "columbus-oh", "site.grid": "pjm"})
    assert campus.site.climate == "columbus-oh"


def test_loading_from_the_catalogue_is_quick():
    spec.load("hyperion")
    start = time.process_time()
    spec.load("hyperion")
    assert time.process_time() - start < 0.25
