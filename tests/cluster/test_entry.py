"""The machine code of the kernel, kept on disk."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gigawatt.cluster import Cluster, Jobs, simulate_cluster
from gigawatt.cluster.kernel import entry

JOBS = Jobs.of(submit_s=[0, 1, 2], accelerators=[6, 8, 2], work_s=[100, 50, 90])
AGAIN = """
import sys
from gigawatt.cluster import Cluster, Jobs, simulate_cluster
jobs = Jobs.of(submit_s=[0, 1, 2], accelerators=[6, 8, 2], work_s=[100, 50, 90])
print(simulate_cluster(Cluster(), jobs, policy="easy").start_s.tolist(), "numba" in sys.modules)
"""


def test_a_later_process_loads_it_without_numba():
    first = simulate_cluster(Cluster(), JOBS, policy="easy").start_s.tolist()
    again = subprocess.run([sys.executable, "-c", AGAIN], check=True, capture_output=True)
    assert again.stdout.decode().strip() == f"{first} False"


def test_damaged_machine_code_is_not_run():
    content = entry._packed("enter", b"\x90\nmachine code")
    assert entry._unpacked(content) == ("enter", b"\x90\nmachine code")
    for bad in (content[:-1], b"", b"enter\n", b"\xff" + content):
        with pytest.raises(ValueError, match=r"damaged|decode"):
            entry._unpacked(bad)


def test_it_is_kept_whole_in_place_of_older_ones(tmp_path):
    (tmp_path / "cluster-old.o").write_bytes(b"old")
    assert entry._kept(tmp_path, "cluster-new.o", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["cluster-new.o"]
    assert (tmp_path / "cluster-new.o").read_bytes() == b"new"
    (tmp_path / "file").write_bytes(b"")
    assert not entry._kept(tmp_path / "file", "cluster-new.o", b"new")
