"""What a run is called: a name that stands for everything that decides its bytes.

The name ends in a digest of the campus, the seed, the version, this package's own files and the
libraries that write the results. Two runs with one name are therefore byte for byte the same, and a
change to a single figure of the catalogue gives every campus a new one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import unicodedata
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gigawatt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.spec import Campus

__all__ = ["input_digest", "libraries", "package_digest", "run_id", "slug"]

# Numbers come from NumPy, Parquet from DuckDB, the report from Jinja and Plotly.
_LIBRARIES: Final = ("duckdb", "jinja2", "numpy", "plotly")
_NOT_SOURCE: Final = ("__pycache__",)


def run_id(name: str, campus_yaml: str, seed: int, inputs: str = "") -> str:
    """Return the name of the run of one campus: its own name and ten signs of a digest.

    Parameters
    ----------
    name : str
        Name of the campus.
    campus_yaml : str
        The campus as canonical YAML.
    seed : int
        Seed of every draw of chance.
    inputs : str
        Digest of files that the campus names, from `input_digest`.
    """
    parts = [campus_yaml, str(seed), gigawatt.__version__, package_digest(), inputs]
    parts += [f"{library} {number}" for library, number in libraries().items()]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"{slug(name)}-{digest[:10]}"


def slug(name: str) -> str:
    """Return a name as a folder may be called on any system.

    Examples
    --------
    >>> slug("Île-de-France / Campus 1")
    'ile-de-france-campus-1'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[:40].strip("-") or "campus"


def input_digest(campus: Campus) -> str:
    """Return a digest of the files that the campus names, empty where it names none.

    A model may be given as a ``config.json``; what that file says decides the result.
    """
    models = {run.model for run in campus.programme.training}
    models |= {service.model for service in campus.programme.services}
    paths = sorted(model for model in models if Path(model).is_file())
    if not paths:
        return ""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()


@cache
def package_digest() -> str:
    """Return the digest of this package's source and data, read once per process."""
    root = Path(gigawatt.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(_files(root)):
        with open(path, "rb") as handle:  # noqa: PTH123  pathlib costs a third of the time here
            content = handle.read()
        digest.update(f"{path[len(str(root)) :]}\0{len(content)}\0".replace(os.sep, "/").encode())
        digest.update(content)
    return digest.hexdigest()


@cache
def libraries() -> dict[str, str]:
    """Return the versions of the libraries that decide the bytes of a run."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # vendored without metadata
            found[library] = "unknown"
    return found


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_SOURCE]
        yield from (os.path.join(folder, n) for n in names if not n.endswith(".pyc"))  # noqa: PTH118
