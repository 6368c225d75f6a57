"""The prompt templates of a language: read from recipes/languages/prompts/, every placeholder checked, filled in once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.ifeval.arguments import RELATIONS
from eval.ifeval.registry import COMPAT, RESPONSE_LANGUAGE
from kielo import strict_yaml
from kielo.errors import RecipeError, at
from kielo.languages.pack import pack_file

CONSTRAINED = "detectable_format:constrained_response"
REPEAT = "combination:repeat_prompt"
INSTRUCTIONS = "instructions"
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_TASK_FIELDS = frozenset({"title", "text"})
Phrasings = tuple[str, ...]


class _Lists(BaseModel):
    """How several quoted words are listed: `a`, `b` and `c`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    between: str = ", "
    last: str = Field(min_length=1)


class _File(BaseModel):
    """A templates file as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tasks: Phrasings = Field(min_length=1)
    choices: Phrasings = ()
    lists: _Lists
    end_phrases: Phrasings = ()
    instructions: Mapping[str, Phrasings | Mapping[str, Phrasings]] = Field(min_length=1)


@dataclass(frozen=True)
class Templates:
    """Tasks, questions with a few fixed answers, and instructions: id -> relation ("" where it takes none) -> phrasings."""

    path: Path
    tasks: Phrasings
    choices: Phrasings
    between: str
    last: str
    end_phrases: Phrasings
    instructions: Mapping[str, Mapping[str, Phrasings]]

    def listed(self, texts: Sequence[str], quotes: tuple[str, str]) -> str:
        """Write texts in quotes, one after the other."""
        quoted = [f"{quotes[0]}{text}{quotes[1]}" for text in texts]
        return quoted[0] if len(quoted) == 1 else self.between.join(quoted[:-1]) + self.last + quoted[-1]


def templates_file(code: str) -> Path:
    """Name the templates file of a language."""
    return pack_file(f"prompts/{code}.yaml")


def read_templates(code: str) -> Templates:
    """Read the templates of a language.

    Raises:
        RecipeError: there are none, a key is unknown, or a placeholder is missing or has no meaning at its place.
    """
    path = templates_file(code)
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml")))
        raise RecipeError(
            f"there are no prompt templates for '{code}': write recipes/languages/prompts/{code}.yaml "
            f"(docs/make-prompts.md tells how; there are some for {there})."
        )
    values, lines = strict_yaml.load(path)
    try:
        file = _File(**values)
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        where = tuple(
            part for part in first["loc"] if part in (*values, *values.get("instructions", ())) or isinstance(part, int)
        )
        raise RecipeError(f"{_place(path, where, lines)}: {first['msg'].lower()}.") from error
    _check_tasks(file, path, lines)
    checked = {name: _phrasings(name, given, path, lines) for name, given in file.instructions.items()}
    return Templates(path, file.tasks, file.choices, file.lists.between, file.lists.last, file.end_phrases, checked)


def _place(path: Path, where: tuple[Any, ...], lines: strict_yaml.Lines) -> str:
    return f"{at(path, strict_yaml.line_of(where, lines))}: {'.'.join(map(str, where))}"


def placeholders(template: str) -> set[str]:
    """List the names in braces."""
    return set(_PLACEHOLDER.findall(template))


def filled(template: str, values: Mapping[str, str]) -> str:
    """Put texts in; braces in the texts themselves are left alone."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def _check_tasks(file: _File, path: Path, lines: strict_yaml.Lines) -> None:
    for name, tasks in (("tasks", file.tasks), ("choices", file.choices)):
        for number, task in enumerate(tasks):
            found = placeholders(task)
            unknown = found - _TASK_FIELDS - {INSTRUCTIONS}
            if unknown or not found & _TASK_FIELDS:
                raise RecipeError(
                    f"{_place(path, (name, number), lines)}: needs {{title}} or {{text}}, and may have {{{INSTRUCTIONS}}}; "
                    f"it has {_braced(found) or 'none'}."
                )


def _braced(names: set[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


def _phrasings(name: str, given: Any, path: Path, lines: strict_yaml.Lines) -> Mapping[str, Phrasings]:
    """Check the phrasings of one instruction; each holds all its arguments but the relation, which it says in words."""
    where = ("instructions", name)
    if name not in COMPAT or name == RESPONSE_LANGUAGE:
        raise RecipeError(f"{_place(path, where, lines)}: no instruction of IFEval that prompts can be made for.")
    fields = COMPAT[name].fields
    wanted = {field for field, kind in fields.items() if kind != "relation"}
    wanted |= {"options"} if name == CONSTRAINED else set()
    by_relation = given if isinstance(given, Mapping) else {"": given}
    relations = set(RELATIONS) if "relation" in fields.values() else {""}
    if not by_relation or not set(by_relation) <= relations:
        need = " and ".join(f"'{each}'" for each in sorted(relations)) if relations != {""} else "a list of phrasings"
        raise RecipeError(f"{_place(path, where, lines)}: needs {need}.")
    for relation, phrasings in by_relation.items():
        for number, phrasing in enumerate(phrasings):
            found = placeholders(phrasing) - ({INSTRUCTIONS} if name == REPEAT else set())
            if found != wanted:
                place = _place(path, (*where, *filter(None, [relation]), number), lines)
                raise RecipeError(
                    f"{place}: needs {_braced(wanted) or 'no placeholder'}, has {_braced(found) or 'none'}."
                )
    return {relation: tuple(phrasings) for relation, phrasings in by_relation.items() if phrasings}
