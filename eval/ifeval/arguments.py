"""Arguments of IFEval's instructions, checked before any response is scored: a malformed row stops the run, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kielo.errors import SourceError

Kind = Literal["count", "relation", "letter", "text", "pattern", "patterns"]
RELATIONS = ("less than", "at least")


@dataclass(frozen=True)
class Arguments:
    """The checked arguments of one instruction.

    `unstable` is true where lm-evaluation-harness draws a random target in place of the written one: for a letter
    outside a-z, a count of 0, or a paragraph number beyond the last. We take the written one.
    """

    values: Mapping[str, Any]
    unstable: bool


def read_arguments(kwargs: Mapping[str, Any], fields: Mapping[str, Kind], place: str) -> Arguments:
    """Check the kwargs of one instruction; nulls are dropped, since the Hub's table fills every row with them.

    Raises:
        SourceError: a field is missing, unknown, or not of its kind; the sentence names `place` and the field.
    """
    given = {name: value for name, value in kwargs.items() if value is not None}
    for name, value in given.items():
        if name not in fields and value:  # the harness drops 0, "" and [] before it looks at names
            known = ", ".join(fields) or "none"
            raise SourceError(f"{place}: kwargs field '{name}' is not one of this instruction; its fields: {known}.")
    values = {}
    for name, kind in fields.items():
        if name not in given:
            raise SourceError(f"{place}: kwargs field '{name}' is missing; without it there is nothing to check.")
        values[name] = _READERS[kind](given[name], f"{place}: kwargs field '{name}'")
    return Arguments(values, _harness_draws(values))


def _harness_draws(values: Mapping[str, Any]) -> bool:
    zero = any(value == 0 for value in values.values())
    not_a_to_z = not "a" <= values.get("letter", "a").lower() <= "z"
    beyond_last = "nth_paragraph" in values and values["nth_paragraph"] > values["num_paragraphs"]
    return zero or not_a_to_z or beyond_last


def _count(value: Any, field: str) -> int:
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not whole or value < 0:
        raise SourceError(f"{field} must be a whole number, 0 or more; this is {value!r}.")
    return int(value)


def _relation(value: Any, field: str) -> str:
    if value not in RELATIONS:
        raise SourceError(f"{field} must be 'less than' or 'at least' in every language; this is {value!r}.")
    return str(value)


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SourceError(f"{field} must be a text that is not empty; this is {value!r}.")
    return value


def _letter(value: Any, field: str) -> str:
    if len(_text(value, field)) != 1 or len(value.lower()) != 1:
        raise SourceError(f"{field} must be one character; this is {value!r}.")
    return str(value)


def _pattern(value: Any, field: str) -> str:
    """Check a text that the harness uses as a regular expression, as written and in lower case."""
    try:
        re.compile(_text(value, field))
        re.compile(value.lower())
    except re.error as error:
        raise SourceError(f"{field} is not a regular expression ({error}); this is {value!r}.") from error
    return str(value)


def _patterns(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise SourceError(f"{field} must be a list of one or more texts; this is {value!r}.")
    return tuple(_pattern(item, field) for item in value)


_READERS = {
    "count": _count, "relation": _relation, "letter": _letter, "text": _text, "pattern": _pattern,
    "patterns": _patterns,
}  # fmt: skip
