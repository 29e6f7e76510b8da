"""``gigawatt init``, ``check`` and ``schema``."""

from __future__ import annotations

import itertools
import json
import threading

import pytest

from gigawatt import spec
from gigawatt.cli._files import new_file, replace_file
from gigawatt.errors import InputError


def test_init_writes_a_file_that_checks(cli, tmp_path):
    made = cli("init")
    assert made.exit_code == 0
    assert made.stdout == "campus.yaml\n"
    assert "gigawatt check campus.yaml" in made.stderr
    checked = cli("check", tmp_path / "campus.yaml")
    assert checked.exit_code == 0, checked.stderr


@pytest.mark.parametrize("name", spec.template_names())
def test_every_template_checks(cli, name):
    assert name in cli("init", "--list").stdout.split()
    assert cli("init", "mine.yaml", "--template", name, "--quiet").stderr == ""
    assert cli("check", "mine.yaml").exit_code == 0


def test_init_from_a_campus_is_that_campus(cli):
    assert cli("init", "mine.yaml", "--from", "hyperion").exit_code == 0
    assert spec.load("mine.yaml") == spec.load("hyperion")


def test_init_never_overwrites(cli, tmp_path):
    path = tmp_path / "campus.yaml"
    path.write_text("mine", encoding="utf-8")
    result = cli("init")
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert path.read_text(encoding="utf-8") == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["campus.yaml"]


def test_init_follows_no_dangling_link(cli, tmp_path):
    (tmp_path / "campus.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert cli("init").exit_code == 2
    assert not (tmp_path / "elsewhere.yaml").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--template", "minimal", "--from", "hyperion"], "exclude each other"),
        (["--template", "maximal"], "no template named 'maximal'"),
        (["--from", "hyperon"], "hyperon"),
        (["missing/campus.yaml"], "cannot be written"),
    ],
)
def test_init_refuses(cli, tmp_path, args, says):
    result = cli("init", *args)
    assert result.exit_code == 2
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_only_one_of_many_writers_makes_a_new_file(tmp_path):
    path, won = tmp_path / "new", []

    def write(text: str) -> None:
        try:
            new_file(path, text)
        except InputError:
            return
        won.append(text)

    threads = [threading.Thread(target=write, args=(str(i) * 1000,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_text(encoding="utf-8")] == won
    assert list(tmp_path.iterdir()) == [path]


def test_replaced_file_is_never_seen_half_written(tmp_path):
    path = tmp_path / "file"
    replace_file(path, "old")
    replace_file(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_check_names_every_problem_on_its_line(cli, small):
    text = small.read_text(encoding="utf-8")
    small.write_text(text.replace("it_mw: 10", "it_mw: -1").replace("grid: miso", "grid: mars"))
    result = cli("check", small)
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{small}:3: site.grid: expected ")
    assert lines[1].startswith(f"{small}:6: phases[0].it_mw: expected ")


def test_check_reads_every_file(cli, small, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("gigawatt: 1\nname: X\n", encoding="utf-8")
    result = cli("check", broken, small, tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert f"{small}: Small, 1 years from 2027-01-01, 1 phase with 10 MW" in result.stdout
    assert f"{broken}" in result.stderr
    assert "none.yaml" in result.stderr


def test_check_as_json(cli, small, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(small.read_text(encoding="utf-8") + "colour: blue\n", encoding="utf-8")
    result = cli("check", small, broken, "--format", "json")
    assert result.exit_code == 2
    answer = json.loads(result.stdout)
    assert [file["ok"] for file in answer["files"]] == [True, False]
    assert answer["ok"] is False
    assert answer["files"][0]["campus"]["it_mw"] == 10
    problem = answer["files"][1]["problems"][0]
    assert (problem["path"], problem["line"]) == ("colour", 12)


def test_check_takes_changes(cli, small):
    good = cli("check", small, "--set", "phases[0].facility_mw=20 MW")
    assert "20 MW at the meter" in good.stdout
    bad = cli("check", small, "--set", "phases[0].facility_mw=1 MW")
    assert bad.exit_code == 2
    assert "facility_mw" in bad.stderr
    assert cli("check", small, "--set", "phases").exit_code == 2


def test_quiet_check_is_silent_on_success(cli, small):
    result = cli("check", small, "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_schema_is_the_specs_own(cli, tmp_path):
    assert json.loads(cli("schema").stdout) == spec.schema()
    assert cli("schema", "--output", "s.json").exit_code == 0
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == spec.schema()
    assert cli("schema", "--output", "s.json", "--format", "text").exit_code == 2


def test_schema_as_text_explains_every_key(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("schema", "--format", "text").stdout.splitlines()
    assert max(map(len, lines)) <= 80 + len("behind-the-meter")
    assert not any("…" in line for line in lines)
    heads = {line.split()[0]: line for line in lines if not line.startswith(" ")}
    assert heads["phases[].it_mw"] == "phases[].it_mw  number, MW, required"
    assert heads["horizon.years"] == "horizon.years  integer, years, default 5"
    assert heads["site.state"] == "site.state  text, optional"
    assert heads["programme.services[].ttft_ms"].endswith("number, ms, default 2000.0")
    assert heads["programme.training[].precision"].endswith("bf16, fp8 or fp4, default bf16")
    assert {"phases[].chips[].type", "finance.price_year"} <= set(heads)
    explained = [
        after.startswith("    ") for line, after in itertools.pairwise(lines) if line[0] != " "
    ]
    assert all(explained), "a key without a meaning"


def test_large_powers_are_written_out(cli, small):
    bad = cli("check", small, "--set", "phases[0].it_mw=3.3 TW")
    assert "3,300,000 MW" in bad.stderr
    many = cli("check", small, "--set", "phases[0].chips[0].count=2 T")
    assert "e+" not in many.stderr
