"""The kernel as a function of addresses: compiled once, kept on disk, and loaded without Numba.

Numba takes half a second to load what it has compiled, most of it for parts that the kernel has no
use for. So the machine code is kept here, in a file beside the source (or in the folder that
``NUMBA_CACHE_DIR`` or ``XDG_CACHE_HOME`` names), and LLVM loads it by itself. It is valid for these
sources, these versions of Numba and LLVM, and this kind of processor.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.cluster.kernel.columns import Setup, State

__all__ = ["WORDS", "advance"]

WORDS: Final = 4  # of an entry of the list of arrays: address and up to three lengths
_NATIVE: Final = ctypes.CFUNCTYPE(  # Numba's own way to call: the result and an error go out
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_int64),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_int64,
    ctypes.c_int64,
)
_ENGINES: Final[list[Any]] = []  # own the machine code, so they are kept


def advance(c: Setup, s: State) -> int:
    """Run until all jobs are done or the horizon is reached; can be called again."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        from gigawatt.cluster.kernel.loop import run  # noqa: PLC0415  as Python, to look into it

        return run(c, s)
    arrays: tuple[Any, ...] = s
    places = np.zeros((len(arrays), WORDS), dtype=np.int64)
    for row, array in zip(places, arrays, strict=True):
        row[0] = array.__array_interface__["data"][0]
        row[1 : 1 + array.ndim] = array.shape
    answer, error = ctypes.c_int64(), ctypes.c_void_p()
    failed = _kernel()(
        ctypes.byref(answer), ctypes.byref(error), c.__array_interface__["data"][0],
        places.__array_interface__["data"][0],
    )  # fmt: skip
    if failed:
        message = f"the kernel of the cluster failed with {failed}"
        raise RuntimeError(message)
    return answer.value


@cache
def _kernel() -> Any:  # noqa: ANN401  a function of ctypes
    """Return the kernel, from disk if it is there."""
    name = f"cluster-{_key()}.o"
    for folder in _folders():
        try:
            return _NATIVE(_loaded(*_unpacked((folder / name).read_bytes())))
        except (OSError, ValueError, RuntimeError):
            continue
    from gigawatt.cluster.kernel.jit import compiled  # noqa: PLC0415
    from gigawatt.cluster.kernel.loop import enter  # noqa: PLC0415  loads Numba, takes minutes

    symbol, code, address = compiled(enter, "int64(int64, int64)")
    _ENGINES.append(enter)
    for folder in _folders():
        if _kept(folder, name, _packed(symbol, code)):
            break
    return _NATIVE(address)


def _packed(symbol: str, code: bytes) -> bytes:
    """Return the content of a file: the name of the function, a sum of the code, the code."""
    return f"{symbol} {hashlib.sha256(code).hexdigest()}\n".encode() + code


def _unpacked(content: bytes) -> tuple[str, bytes]:
    """Return name and machine code; ValueError if the file is not whole, as it would crash."""
    head, _, code = content.partition(b"\n")
    symbol, _, found = head.decode().partition(" ")
    if hashlib.sha256(code).hexdigest() != found:
        message = "the machine code is damaged"
        raise ValueError(message)
    return symbol, code


def _loaded(symbol: str, code: bytes) -> int:
    """Return the address of a function in machine code."""
    import llvmlite.binding as llvm  # type: ignore[import-untyped]  # noqa: PLC0415

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    if not address:
        message = f"no function {symbol}"
        raise RuntimeError(message)
    _ENGINES.append(engine)
    return int(address)


def _key() -> str:
    """Return what the machine code depends on, in short."""
    import llvmlite.binding as llvm  # noqa: PLC0415

    text = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        text.update(path.read_bytes())
    features = llvm.get_host_cpu_features().flatten()
    for part in (version("numba"), version("llvmlite"), llvm.get_host_cpu_name(), features):
        text.update(part.encode())
    return text.hexdigest()[:20]


def _folders() -> Iterator[Path]:
    """Yield where machine code may be kept."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(os.environ["NUMBA_CACHE_DIR"])
    yield Path(__file__).parent / "__pycache__"
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gigawatt"


def _kept(folder: Path, name: str, content: bytes) -> bool:
    """Write a file whole or not at all, in place of older ones; whether that worked."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        older = [path for path in folder.glob("cluster-*.o") if path.name != name]
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(content)
        Path(file.name).replace(folder / name)
        for path in older:
            path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
