"""Compile to machine code and keep it on disk.

Numba keeps compiled code beside the source, but looks only at the file of a function to see whether
it is still valid, not at the files of those it calls. The kernel spans several files, so each
function here is stamped with the newest of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["jit", "kernel", "pointer"]

_NJIT: Any = numba.njit  # as Any, for its type leaves out some of its options
_Function = TypeVar("_Function", bound="Callable[..., object]")


def _stamp() -> tuple[float, int]:
    stats = [path.stat() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return max(s.st_mtime for s in stats), sum(s.st_size for s in stats)


def kernel(function: _Function) -> _Function:
    """Return `function` compiled at its first call; later processes load it from disk.

    It may allocate nothing that Numba counts references of; without counting it is six times
    faster.
    """
    options = {"nogil": True, "error_model": "numpy", "_nrt": False}
    try:
        compiled = _NJIT(cache=True, **options)(function)
    except RuntimeError:  # no folder can be written to; it is then compiled in each process
        return _NJIT(**options)(function)  # type: ignore[no-any-return]
    index = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = _stamp()  # type: ignore[union-attr]  # noqa: SLF001
    return compiled  # type: ignore[no-any-return]


def jit(function: _Function) -> _Function:
    """Return `function` compiled for use by a `kernel`; Python cannot call it.

    It is neither kept on disk nor wrapped for Python, as both take more time than to compile it.
    """
    decorate = _NJIT(
        nogil=True,
        error_model="numpy",
        _nrt=False,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        forceinline=True,
    )
    return decorate(function)  # type: ignore[no-any-return]


def pointer(function: Callable[..., None], *, cache: bool) -> Any:  # noqa: ANN401  Numba's own type
    """Return `function` of three float64 arrays compiled, to be called through a pointer.

    All such functions are of one type, so the kernel that calls them is compiled once.
    """
    array = numba.float64[::1]
    signature = numba.void(array, array, array)
    try:
        return numba.cfunc(signature, cache=cache, error_model="numpy")(function)
    except RuntimeError:
        if not cache:
            raise
        return numba.cfunc(signature, error_model="numpy")(function)
