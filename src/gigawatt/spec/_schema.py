"""The JSON Schema of a campus file, for editors."""

from __future__ import annotations

from typing import Any

from gigawatt.spec.campus import Campus

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a campus file.

    Every key has a description with its unit. Names of the catalogue are offered as examples.

    Returns
    -------
    dict
        The schema, ready for ``json.dumps``.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Campus.model_json_schema(),
        "title": "Gigawatt campus",
    }
