"""Why a row of measurements is left out."""

from __future__ import annotations

__all__ = ["Skip"]


class Skip(Exception):  # noqa: N818  it is a reason, not an error
    """The row cannot be predicted; the message says why."""
