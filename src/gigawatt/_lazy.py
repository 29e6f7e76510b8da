"""Public names that are imported when they are first used."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["lazy"]


def lazy(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package whose names live in other modules.

    Importing the package then imports nothing else: a short command does not pay for what it does
    not use.

    Parameters
    ----------
    package : str
        Name of the package.
    homes : mapping of str to iterable of str
        Public names, by the module of the package that holds them.

    Examples
    --------
    >>> find, names = lazy("gigawatt", {"units": ["convert"]})
    >>> find("convert")(1.2, "GW", "MW")
    1200.0
    """
    home = {name: f"{package}.{module}" for module, names in homes.items() for name in names}

    def find(name: str) -> Any:  # noqa: ANN401  a module's attributes are of any type
        if name not in home:
            message = f"module '{package}' has no attribute '{name}'"
            raise AttributeError(message)
        return getattr(importlib.import_module(home[name]), name)

    def listed() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return find, listed
