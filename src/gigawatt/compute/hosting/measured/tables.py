"""Tables of measured kernels: where they are, and one operator's times as a grid.

The tables are those of the package ``aiconfigurator-core`` (NVIDIA, Apache-2.0): times of single
kernels on one accelerator, run by the engines' own code, in Parquet files by system, operator,
engine and its version. Nothing of the package's code is used or imported; DuckDB reads the files.

References
----------
.. [1] NVIDIA, AIConfigurator, https://github.com/ai-dynamo/aiconfigurator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gigawatt.compute.hosting.measured.grid import Grid
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.hosting.setting import ServingSetting

    Filter = tuple[tuple[str, str | float | tuple[str, ...]], ...]

__all__ = ["KernelTables", "grid_of", "kernel_tables", "measured_values"]

_PACKAGE: Final = "aiconfigurator-core"
_MODULE: Final = "aiconfigurator_core"

_SYSTEMS: Final = {
    "a100-sxm-80gb": "a100_sxm", "h100-sxm": "h100_sxm", "h100-pcie": "h100_pcie",
    "h200-sxm": "h200_sxm", "b200-sxm": "b200_sxm", "b300-sxm": "b300_sxm",
    "gb200-nvl72": "gb200", "gb300-nvl72": "gb300", "l40s": "l40s",
    "rtx-pro-6000": "rtx_pro_6000_server",
}  # fmt: skip
"""Accelerator of the catalogue: its name in the tables."""

_ENGINES: Final = {"vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "trtllm"}


@dataclass(frozen=True, slots=True)
class KernelTables:
    """The tables of one system and engine.

    Parameters
    ----------
    folder : Path
        Folder of the system, with a folder for each operator in it.
    engine, version : str
        Engine as the tables name it, and its version.
    origin : str
        Package and version that the tables come from.
    """

    folder: Path
    engine: str
    version: str
    origin: str

    def file(self, operator: str, name: str) -> Path | None:
        """Return a file of an operator: of this version, or the newest before it that has it."""
        return _file(self.folder / operator / self.engine, name, self.version)

    def needed(self, operator: str, name: str) -> Path:
        """Return a file as `file` does, or raise where there is none."""
        found = self.file(operator, name)
        if found is None:
            message = f"{self.described} has no table '{operator}/{name}'"
            raise NotModelledError(message)
        return found

    @property
    def described(self) -> str:
        """What to call them, e.g. ``aiconfigurator-core 0.12.0, h100_sxm, vllm 0.24.0``."""
        return f"{self.origin}, {self.folder.name}, {self.engine} {self.version}"


def kernel_tables(
    setting: ServingSetting, root: Path | None = None, version: str | None = None
) -> KernelTables:
    """Return the tables for a setting's chip and engine.

    Parameters
    ----------
    setting : ServingSetting
        Chip and engine.
    root : Path, optional
        Folder with a folder for each system; by default that of the installed package.
    version : str, optional
        Version of the engine; by default the one with the most operators, and of
        several the newest.

    Raises
    ------
    InputError
        If the package is not installed, or the version was not measured.
    NotModelledError
        If the chip or the engine was not measured.
    """
    root, origin = _installed() if root is None else (root, str(root))
    chip, engine = setting.chip.id, _ENGINES[setting.software]
    folder = root / _SYSTEMS.get(chip, chip)
    known = [path.name for path in (folder / "gemm" / engine).glob("*")]
    if not known:
        measured = ", ".join(
            c for c, system in _SYSTEMS.items() if (root / system / "gemm").is_dir()
        )
        message = f"no measured kernels of {setting.software} on {chip}; there are: {measured}"
        raise NotModelledError(message)
    if version is not None and version not in known:
        listed = ", ".join(sorted(known, key=_number))
        message = f"version of {engine} must be one of {listed}; found '{version}'"
        raise InputError(message)
    # The newest may hold a few operators of new models only.
    held = {one: len(list(folder.glob(f"*/{engine}/{one}"))) for one in known}
    fullest = max(known, key=lambda one: (held[one], _number(one)))
    return KernelTables(folder, engine, version or fullest, origin)


def _installed() -> tuple[Path, str]:
    """Return the folder of the installed package's tables, and its name with its version."""
    found = find_spec(_MODULE)
    if found is None or not found.submodule_search_locations:
        message = (
            f"measured kernels need the package {_PACKAGE}, which is not installed: "
            "pip install 'gigawatt[kernels]'"
        )
        raise InputError(message)
    folder = Path(next(iter(found.submodule_search_locations))) / "systems" / "data"
    return folder, f"{_PACKAGE} {metadata.version(_PACKAGE)}"


def _number(version: str) -> tuple[int, ...]:
    """Return a version as numbers to be compared, e.g. 1.3.0rc20 as (1, 3, 0, 20)."""
    return tuple(int(n) for n in re.findall(r"\d+", version))


@cache
def _file(folder: Path, name: str, version: str) -> Path | None:
    found = {_number(path.parent.name): path for path in folder.glob(f"*/{name}.parquet")}
    old = [one for one in found if one <= _number(version)]
    return found[max(old)] if old else None


@cache
def grid_of(
    path: Path, axes: tuple[str, ...], where: Filter = (), *, sequences: bool = False
) -> Grid | None:
    """Return the times of a file as a grid.

    Where kernels compete for the same sizes, the fastest counts: engines choose it. More rows never
    take less (`Grid.rising`).

    Parameters
    ----------
    path : Path
        A Parquet file with a column ``latency`` [ms].
    axes : tuple of str
        A column, or an expression of columns, for each axis; the first counts rows.
    where : tuple of (str, value)
        Columns and the value they must have, or several of which they may have any.
    sequences : bool
        Whether the end of the first axis is filled in proportion (`Grid.with_more_sequences`).

    Returns
    -------
    Grid or None
        None if no row has these values.
    """
    chosen = ", ".join(f"{axis} AS axis_{i}" for i, axis in enumerate(axes))
    found = _rows(path, f"{chosen}, min(latency) / 1e3 AS seconds", where, "GROUP BY ALL")
    if not len(found["seconds"]):
        return None
    grid = Grid.of_points([found[f"axis_{i}"] for i in range(len(axes))], found["seconds"])
    return grid.rising().with_more_sequences() if sequences else grid.rising()


@cache
def measured_values(path: Path, column: str, where: Filter = ()) -> tuple[Any, ...]:
    """Return the values of a column that were measured, ascending."""
    found = _rows(path, f"DISTINCT {column} AS value", where, "ORDER BY value")
    return tuple(found["value"].tolist())


def _rows(path: Path, what: str, where: Filter, tail: str) -> dict[str, NDArray[Any]]:
    import duckdb  # noqa: PLC0415  slow to import, and only needed here

    tests = "".join(
        f" AND list_contains(?, {column})" if isinstance(value, tuple) else f" AND {column} = ?"
        for column, value in where
    )
    # Columns are names of this package; values and the path are passed as parameters.
    query = f"SELECT {what} FROM read_parquet(?) WHERE latency > 0{tests} {tail}"  # noqa: S608
    values = [str(path), *(list(v) if isinstance(v, tuple) else v for _, v in where)]
    with duckdb.connect() as store:
        found: dict[str, NDArray[Any]] = store.execute(query, values).fetchnumpy()  # type: ignore[assignment]
    return found
