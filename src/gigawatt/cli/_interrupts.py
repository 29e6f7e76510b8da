"""Ctrl-C, where Python alone would not treat it rightly."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["held_back", "noted"]


@contextmanager
def noted() -> Iterator[list[int]]:
    """Yield a list of the interrupts seen, whatever libraries make of their exceptions."""
    seen: list[int] = []

    def note(number: int, _frame: object) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    # A process started in the background ignores interrupts, and shall go on doing so.
    if not _ours() or before is not signal.default_int_handler:
        yield seen
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def held_back() -> Iterator[None]:
    """Let an interrupt wait until the block is done.

    For short blocks that call into C++: a library that meets an interrupt halfway through a call
    back into Python ends the process at once, and nothing is cleaned up.
    """
    before = signal.getsignal(signal.SIGINT)
    if not _ours() or not callable(before):
        yield
        return
    waiting: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        signal.raise_signal(signal.SIGINT)


def _ours() -> bool:
    # Only the main thread may set what a signal does.
    return threading.current_thread() is threading.main_thread()
