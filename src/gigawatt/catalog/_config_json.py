"""Reading keys of a parsed ``config.json``, with errors that say where and what.

Split from `gigawatt.catalog.huggingface` so that its readers are lists of keys and nothing else.
"""

from __future__ import annotations

import json
from typing import Any, Final

from gigawatt.errors import InputError

__all__ = ["ConfigJson"]


_BLOCKS: Final = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}


class ConfigJson:
    """A configuration that says where it came from when a key is not as it should be."""

    def __init__(self, values: dict[str, Any], where: str) -> None:
        self.values, self.where = values, where

    def fail(self, key: str, expected: str) -> InputError:
        """Return the error that names the file, the key, and what stands there."""
        shown = json.dumps(self.values[key]) if key in self.values else "nothing"
        return InputError(f"{self.where}: {key}: expected {expected}; found {shown}")

    def count(self, key: str, default: int | None = None, least: int = 1) -> int:
        """Return a whole number; `default` stands in for a key that is absent or null."""
        value = self.values.get(key)
        if default is not None and value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.fail(key, f"a whole number of at least {least}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false")
        return value

    def text(self, key: str) -> str:
        """Return a string."""
        value = self.values.get(key)
        if not isinstance(value, str):
            raise self.fail(key, "a string")
        return value

    def names(self, key: str) -> list[str] | None:
        """Return a list of strings, or None where the key is absent or null."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.fail(key, "a list of strings")
        return value

    def head_dim(self, key: str, hidden_key: str, heads: int) -> int:
        """Return the width of a head, which files leave out where it is the even share."""
        if self.values.get(key) is not None:
            return self.count(key)
        hidden = self.count(hidden_key)
        if hidden % heads:
            raise self.fail(hidden_key, f"a multiple of the {heads} heads, or {key}")
        return hidden // heads

    def global_every(self, default: int) -> int:
        """Return n where every n-th layer sees everything; `default` without a list of layers."""
        key = "layer_types"
        kinds = self.names(key)
        if kinds is None:
            return default
        full = [kind == "full_attention" for kind in kinds]
        every = full.index(True) + 1 if any(full) else 0
        if full != [every > 0 and (i + 1) % every == 0 for i in range(len(full))]:
            raise self.fail(key, "full attention in every n-th layer")
        return every

    def blocks(self) -> list[str]:
        """Return the one block of each layer: ``mamba``, ``attention``, ``mlp`` or ``moe``."""
        key = "layers_block_type"
        blocks = self.names(key)
        if blocks is None:
            key = "hybrid_override_pattern"
            blocks = [_BLOCKS.get(letter, letter) for letter in self.text(key)]
        unknown = sorted(set(blocks) - set(_BLOCKS.values()))
        if unknown or len(blocks) != self.count("num_hidden_layers"):
            raise self.fail(key, "mamba (M), attention (*), mlp (-) or moe (E) for each layer")
        return blocks
