"""What every part of a recipe is made of: plain names, language codes, lists without repetition, and no key that does nothing."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from kielo.errors import RecipeError
from kielo.languages.pack import language

Share = Annotated[float, Field(ge=0, le=1)]
PLAIN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


def _plain_name(name: str) -> str:
    if not PLAIN_NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no plain name; use letters, digits, '.', '_' and '-' (it becomes a folder)")
    return name


Name = Annotated[str, AfterValidator(_plain_name)]


def _known_language(code: str) -> str:
    try:
        return language(code).code
    except RecipeError as error:
        raise ValueError(str(error).rstrip(".")) from error


Code = Annotated[str, AfterValidator(_known_language)]


def once_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list with a value that stands there twice."""
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice")
    return values


def refuse_idle(part: BaseModel, chosen: str, idle: frozenset[str]) -> None:
    """Refuse keys that the chosen kind does not read: a key that does nothing is a mistake that nobody sees."""
    written = sorted(part.model_fields_set & idle)
    if written:
        raise ValueError(f"{', '.join(written)} would do nothing with {chosen}; leave it out")


IdentifierName = Literal["py3langid", "langdetect", "lingua", "glotlid"]


def check_identifier(name: str, file: str | None) -> None:
    """Refuse glotlid without its model, and a model for an identifier that reads none."""
    if (name == "glotlid") != (file is not None):
        raise ValueError("identifier glotlid and identifier_file belong together; give both or neither")


Codes = Annotated[tuple[Code, ...], AfterValidator(once_each)]


class Part(BaseModel):
    """Base of every part of a recipe: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[info.field_name or ""].annotation
        if _says_truth(value, deep=not _holds_parts(kind)) and not _takes_truth(kind):
            raise ValueError("true and false are no values for this key")
        return value


def _says_truth(value: Any, deep: bool) -> bool:
    """Look for true and false; `deep`: in lists and mappings, too, which hold no part that looks at its own."""
    within = (value.values() if isinstance(value, dict) else value) if isinstance(value, dict | list | tuple) else ()
    return isinstance(value, bool) or (deep and any(_says_truth(each, deep) for each in within))


def _holds_parts(kind: Any) -> bool:
    return (isinstance(kind, type) and issubclass(kind, BaseModel)) or any(map(_holds_parts, get_args(kind)))


def _takes_truth(kind: Any) -> bool:
    return kind in (bool, Any) or any(_takes_truth(part) for part in get_args(kind))
