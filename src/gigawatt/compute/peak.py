"""The fastest an accelerator can multiply, by number format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.catalog import Entry, Fact

__all__ = ["FORMATS", "peak"]

FORMATS: Final[dict[str, tuple[str, ...]]] = {
    # A chip without a narrow format runs such a model in the next wider one that it has.
    "bf16": ("bf16_tflops",),
    "fp8": ("fp8_tflops", "bf16_tflops"),
    "fp4": ("fp4_tflops", "fp8_tflops", "bf16_tflops"),
}
"""The peak rates that may carry out work in a precision, best first."""


def peak(chip: Entry, precision: str) -> Fact:
    """Return the dense peak rate at which `chip` computes in `precision`.

    Parameters
    ----------
    chip : Entry
        A chip of the catalogue.
    precision : str
        ``bf16``, ``fp8`` or ``fp4``.

    Returns
    -------
    Fact
        Dense peak in TFLOP/s, of the widest format needed.

    Raises
    ------
    NotModelledError
        If the catalogue holds no peak for any format that could do the work.
    """
    for field in FORMATS[precision]:
        if field in chip:
            return chip[field]
    message = f"no dense {precision} peak is published for chip '{chip.id}'"
    raise NotModelledError(message)
