"""Shares as readers see them."""

from __future__ import annotations

__all__ = ["percent"]


def percent(share: float, digits: int = 0, *, sign: bool = False) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> percent(0.0658, 2), percent(-0.3, sign=True)
    ('6.58 %', '-30 %')
    """
    shown = f"{100.0 * share:+.{digits}f}" if sign else f"{100.0 * share:.{digits}f}"
    return f"{shown} %"
