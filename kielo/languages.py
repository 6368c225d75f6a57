"""Language packs read from recipes/languages/: the only place that knows language codes, names, scripts and their conversions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kielo import strict_yaml
from kielo.errors import RecipeError, SourceError, UsageError, at
from kielo.records import read_jsonl

PACKS = Path(__file__).resolve().parent.parent / "recipes" / "languages"


class Shot(BaseModel):
    """One translation pair for few-shot prompts, with where it is from."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str = Field(min_length=1)
    target: str = Field(min_length=1)
    kind: str = "sentence"
    licence: str = "Apache-2.0"


class Language(BaseModel):
    """One language as data: `recipes/languages/<code>.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str = Field(description="the recipe's code: BCP 47, mostly ISO 639-1")
    name: str = Field(description="the name in English, as base-model prompts use it")
    native_name: str
    iso639_3: str
    flores: str = Field(description="FLORES-200 code, such as fin_Latn")
    deepl: str | None = Field(description="DeepL's code as a target language; null where DeepL has none")
    langdetect: str | None = Field(description="langdetect's code; null where langdetect does not know the language")
    script: str = Field(description="Unicode script name of its letters, such as Latin")
    quotes: tuple[str, str]
    length_ratio: float = Field(default=1.0, gt=0, description="usual characters per character of English text")
    ifeval: Mapping[str, Any] = Field(description="the constants its IFEval checkers use")


def codes() -> list[str]:
    """List the codes that have a pack."""
    return sorted(path.stem for path in PACKS.glob("*.yaml"))


@cache
def language(code: str) -> Language:
    """Read the pack of a language.

    Raises:
        RecipeError: there is no pack of that code, or the pack is malformed.
    """
    if code not in codes():
        near = difflib.get_close_matches(code, codes(), 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are packs for {', '.join(codes())}."
        raise RecipeError(f"no language pack recipes/languages/{code}.yaml; {hint}")
    path = PACKS / f"{code}.yaml"
    values, lines = strict_yaml.load(path)
    if values.get("code", code) != code:
        place = at(path, strict_yaml.line_of(("code",), lines))
        raise RecipeError(f"{place}: code '{values['code']}' in the pack of '{code}'; a pack is called after its code.")
    try:
        return Language(**values)
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        place = at(path, strict_yaml.line_of(tuple(first["loc"]), lines))
        raise RecipeError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}.") from error


def option_language(option: str, code: str) -> Language:
    """Read the pack of the language that a command-line option names.

    Raises:
        UsageError: there is no pack of that code, or the pack is malformed.
    """
    try:
        return language(code)
    except RecipeError as error:
        raise UsageError(f"{option} {code}: {error}") from error


def read_shots(path: Path) -> list[Shot]:
    """Read few-shot translation pairs, `{"source", "target", "kind", "licence"}` a line.

    Raises:
        SourceError: a line is not such a pair, or the file holds none.
    """
    shots = []
    for number, row in read_jsonl(path):
        try:
            shots.append(Shot(**row))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"]))
            raise SourceError(f"{at(path, number)}: {field}: {first['msg'].lower()}.") from error
    if not shots:
        raise SourceError(f"{path}: holds no shots; a few-shot prompt needs at least one.")
    return shots


def shots_of(code: str) -> Path:
    """Name the file of few-shot pairs (from English) that belongs to a pack."""
    return PACKS / f"{code}.shots.jsonl"


def pack_files(code: str) -> list[Path]:
    """List the files of a pack that hold data for the stages: itself, its phrases, its rules of tasks."""
    files = (PACKS / f"{code}.yaml", PACKS / "phrases" / f"{code}.yaml", PACKS / "tasks" / f"{code}.yaml")
    return [file for file in files if file.is_file()]


def answers_of(code: str) -> Path:
    """Name the file of native questions and answers that belongs to a pack, for base models that answer anew."""
    return PACKS / f"{code}.answers.jsonl"
