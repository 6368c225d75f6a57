"""Rules, read from recipes/languages/tasks/, that tell requests whose task a translation would change; data for changes.py."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kielo import strict_yaml
from kielo.errors import RecipeError, at
from kielo.languages.pack import pack_file
from kielo.recipe.reading import nearest

Action = Literal["skip", "keep", "around", "translate"]

# A pattern is a regular expression in which a blank is any white space, <3> up to three words, {name} one of the file's `words`.
_NOTATION = re.compile(r"\\.|\[(?:\\.|[^\]\\])+\]|<(?P<gap>\d{1,2})> |\{(?P<name>[a-z_]+)\}|(?P<blank> )|(?s:.)")
_UNBOUNDED = re.compile(r"\\.|\[(?:\\.|[^\]\\])+\]|(?P<found>[*+]|\{\d*,\})|(?s:.)")
_BLANK = r"(?:\s{1,4})"
_GAP = r"(?:[^\s.!?;:]{1,40}\s{1,4}){0,%s}"
_EDGE = r"(?:(?<!\w)|(?!\w))"  # not within a word
_FLAGS = re.IGNORECASE | re.MULTILINE
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Rule:
    """One kind of request that a translation would change, and what is done with its records."""

    name: str
    about: str
    action: Action
    echo: bool
    """Whether the answers hold the given text again, whole or mended."""
    cues: frozenset[str]
    """Lower-case words one of which such a request holds; a text without any is not searched."""
    patterns: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    """What takes a hit back where it stands in the same line."""


class _RuleData(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    about: str
    action: Action
    echo: bool = False
    cues: tuple[str, ...] = Field(min_length=1)
    patterns: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    words: Mapping[str, tuple[str, ...]] = {}
    rules: Mapping[str, _RuleData] = Field(min_length=1)


@cache
def read_rules(source_language: str) -> tuple[Rule, ...]:
    """Read the rules of a source language, in the order they are tried; a language without a file has none.

    Raises:
        RecipeError: the file is malformed; the sentence names file, line and fix.
    """
    path = pack_file(f"tasks/{source_language}.yaml")
    return read_rules_file(path) if path.is_file() else ()


def actions(rules: Sequence[Rule], overrides: Mapping[str, Action]) -> tuple[Rule, ...]:
    """Give rules the actions a recipe asks for (`translate.task_changes`): by name, `all` for those not named.

    Raises:
        RecipeError: a rule of that name does not exist.
    """
    known = [rule.name for rule in rules]
    for name in overrides:
        if name != "all" and name not in known:
            hint = nearest(name, [*known, "all"]) if known else "the source language has no rules; remove it."
            raise RecipeError(f"translate.task_changes: no rule '{name}'; {hint}")
    chosen = [overrides.get(rule.name, overrides.get("all", rule.action)) for rule in rules]
    return tuple(dataclasses.replace(rule, action=action) for rule, action in zip(rules, chosen, strict=True))


def read_rules_file(path: Path) -> tuple[Rule, ...]:
    """Read one file of rules.

    Raises:
        RecipeError: as `read_rules`.
    """
    values, lines = strict_yaml.load(path)
    try:
        file = _File(**values)
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        place = at(path, strict_yaml.line_of(tuple(first["loc"]), lines))
        raise RecipeError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}.") from error
    words: dict[str, str] = {}
    for name, written in file.words.items():
        words[name] = "(?:" + "|".join(_expand(word, words, path, lines, ("words", name)) for word in written) + ")"
    return tuple(_rule(name, data, words, path, lines) for name, data in file.rules.items())


def _rule(name: str, data: _RuleData, words: Mapping[str, str], path: Path, lines: strict_yaml.Lines) -> Rule:
    def compiled(key: str, written: Sequence[str]) -> tuple[re.Pattern[str], ...]:
        return tuple(_compile(each, words, path, lines, ("rules", name, key, n)) for n, each in enumerate(written))

    cues = " ".join(_expand(cue, words, path, lines, ("rules", name, "cues", n)) for n, cue in enumerate(data.cues))
    return Rule(
        name=name,
        about=data.about,
        action=data.action,
        echo=data.echo,
        cues=words_of(cues),
        patterns=compiled("patterns", data.patterns),
        unless=compiled("unless", data.unless),
    )


def words_of(text: str) -> frozenset[str]:
    """List the words of a text, in lower case."""
    return frozenset(_WORD.findall(text.lower()))


def _compile(
    written: str, words: Mapping[str, str], path: Path, lines: strict_yaml.Lines, where: tuple[Any, ...]
) -> re.Pattern[str]:
    pattern = _expand(written, words, path, lines, where)
    try:
        return re.compile(f"{_EDGE}(?:{pattern}){_EDGE}", _FLAGS)
    except re.error as error:
        place = at(path, strict_yaml.line_of(where, lines))
        raise RecipeError(f"{place}: {written}: not a regular expression ({error.msg}); mend it.") from error


def _expand(
    written: str, words: Mapping[str, str], path: Path, lines: strict_yaml.Lines, where: tuple[Any, ...]
) -> str:
    """Write the notation of the file out as a regular expression that cannot run away."""
    place = at(path, strict_yaml.line_of(where, lines))
    if any(match["found"] for match in _UNBOUNDED.finditer(written)):
        raise RecipeError(f"{place}: {written}: `*`, `+` and `{{2,}}` have no limit; write one, such as {{0,40}}.")

    def expanded(match: re.Match[str]) -> str:
        name = match["name"]
        if name is not None and name not in words:
            raise RecipeError(f"{place}: {{{name}}}: no such words above this line; {nearest(name, list(words))}")
        if match["gap"]:
            return _GAP % match["gap"]
        return _BLANK if match["blank"] else words[name] if name else match.group()

    return _NOTATION.sub(expanded, written)
