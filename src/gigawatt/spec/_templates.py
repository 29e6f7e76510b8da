"""Campus files to start from, as ``gigawatt init`` writes them."""

from __future__ import annotations

from importlib.resources import files

from gigawatt.errors import InputError

__all__ = ["template", "template_names"]

_NAMES = ("minimal", "training", "hosting", "full")


def template_names() -> tuple[str, ...]:
    """Return the names of the templates, the simplest first."""
    return _NAMES


def template(name: str) -> str:
    """Return the text of a template.

    Parameters
    ----------
    name : str
        One of `template_names`.

    Returns
    -------
    str
        A campus file with comments, which checks without a problem.

    Raises
    ------
    InputError
        If there is no such template.
    """
    if name not in _NAMES:
        message = f"no template named '{name}'; there are {', '.join(_NAMES)}"
        raise InputError(message)
    path = files("gigawatt.spec") / "templates" / f"{name}.yaml"
    return path.read_text(encoding="utf-8")
