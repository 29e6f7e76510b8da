"""Sphinx settings. The reference pages are generated from the program before every build."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import _citations  # noqa: E402  needs the path above
import _generate  # noqa: E402  needs the path above

import gigawatt  # noqa: E402

_generate.write_all(HERE / "reference" / "generated")

project = "Gigawatt"
author = "the Gigawatt authors"
copyright = f"2026, {author}"
version = release = gigawatt.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Gigawatt {release}"
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # numpydoc's sections say the types
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", _citations.settle, priority=400)  # before numpydoc
