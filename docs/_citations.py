"""Let a module's docstring hold the references that its functions cite.

numpydoc makes a citation of every ``.. [1]`` and a link of every ``[1]_``, and wants both in one
docstring. Where they are not, they are turned into plain text, which reads the same.
"""

# ruff: noqa: INP001  a script beside conf.py, not a package

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["settle"]

_DEFINED: Final = re.compile(r"^\.\. \[(\d+)\] ?(.*)$")
_CITED: Final = re.compile(r"\[(\d+)\]_")


def settle(_app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:  # noqa: ANN401  Sphinx's own signature
    """Turn citations without a partner into text, in place."""
    defined = {match[1] for line in lines if (match := _DEFINED.match(line))}
    cited = {number for line in lines for number in _CITED.findall(line)}
    settled: list[str] = []
    inside = False  # of a reference that nothing in this docstring cites
    for line in lines:
        match = _DEFINED.match(line)
        was_inside = inside
        inside = match[1] not in cited if match else inside and (not line or line[0] == " ")
        if match or was_inside != inside:
            settled.append("")  # a paragraph ends where a reference begins or ends
        if match and inside:
            settled.append(f"[{match[1]}] {match[2]}")
        elif inside:
            settled.append(line.strip())
        else:
            settled.append(_CITED.sub(lambda m: m[0] if m[1] in defined else f"[{m[1]}]", line))
    lines[:] = settled
