"""Compile to machine code.

A function for use by others is neither kept on disk nor wrapped for Python, as both take more time
than to compile it. `entry` keeps the kernel as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled", "jit", "kernel", "part"]

_NJIT: Any = numba.njit  # as Any, for its type leaves out some of its options
_Function = TypeVar("_Function", bound="Callable[..., object]")


def _decorated(function: _Function, *, inline: bool) -> _Function:
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
    return _decorated(function, inline=True)


def part(function: _Function) -> _Function:
    """Return a long `function` compiled once, for use by a `kernel`; Python cannot call it."""
    return _decorated(function, inline=False)


def kernel(function: _Function) -> _Function:
    """Return a `function` for `compiled`."""
    return _decorated(function, inline=False)


def compiled(function: Any, signature: str) -> tuple[str, bytes, int]:  # noqa: ANN401
    """Return name, machine code and address of a `kernel` with a signature."""
    function.compile(signature)
    (result,) = function.overloads.values()
    name = result.fndesc.llvm_func_name
    library = result.library
    return name, library._get_compiled_object(), library.get_pointer_to_function(name)  # noqa: SLF001
