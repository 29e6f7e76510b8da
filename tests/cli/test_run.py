"""``gigawatt run`` and ``compare``, here and as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from gigawatt import cli as program_cli
from gigawatt import results, spec
from gigawatt.errors import GigawattError

if TYPE_CHECKING:
    from pathlib import Path


def test_run_prints_the_answer_and_says_where_it_lies(cli, small, tmp_path):
    result = cli("run", small, "--out", "out")
    assert result.exit_code == 0, result.stderr
    folder = next((tmp_path / "out").iterdir())
    assert result.stderr == f"run: out/{folder.name}\nreport: out/{folder.name}/report.html\n"
    run = results.open_run(folder)
    assert result.stdout.startswith("Small")
    assert all(line.label in result.stdout for line in run.headlines.values())
    assert "\x1b" not in result.stdout + result.stderr


def test_json_is_the_summary_of_the_folder(cli, small, tmp_path):
    result = cli("run", small, "--format", "json", "--quiet")
    assert result.stderr == ""
    assert result.stdout.endswith("}\n")
    shown = json.loads(result.stdout, parse_constant=pytest.fail)
    folder = tmp_path / "runs" / shown["run"]
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8")) == shown
    assert list(shown) == list(json.loads((folder / "summary.json").read_text(encoding="utf-8")))


def test_report_goes_where_it_is_asked_to(cli, small, tmp_path):
    result = cli("run", small, "--report", "small.html")
    assert "report: small.html" in result.stderr
    html = (tmp_path / "small.html").read_text(encoding="utf-8")
    assert html.lower().startswith("<!doctype html>")
    folder = next((tmp_path / "runs").iterdir())
    assert (folder / "report.html").read_text(encoding="utf-8") == html


def test_report_into_a_missing_folder_is_refused_before_the_run(cli, small, tmp_path):
    result = cli("run", small, "--report", "none/small.html")
    assert result.exit_code == 2
    assert "the folder none does not exist" in result.stderr
    assert list(tmp_path.iterdir()) == [small]


def test_warnings_go_to_stderr_one_to_a_line(cli, small):
    bulky = ["--set", "phases[0].chips[0].count=100"]
    said = [line for line in cli("run", small, *bulky).stderr.splitlines() if "warning" in line]
    assert said
    assert all(line.startswith("warning: ") for line in said)
    shown = json.loads(cli("run", small, *bulky, "--format", "json").stdout)
    assert [f"warning: {text}" for text in shown["warnings"]] == said
    checked = cli("check", small, *bulky)
    assert "warning: " in checked.stderr
    assert checked.exit_code == 0
    assert "warning" not in cli("run", small, *bulky, "--quiet").stderr
    assert cli("check", small, *bulky, "--quiet").stderr == ""
    answer = json.loads(cli("check", small, *bulky, "--format", "json").stdout)
    assert set(answer["files"][0]["warnings"]) <= set(shown["warnings"])


@pytest.mark.parametrize("width", [80, 100])
def test_the_summary_fits_the_terminal_and_cuts_nothing(cli, small, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    text = cli("run", small).stdout
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert "speed of run: " in text


def test_same_question_has_the_same_folder(cli, small, tmp_path):
    first, again = cli("run", small), cli("run", small)
    assert first.stdout == again.stdout
    assert len(list((tmp_path / "runs").iterdir())) == 1
    cli("run", small, "--seed", "1")
    cli("run", small, "--set", "cooling.pue=1.3")
    assert len(list((tmp_path / "runs").iterdir())) == 3


def test_changes_reach_the_answer(cli, small):
    def energy(*args: str) -> float:
        shown = cli("run", small, "--format", "json", *args)
        return json.loads(shown.stdout)["headlines"]["facility_energy_mwh"]["value"]

    limit_mw = 1.0
    assert energy("--set", "power.interconnection_mw=1 MW") <= limit_mw * 8760 < energy()


def test_verbose_says_where_the_time_went(cli, small):
    result = cli("run", small, "--verbose", "--quiet")
    stages = [line.rsplit(None, 1)[0].strip() for line in result.stderr.splitlines()]
    assert stages[0] == "stage"
    assert stages[-1] == "total"
    assert {"read the campus", "simulate", "capacity", "write the run"} <= set(stages)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["hyperon"], "hyperion"),
        (["missing.yaml"], "missing.yaml"),
        (["hyperion", "--set", "power"], "path=value"),
        (["hyperion", "--set", "power.price=3"], "price"),
        (["hyperion", "--seed", "-1"], "--seed"),
        (["hyperion", "--format", "xml"], "xml"),
    ],
)
def test_bad_input_ends_with_two_and_writes_nothing(cli, tmp_path, args, says):
    result = cli("run", *args)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_failure_of_a_model_ends_with_one(cli, small, monkeypatch):
    def fail(*_args: object, **_more: object) -> None:
        message = "no model answers this"
        raise GigawattError(message)

    monkeypatch.setattr(results, "simulate", fail, raising=False)
    result = cli("run", small)
    assert result.exit_code == 1
    assert result.stderr == "no model answers this\n"


def test_unexpected_error_keeps_its_traceback(small, monkeypatch, tmp_path):
    def fail(*_args: object, **_more: object) -> None:
        message = "a fault of ours"
        raise ZeroDivisionError(message)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "simulate", fail, raising=False)
    with pytest.raises(ZeroDivisionError, match="a fault of ours"):
        program_cli.main(["run", str(small)])


def test_interrupt_is_quiet_and_leaves_nothing(small, monkeypatch, tmp_path, capsys):
    def interrupt(*_args: object, **_more: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "simulate", interrupt, raising=False)
    assert program_cli.main(["run", str(small)]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip() == "gigawatt: interrupted"
    assert list(tmp_path.iterdir()) == [small]


def test_interrupt_that_a_library_turns_into_its_own_error_is_still_one(
    small, monkeypatch, tmp_path, capsys
):
    def interrupt(*_args: object, **_more: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt as error:
            message = "KeyboardInterrupt:"
            raise RuntimeError(message) from error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "simulate", interrupt, raising=False)
    assert program_cli.main(["run", str(small)]) == 130
    assert capsys.readouterr().err.strip() == "gigawatt: interrupted"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_interrupt_waits_until_the_run_is_written(small, monkeypatch, tmp_path, capsys):
    save = results.Run.save

    def interrupted_save(run: results.Run, parent: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        return save(run, parent)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results.Run, "save", interrupted_save)
    assert program_cli.main(["run", str(small)]) == 130
    assert capsys.readouterr().out == ""
    (folder,) = (tmp_path / "runs").iterdir()
    assert results.open_run(folder).summary["campus"] == "Small"


@pytest.mark.parametrize("after_s", [0.4, 0.8, 1.2, 1.6, 2.0])
def test_interrupted_process_leaves_no_half_run(small, tmp_path, after_s):
    out = tmp_path / "out"
    child = subprocess.Popen(
        [sys.executable, "-m", "gigawatt", "run", str(small), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(after_s)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    # Where the interrupt met code that C called, Python ends by the signal: 130 to a shell as well.
    assert child.returncode in {0, 130, -signal.SIGINT}, err
    assert "Traceback" not in err
    found = list(out.iterdir()) if out.exists() else []
    assert not [path for path in found if path.name.startswith(".")]
    for path in found:
        assert results.open_run(path).summary["campus"] == "Small"


def test_closed_pipe_is_quiet(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-m", "gigawatt", "catalog", "--search", "a", "--format", "json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(1)
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait(timeout=60) != 2
    assert err == b""


def test_streams_of_a_real_process(program, small, tmp_path):
    done = program("run", small, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["campus"] == "Small"
    assert done.stderr.startswith("run: runs/small-")
    bad = program("run", tmp_path / "none.yaml")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "Traceback" not in bad.stderr


def test_compare_holds_each_campus_in_its_column(cli, small, tmp_path):
    other = tmp_path / "other.yaml"
    text = small.read_text(encoding="utf-8").replace("name: Small", "name: Twice")
    other.write_text(text.replace("it_mw: 10, facility_mw: 13", "it_mw: 20, facility_mw: 26"))
    result = cli("compare", small, other, "--format", "json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [run["campus"] for run in answer["runs"]] == ["Small", "Twice"]
    once, twice = answer["headlines"]["planned_maximum_mw"]["values"]
    assert (once, twice) == (13, 26)
    shown = cli("compare", small, other, "--quiet")
    assert shown.stderr == ""
    assert "Small" in shown.stdout
    assert "Twice" in shown.stdout


def test_compare_reads_finished_runs_as_they_are(cli, small, tmp_path):
    cli("run", small)
    folder = next((tmp_path / "runs").iterdir())
    answer = json.loads(cli("compare", folder, small, "--format", "json").stdout)
    assert answer["runs"][0]["run"] == answer["runs"][1]["run"] == folder.name
    assert all(len(set(map(str, row["values"]))) == 1 for row in answer["headlines"].values())
    for change in (["--set", "cooling.pue=1.3"], ["--seed", "3"]):
        refused = cli("compare", folder, small, *change)
        assert refused.exit_code == 2
        assert "finished run" in refused.stderr


def test_compare_writes_nothing(cli, small, tmp_path):
    before = sorted(tmp_path.iterdir())
    cli("compare", small, small)
    assert sorted(tmp_path.iterdir()) == before


def test_compare_reads_all_before_it_simulates(cli, small):
    result = cli("compare", small, "runs/nothing")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "simulating" not in result.stderr
    assert "nothing" in result.stderr


def test_compare_refuses_a_run_of_another_kind(cli, small, tmp_path):
    cli("run", small)
    folder = next((tmp_path / "runs").iterdir())
    path = folder / "summary.json"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace('"headlines"', '"headlimes"', 1), encoding="utf-8")
    result = cli("compare", folder, small)
    assert result.exit_code == 2
    assert "lacks headlines" in result.stderr
    path.write_text(" " * (len(whole.encode()) - 2) + "{}", encoding="utf-8")
    assert "no summary of a run" in cli("compare", folder).stderr


def test_compare_refuses_a_folder_that_is_no_run(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    result = cli("compare", "empty")
    assert result.exit_code == 2
    assert "empty" in result.stderr


def test_campus_of_the_catalogue_runs(program):
    done = program("run", "hyperion", "--format", "json", "--quiet")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["campus"] == spec.load("hyperion").name
