"""A run's folder is whole or not there, whatever happens while it is written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import factory
import pytest

from gigawatt.errors import InputError
from gigawatt.results import open_run, store

HERE = Path(__file__).parent
WRITER = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1] / "src")!r}]
import factory
run = factory.run()
print("ready", flush=True)
run.save(sys.argv[1])
print("saved", flush=True)
"""


def visible(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if not path.name.startswith(".")]


def test_a_saved_run_is_whole_and_named_by_its_id(tmp_path: Path) -> None:
    run = factory.run()
    folder = run.save(tmp_path)
    assert folder == tmp_path / run.id
    assert store.is_complete(folder)
    assert [path.name for path in tmp_path.iterdir()] == [run.id]
    names = {path.name for path in folder.iterdir()}
    assert {"campus.yaml", "meta.json", "summary.json", "report.html", "hourly.parquet"} <= names


def test_the_same_run_has_the_same_bytes(tmp_path: Path) -> None:
    one, two = (factory.run().save(tmp_path / name) for name in ("one", "two"))
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes(), path.name


def test_meta_lists_every_other_file_with_its_digest(tmp_path: Path) -> None:
    folder = factory.run().save(tmp_path)
    meta = json.loads((folder / "meta.json").read_text())
    assert set(meta["files"]) == {p.name for p in folder.iterdir()} - {"meta.json"}
    assert all(len(f["sha256"]) == 64 for f in meta["files"].values())
    assert meta["seed"] == 0
    assert meta["tables"]["hourly"] == 17_520


def test_a_whole_run_is_left_alone(tmp_path: Path) -> None:
    run = factory.run()
    folder = run.save(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert run.save(tmp_path) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("harm", ["missing", "short", "no meta"])
def test_a_broken_folder_is_known_and_replaced(tmp_path: Path, harm: str) -> None:
    run = factory.run()
    folder = run.save(tmp_path)
    if harm == "missing":
        (folder / "yearly.parquet").unlink()
    elif harm == "short":
        (folder / "hourly.parquet").write_bytes(b"PAR1")
    else:
        (folder / "meta.json").unlink()
    with pytest.raises(InputError, match=r"not whole|not a run"):
        open_run(folder)
    run.save(tmp_path)
    assert open_run(folder).tables["hourly"].shape[0] == 17_520
    assert [path.name for path in tmp_path.iterdir()] == [run.id]


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        message = "no space"
        raise OSError(28, message)

    with pytest.raises(InputError, match=r"cannot write the run .*no space"):
        store.save(tmp_path, "run-1", {"format": 1}, fail)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_writing_leaves_nothing(tmp_path: Path) -> None:
    def stop(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.save(tmp_path, "run-1", {"format": 1}, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write the run"):
        factory.run().save(tmp_path / "file")


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, reused = tmp_path / f".x-1.tmp-{gone.pid}-0", tmp_path / f".x-1.tmp-{os.getpid()}-999999"
    living, other = tmp_path / f".x-1.tmp-{os.getppid()}-0", tmp_path / ".mine"
    for folder in (dead, reused, living, other):
        folder.mkdir()
    factory.run().save(tmp_path)
    assert not dead.exists()
    assert not reused.exists(), "an earlier process had our number, as in containers"
    assert living.exists()
    assert other.exists()


def test_two_at_once_agree(tmp_path: Path) -> None:
    run = factory.run()

    def write(folder: Path) -> None:
        run.save(tmp_path)  # another process puts the same run in place meanwhile
        run._write(folder)

    assert store.save(tmp_path, run.id, run.meta, write) == tmp_path / run.id
    assert [path.name for path in tmp_path.iterdir()] == [run.id]


def test_killed_at_any_moment_no_half_written_run_is_left(tmp_path: Path) -> None:
    """Kill the writer after ever longer waits, from before its first file to after its last."""
    seen = set()
    taken = _time_of_a_save(tmp_path / "whole")
    for step in range(12):
        parent = tmp_path / "runs"
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(parent)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(taken * step / 9)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        for folder in visible(parent) if parent.exists() else []:
            assert open_run(folder).tables["hourly"].shape == (17_520, 23)
        left = [p.name for p in parent.iterdir()] if parent.exists() else []
        seen.add(
            "whole" if any(not n.startswith(".") for n in left) else "half" if left else "none"
        )
        if "whole" in seen and step % 2:
            shutil.rmtree(parent)
    assert "half" in seen, "no kill fell into the writing: the waits are wrong"
    run = factory.run()
    assert store.is_complete(run.save(tmp_path / "runs"))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.id]


def _time_of_a_save(parent: Path) -> float:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(parent)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    begun = time.perf_counter()
    assert writer.stdout.readline() == "saved\n"
    writer.communicate()
    return time.perf_counter() - begun


def test_a_report_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    store.write_text(path, "one")
    store.write_text(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_a_report_goes_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    store.write_text(pipe, "through")
    assert reader.communicate()[0] == "through"
    assert pipe.is_fifo()


def test_a_report_where_none_can_be_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        store.write_text(tmp_path, "a folder is no file")


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "not JSON"), ("[]", "format 1"), ('{"format": 2, "files": {}}', "format 1")],
)
def test_what_is_no_run_is_said_to_be_none(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "meta.json").write_text(content)
    with pytest.raises(InputError, match=says):
        open_run(tmp_path)
    with pytest.raises(InputError, match="not a run"):
        open_run(tmp_path / "nothing")
