"""Arguments of IFEval's instructions, checked before any response is scored: a malformed row stops the run, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kielo.errors import SourceError

Kind = Literal["count", "relation", "letter", "text", "pattern", "patterns"]
RELATIONS = ("less than", "at least")
_REPETITION = re.compile(r"[*+?{]")
_USED_AS: Mapping[str, Callable[[str], str]] = {
    "keyword": str.strip,
    "forbidden_words": lambda word: rf"\b{word}\b",
    "postscript_marker": str.strip,
    "section_spliter": lambda splitter: rf"\s?{splitter.strip()}\s?\d+\s?",
}
"""What compat's checkers make of an argument that is a regular expression; the others take it as it is written."""


@dataclass(frozen=True)
class Arguments:
    """The checked arguments of one instruction.

    `unstable` is true where lm-evaluation-harness draws a random target in place of the written one: for a letter
    outside a-z, a count of 0, or a paragraph number beyond the last. We take the written one.
    """

    values: Mapping[str, Any]
    unstable: bool
    repeats: bool
    """Whether a regular expression among them has a repetition, and so may run for ever."""


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
        for text in _patterns(values[name], kind):
            _try(_USED_AS.get(name, str), text, f"{place}: kwargs field '{name}'")
    return Arguments(values, _harness_draws(values), repeats(values, fields))


def repeats(values: Mapping[str, Any], fields: Mapping[str, Kind]) -> bool:
    """Whether a regular expression among an instruction's values has a repetition."""
    patterns = (pattern for name, kind in fields.items() for pattern in _patterns(values[name], kind))
    return any(map(_REPETITION.search, patterns))


def _patterns(value: Any, kind: Kind) -> Sequence[str]:
    """List the regular expressions in a value."""
    return (value,) if kind == "pattern" else value if kind == "patterns" else ()


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


def _try(used_as: Callable[[str], str], value: str, field: str) -> None:
    """Check a text that the harness uses as a regular expression, as written and in lower case."""
    try:
        for text in (value, value.lower()):
            re.compile(used_as(text))
    except (re.error, OverflowError, RecursionError) as error:  # the last two: a count or a nesting beyond all bounds
        raise SourceError(f"{field} is not a regular expression ({error}); this is {value!r:.200}.") from error


def _texts(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise SourceError(f"{field} must be a list of one or more texts; this is {value!r}.")
    return tuple(_text(item, field) for item in value)


_READERS = {
    "count": _count, "relation": _relation, "letter": _letter, "text": _text, "pattern": _text,
    "patterns": _texts,
}  # fmt: skip
