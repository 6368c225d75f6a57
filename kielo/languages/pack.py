"""Language packs read from recipes/languages/ and the user's own folder: the only place that knows languages' codes, names and scripts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kielo import strict_yaml
from kielo.errors import RecipeError, SourceError, UsageError, at
from kielo.languages.codes import meaning
from kielo.records import read_jsonl

PACKS = Path(__file__).resolve().parents[2] / "recipes" / "languages"
"""The packs that ship with Kielo."""
OWN = "KIELO_PACKS"
"""Names a folder of the same shape, whose files stand in for the shipped ones of the same name."""
Part = Literal["names", "quotes", "length_ratio", "letters", "ifeval", "shots", "phrases", "prompts", "answers"]
"""What of a pack a speaker can vouch for."""


Line = Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A name or a mark: not empty, and on one line."""
_MOST_CHARACTERS = 20
"""Characters for one of English: no script that is written needs as many."""


class Shot(BaseModel):
    """One translation pair for few-shot prompts, with where it is from."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str = Field(min_length=1)
    target: str = Field(min_length=1)
    kind: str = "sentence"
    licence: str = "Apache-2.0"


def _plural_categories(values: tuple[str, ...]) -> tuple[str, ...]:
    if values and values[-1] != "other":
        raise ValueError("the categories of CLDR end with 'other'")
    return values


class Verified(BaseModel):
    """Which parts of a pack a native speaker has read and found right."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    by: Line | None = Field(description="the speaker's name; null: nobody yet")
    parts: tuple[Part, ...] = ()


class Language(BaseModel):
    """One language as data: `recipes/languages/<code>.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str = Field(description="the recipe's code: BCP 47, mostly ISO 639-1")
    name: Line = Field(description="the name in English, as base-model prompts use it")
    native_name: Line
    iso639_3: str
    flores: str = Field(
        pattern=r"^[a-z]{3}_[A-Z][a-z]{3}$", description="the code that FLORES and GlotLID use, such as fin_Latn"
    )
    deepl: str | None = Field(description="DeepL's code as a target language; null where DeepL has none")
    langdetect: str | None = Field(description="langdetect's code; null where langdetect does not know the language")
    script: Line = Field(description="Unicode script name of its letters, such as Latin")
    direction: Literal["ltr", "rtl"] = Field("ltr", description="in which its lines run")
    plurals: Annotated[tuple[Literal["zero", "one", "two", "few", "many", "other"], ...], AfterValidator(_plural_categories)] = Field(
        (), description="CLDR's plural categories: which forms of a noun numbers ask for"
    )  # fmt: skip
    quotes: tuple[Line, Line]
    length_ratio: float = Field(
        default=1.0, gt=0, le=_MOST_CHARACTERS, description="usual characters per character of English text"
    )
    ifeval: Mapping[str, Any] = Field(description="the constants its IFEval checkers use")
    identified: Mapping[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {}, description="identifier -> share of lines of native text that it took for this language"
    )
    origins: Mapping[Part, str] = Field({}, description="where a part is from, where it is no speaker's work")
    verified: Verified | None = None


def pack_folders() -> tuple[Path, ...]:
    """List the folders of packs, the user's own before the shipped one.

    Raises:
        RecipeError: KIELO_PACKS names no folder.
    """
    own = os.environ.get(OWN)
    if not own:
        return (PACKS,)
    folder = Path(own).expanduser().absolute()
    if not folder.is_dir():
        raise RecipeError(f"{OWN}={own}: no such folder; name the folder that holds your language packs, or unset it.")
    return (folder, PACKS)


def pack_file(name: str) -> Path:
    """Find a file of the packs, such as `fi.yaml` or `phrases/fi.yaml`: the user's own, readable or not, else the shipped one (there or not)."""
    return next((path for folder in pack_folders() if os.path.lexists(path := folder / name)), PACKS / name)


def codes() -> list[str]:
    """List the codes that have a pack."""
    return sorted({path.stem for folder in pack_folders() for path in folder.glob("*.yaml")})


@cache
def language(code: str) -> Language:
    """Read the pack of a language.

    Raises:
        RecipeError: there is no pack of that code, or the pack is malformed.
    """
    path = pack_file(f"{code}.yaml")
    if code not in codes():
        raise RecipeError(f"no language pack recipes/languages/{code}.yaml; {_instead(code)}")
    values, lines = strict_yaml.load(path)
    if values.get("code", code) != code:
        place = at(path, strict_yaml.line_of(("code",), lines))
        raise RecipeError(f"{place}: code '{values['code']}' in the pack of '{code}'; a pack is called after its code.")
    try:
        return Language(**values)
    except ValidationError as error:
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        place = at(path, strict_yaml.line_of(tuple(first["loc"]), lines))
        raise RecipeError(
            f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}; `kielo language check {code}` says all that is wrong."
        ) from error


def _instead(code: str) -> str:
    """Say what to write instead of a code without a pack: the usual code, or how a pack is made."""
    try:
        found = meaning(code)
    except UsageError as error:
        return str(error)
    base = code.partition("-")[0]
    if base != code and base in codes():
        return f"the pack of {found.name} is '{base}', and `kielo language new {code}` makes another."
    return f"`kielo language new {code}` makes one{f' for {found.name}' if found.name else ''}; there are {', '.join(codes())}."


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
    return pack_file(f"{code}.shots.jsonl")


def pack_files(code: str) -> dict[str, Path]:
    """List the files of a pack that hold data for the stages, by name: itself, its phrases, its rules of tasks."""
    names = (f"{code}.yaml", f"phrases/{code}.yaml", f"tasks/{code}.yaml")
    return {name: path for name in names if (path := pack_file(name)).is_file()}


def answers_of(code: str) -> Path:
    """Name the file of native questions and answers that belongs to a pack, for base models that answer anew."""
    return pack_file(f"{code}.answers.jsonl")
