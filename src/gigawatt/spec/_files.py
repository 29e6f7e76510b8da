"""Files of hourly values that a campus file names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

from gigawatt.spec._types import Text

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["HourlyFile"]


@dataclass(frozen=True)
class HourlyFile:
    """The path of a CSV file; a relative one is looked for beside the campus file first.

    Whether the file is there and right is told when it is read, with its line and column.
    """

    def read_in(self, value: object, info: core_schema.ValidationInfo) -> str:
        """Return the path; PydanticCustomError if it is no text."""
        text = Text("the path of a CSV file").read(value)
        beside = Path((info.context or {}).get("folder", "")) / text
        return beside.as_posix() if beside.is_file() else text

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read values with `read_in`."""
        del source, handler
        return core_schema.with_info_plain_validator_function(self.read_in)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say that a path stands here."""
        del schema, handler
        return {"type": "string", "minLength": 1, "examples": ["prices.csv"]}
