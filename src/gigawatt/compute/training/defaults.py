"""What a plan assumes where its user states nothing: tokens, sequence, batch, software."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt import catalog
from gigawatt.compute.training import calibration
from gigawatt.compute.training.published import published_at, published_layouts
from gigawatt.compute.training.stack import FAMILIES, Stack, stack, stack_for
from gigawatt.compute.work import active_parameters, matmul_parameters_per_token
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.catalog.architecture import Architecture

__all__ = ["batch_of", "optimal_batch_tokens", "seq_len_of", "stack_of", "tokens_of"]

_TOKENS_PER_PARAMETER: Final = 20.0
"""Tokens for each parameter at which compute is best spent (Hoffmann et al. 2022,
arXiv:2203.15556, table 3); only for the default batch of a model without published tokens."""

_SEQ_LEN: Final = 8192


def stack_of(text: str, chip: catalog.Entry) -> Stack:
    """Return the software that a user named: ``today``, a year, or ``family@YYYY-MM``."""
    newest = float(calibration.load()["newest_year"])
    vendor = chip.text("vendor")
    if text == "today":
        return stack_for(vendor, newest)
    family = text.partition("@")[0]
    if family in FAMILIES:
        return stack(text) if "@" in text else Stack(FAMILIES[family], newest)
    try:
        return stack_for(vendor, float(text))
    except ValueError:
        message = (
            "software must be 'today', a year, a family or family@YYYY-MM with a family of "
            f"{', '.join(FAMILIES)}; found '{text}'"
        )
        raise InputError(message) from None


def seq_len_of(model: str) -> int:
    """Return the tokens of a sequence in the model's own recipe or a published layout, else 8,192.

    Never more than the context that the model's developer states.
    """
    book = catalog.load()
    if not book.has("model", model):
        return _SEQ_LEN
    entry = book.get("model", model)
    if "train_seq_len" in entry:
        return int(entry.number("train_seq_len"))
    for published in published_layouts(model):
        return published.seq_len
    return min(_SEQ_LEN, int(entry.number("context_tokens", _SEQ_LEN)))


def tokens_of(model: str) -> float | None:
    """Return the tokens that the model was trained on, where published."""
    book = catalog.load()
    if book.has("model", model) and "train_tokens" in (entry := book.get("model", model)):
        return entry.number("train_tokens")
    return None


def batch_of(
    arch: Architecture, model: str, chip: catalog.Entry, size: tuple[int, int, float | None]
) -> tuple[int, str]:
    """Return the sequences of a step and why.

    The batch of a published run of the model at this size comes first, then the optimum of
    `optimal_batch_tokens`, rounded so that it divides.

    Parameters
    ----------
    arch, model, chip
        What is trained on what.
    size : tuple
        Accelerators, tokens of a sequence, and tokens of the run or None.
    """
    count, seq_len, tokens = size
    for published in published_at(model, chip, count, seq_len):
        batch = published.global_batch
        return batch, f"global batch not stated: {batch:,} sequences, as in {published.source}"
    spent = tokens or _TOKENS_PER_PARAMETER * active_parameters(arch)
    wanted = max(1.0, optimal_batch_tokens(arch, spent) / seq_len)
    odd = count
    while odd % 2 == 0:
        odd //= 2
    # Data parallelism must be able to use the odd part of the count.
    factor = max(d for d in range(1, odd + 1) if odd % d == 0 and d <= 4 * wanted)
    batch = int(factor * 2 ** max(0, round(np.log2(wanted / factor))))
    why = f"{batch:,} sequences, the DeepSeek law's optimum rounded so that it divides"
    return batch, f"global batch not stated: {why}"


def optimal_batch_tokens(arch: Architecture, tokens: float) -> float:
    r"""Return the tokens of a step that train best: :math:`B = 0.2920\,C^{0.3271}`.

    :math:`C` is the compute of the run [FLOP]; the law was fitted from 1e17 to 2e19 FLOP and held
    for DeepSeek's models of 7 and 67 billion parameters (arXiv:2401.02954, section 3.1).
    """
    compute = 6.0 * matmul_parameters_per_token(arch) * tokens
    return float(0.2920 * compute**0.3271)
