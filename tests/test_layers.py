"""Packages import only those below them, as the design says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gigawatt

ROOT = Path(gigawatt.__file__).parent
ORDER = (
    "errors", "units", "_lazy", "catalog", "spec", "compute", "cluster", "site", "energy",
    "programme", "twin", "results", "validation", "cli",
)  # fmt: skip
FILES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT)


def imported(path):
    """Yield the packages of Gigawatt that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module == "gigawatt"
            names = [f"gigawatt.{a.name}" for a in node.names] if whole else [node.module]
        for name in names:
            parts = name.split(".")
            if parts[0] == "gigawatt" and len(parts) > 1 and parts[1] in ORDER:
                yield parts[1]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_package_imports_one_above_it(path):
    own = ORDER.index(path.relative_to(ROOT).parts[0])
    above = {name for name in imported(path) if ORDER.index(name) > own}
    assert not above


def test_every_package_has_its_place():
    found = {p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()}
    assert found <= set(ORDER)
