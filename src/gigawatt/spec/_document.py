"""Read a YAML text as plain values, and remember the line of each.

Only the composer of ruamel.yaml is used: it yields nodes with their lines and runs nothing that a
tag might name. The values made of them are mappings, lists, texts, numbers, booleans and None;
dates stay texts. Aliases are followed, up to a limit on the values they come to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from gigawatt.errors import Problem
from gigawatt.spec._checks import Loc, dotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from ruamel.yaml.nodes import Node

__all__ = ["Document", "parse"]

_TAG: Final = "tag:yaml.org,2002:"
_MOST_VALUES: Final = 100_000
_DEEPEST: Final = 40
_TRUE: Final = {"true", "yes", "on", "y"}  # the latter three only under "%YAML 1.1"


@dataclass
class Document:
    """A document as plain values.

    Parameters
    ----------
    data : object
        The values.
    lines : dict of tuple to int
        The line of every value, by its place.
    problems : list of Problem
        What is wrong with the YAML itself.
    """

    data: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, loc: Loc) -> int:
        """Return the line of a place, or of the nearest part around it that has one."""
        for length in range(len(loc), -1, -1):
            if loc[:length] in self.lines:
                return self.lines[loc[:length]]
        return 1

    def get(self, loc: Loc) -> object:
        """Return the value at a place; KeyError or IndexError if there is none."""
        value = self.data
        for step in loc:
            value = value[step]
        return value

    def complain(self, line: int, loc: Loc, expected: str, found: str, hint: str = "") -> None:
        """Note something wrong with the YAML at `line`."""
        self.problems.append(Problem(line, dotted(loc) or "YAML", expected, found, hint))


def parse(text: str) -> Document:
    """Return the values of a YAML text; what is wrong with it stands in its `problems`."""
    document = Document()
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows an anchor to be set anew
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        _complain_of_syntax(document, error)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"the sign U+{_code(error.character):04X}"
        document.complain(line, (), "printable signs", found, "save the file as plain UTF-8 text")
    except (YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        document.complain(1, (), "a well-formed YAML file", f"one that can't be read: {error}")
    except RecursionError:
        document.complain(1, (), f"at most {_DEEPEST} levels of nesting", "more")
    else:
        if root is not None:
            document.data = _Reader(document).value(root, ())
    return document


_WORDS: Final = {
    "mapping values are not allowed here": "put text that holds ': ' in quotes, check the indent",
    "expected <block end>": "check that the lines of a list or mapping start in the same column",
    "expected a single document": "remove the second '---'",
    "could not find expected ':'": "a key is followed by ': '",
    r"'\t' that cannot start any token": "indent with blanks, not with tabs",
    "that cannot start any token": "put text that starts with a special sign in quotes",
    "found undefined alias": "an '*alias' needs an '&anchor' before it",
    "while scanning a quoted scalar": "close the quotes",
    "expected ',' or": "close the bracket",
}


def _complain_of_syntax(document: Document, error: MarkedYAMLError) -> None:
    said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    unclosed = "while scanning a quoted scalar" in said or "expected ',' or" in said
    mark = (unclosed and error.context_mark) or error.problem_mark or error.context_mark
    hint = next((words for part, words in _WORDS.items() if part in said), "")
    line = mark.line + 1 if mark is not None else 1
    document.complain(
        line, (), "a well-formed YAML file", f"a fault: {error.problem or said}", hint
    )


def _code(sign: int | str) -> int:
    return ord(sign) if isinstance(sign, str) else sign


class _Reader:
    """Turns nodes into values, counting them and refusing what has no plain value."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: Node, loc: Loc, line: int = 0) -> Any:  # noqa: ANN401  any YAML value
        """Return the value of a node; `line` is where its key stands."""
        here = line or node.start_mark.line + 1
        self._document.lines[loc] = here
        self._count += 1
        if self._count > _MOST_VALUES:
            if self._count == _MOST_VALUES + 1:
                expected = f"at most {_MOST_VALUES:,} values, aliases followed"
                self._document.complain(here, loc, expected, "more")
            return None
        if id(node) in self._open:
            expected = "a value that does not contain itself"
            self._document.complain(here, loc, expected, "an alias of what is around it")
            return None
        if len(loc) > _DEEPEST:
            self._document.complain(here, loc, f"at most {_DEEPEST} levels of nesting", "more")
            return None
        self._open.add(id(node))
        try:
            return self._plain(node, loc, here)
        finally:
            self._open.discard(id(node))

    def _plain(self, node: Node, loc: Loc, line: int) -> Any:  # noqa: ANN401
        tag = str(node.tag or "").removeprefix(_TAG)
        if isinstance(node, MappingNode) and tag == "map":
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode) and tag == "seq":
            return [self.value(item, (*loc, i)) for i, item in enumerate(node.value)]
        if isinstance(node, ScalarNode) and tag in _SCALARS:
            return _scalar(tag, node.value)
        found = f"the tag '{tag if tag.startswith('!') else '!!' + tag}'"
        self._document.complain(line, loc, "a plain value", found, "remove the tag")
        return None

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._document.complain(line, loc, "keys that are words", "a list or mapping")
                continue
            key = str(key_node.value)
            if key in values:
                found = f"it again, first on line {self._document.lines[(*loc, key)]}"
                self._document.complain(line, (*loc, key), "each key once", found)
                continue
            values[key] = self.value(value_node, (*loc, key), line)
        return values


def _scalar(tag: str, text: str) -> object:
    """Return a scalar's value, or its text where the text does not fit the tag."""
    try:
        return _SCALARS[tag](text)
    except ValueError:
        return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits, 0) if digits.lstrip("+-")[:2].lower() in {"0x", "0o", "0b"} else int(digits)


def _number(text: str) -> float:
    digits = text.replace("_", "").lower()
    return float(digits.replace(".inf", "inf").replace(".nan", "nan"))


def _nothing(text: str) -> None:
    del text


_SCALARS: Final[dict[str, Callable[[str], object]]] = {
    "str": str,
    "int": _integer,
    "float": _number,
    "bool": lambda text: text.lower() in _TRUE,
    "null": _nothing,
    "timestamp": str,
}
