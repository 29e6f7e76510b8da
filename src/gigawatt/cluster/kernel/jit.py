"""Compile to machine code and keep it on disk.

Numba keeps compiled code beside the source, but looks only at the file of a function to see whether
it is still valid, not at the files of those it calls. The kernel spans several files, so it is
stamped with the newest of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["jit", "kernel", "part"]

_NJIT: Any = numba.njit  # as Any, for its type leaves out some of its options
_Function = TypeVar("_Function", bound="Callable[..., object]")


def _stamp() -> tuple[float, int]:
    stats = [path.stat() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return max(s.st_mtime for s in stats), sum(s.st_size for s in stats)


def kernel(function: _Function) -> _Function:
    """Return `function` compiled at its first call; later processes load it from disk."""
    options = {"nogil": True, "error_model": "numpy", "_nrt": False}
    try:
        compiled = _NJIT(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written to; it is then compiled in each process
        return _NJIT(**options)(function)  # type: ignore[no-any-return]
    index = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = _stamp()  # type: ignore[union-attr]  # noqa: SLF001
    return compiled  # type: ignore[no-any-return]


def _inner(function: _Function, *, inline: bool) -> _Function:
    decorate = _NJIT(
        nogil=True,
        error_model="numpy",
        _nrt=False,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        forceinline=inline,
    )
    return decorate(function)  # type: ignore[no-any-return]


def jit(function: _Function) -> _Function:
    """Return a short `function` compiled into each place that calls it; Python cannot call it."""
    return _inner(function, inline=True)


def part(function: _Function) -> _Function:
    """Return a long `function` compiled once, for use by a `kernel`; Python cannot call it."""
    return _inner(function, inline=False)
