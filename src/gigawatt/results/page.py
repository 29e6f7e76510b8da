"""Pages of one HTML file that hold everything, for any browser, with or without a network.

Plotly's script travels inside the file, and a content policy in its head forbids the page to fetch
anything. All text is escaped by the template engine.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

__all__ = ["embed_json", "plotly_js", "render_page"]


def render_page(
    template: str,
    figures: Mapping[str, Any],
    **shown: Any,  # noqa: ANN401  whatever the template names
) -> str:
    """Return a page.

    Parameters
    ----------
    template : str
        A file in ``templates``.
    figures : mapping of str to dict
        Plotly figures by the name under which the template places them.
    **shown
        What else the template names.
    """
    from markupsafe import Markup  # noqa: PLC0415  comes with Jinja, which only pages need

    from gigawatt import __version__  # noqa: PLC0415

    return _template(template).render(
        version=__version__,
        figures=Markup(embed_json(figures)),  # noqa: S704  every sign with a meaning is escaped
        plotly=Markup(plotly_js()),  # noqa: S704  a script of an installed package
        css=Markup(_asset("report.css")),  # noqa: S704  our own
        js=Markup(_asset("report.js")),  # noqa: S704  our own
        **shown,
    )


def embed_json(value: Any) -> str:  # noqa: ANN401  any JSON value
    r"""Return JSON that no HTML parser can mistake for the end of its element.

    Examples
    --------
    >>> embed_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


@cache
def plotly_js() -> str:
    """Return Plotly's script as the installed package carries it, without importing the package.

    Raises
    ------
    RuntimeError
        If the installed Plotly has no script.
    """
    found = find_spec("plotly")
    folders = found.submodule_search_locations if found else None
    path = Path(next(iter(folders or [""]))) / "package_data" / "plotly.min.js"
    if not path.is_file():
        message = f"the installed plotly package has no script at {path}"
        raise RuntimeError(message)
    return path.read_text(encoding="utf-8")


def _asset(name: str) -> str:
    return (files("gigawatt.results") / "templates" / name).read_text(encoding="utf-8")


@cache
def _template(name: str) -> Template:
    import jinja2  # noqa: PLC0415  only pages need it

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset(name))
