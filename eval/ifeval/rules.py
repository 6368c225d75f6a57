"""What IFEval's checkers need to know of a language: `ifeval:` of its pack, read before any scoring, with defaults that fit any language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from kielo.errors import RecipeError

Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Mark = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=4)]
Same = Annotated[tuple[Text, ...], Field(min_length=1)]
QUOTES = (
    ('"', '"'), ("“", "”"), ("”", "”"), ("„", "“"), ("„", "”"), ("«", "»"), ("»", "«"), ("»", "»"), ("「", "」"), ("『", "』"),
)  # fmt: skip
"""Double quotation marks that some language writes around a text."""
POSTSCRIPTS = (("P.S.", "PS"), ("P.P.S", "P.P.S.", "PPS"))


class MatcherRules(BaseModel):
    """How a keyword is found in its inflected forms: docs/ifeval.md says what each kind finds and misses."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["exact", "prefix", "voikko"] = "exact"
    shortest: int = Field(
        3, ge=1, description="prefix: a shorter keyword counts only as it stands, and no stem is shorter"
    )
    stems: Mapping[Text, tuple[str, ...]] = Field(
        default={}, description="prefix: what the end of a dictionary form becomes before endings"
    )
    endings: tuple[tuple[Text, ...], ...] = Field(
        default=(), description="prefix: what may follow a stem, slot by slot; without, up to `longest` letters"
    )
    longest: int = Field(
        6, ge=0, le=100, description="prefix: letters that may follow a stem where no endings are given"
    )
    code: Text | None = Field(default=None, description="voikko: what the lemmatiser calls the language")

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        own = {"prefix": {"shortest", "stems", "endings", "longest"}, "voikko": {"code"}}
        for name in sorted(self.model_fields_set - own.get(self.kind, set()) - {"kind"}):
            raise ValueError(f"{name} does nothing for the matcher '{self.kind}'")
        if self.endings and "longest" in self.model_fields_set:
            raise ValueError("longest does nothing beside endings")
        return self


class _Part(BaseModel):
    """`ifeval:` as it stands in a pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    case_language: Text
    constrained_options: Same
    alphabet: Text | None = None
    case: Literal["cased", "caseless"] = "cased"
    quotes: Annotated[tuple[tuple[Mark, Mark], ...], Field(min_length=1)] = QUOTES
    postscript_markers: tuple[Same, ...] = POSTSCRIPTS
    section_words: tuple[Same, ...] = ()
    abbreviations: tuple[Text, ...] = ()
    sentences: Text | None = None
    letters_per_word: Annotated[float, Field(gt=0)] | None = None
    matcher: MatcherRules = MatcherRules()
    letters: Mapping[str, Any] = {}
    unusable: Mapping[str, Any] = {}


@dataclass(frozen=True)
class LanguageRules:
    """The constants of one language, from `ifeval:` in its pack.

    `case_language` is the langdetect code that all-capitals and all-lower-case answers must have in compat mode: still
    `en` in the paper's Finnish rules (LumiOpen's `ifeval_fi`). `constrained_options` are the answers of
    constrained_response. The others serve fair mode: `alphabet` holds the small letters that count as letters of their
    own (another one with a diacritic counts as its base letter; "": each counts as itself), `sentences` is sentencex's
    code, `letters_per_word` is set for scripts without spaces.
    """

    language: str
    case_language: str
    constrained_options: tuple[str, ...]
    alphabet: str = ""
    cased: bool = True
    quotes: tuple[tuple[str, str], ...] = QUOTES
    postscript_markers: tuple[tuple[str, ...], ...] = POSTSCRIPTS
    section_words: tuple[tuple[str, ...], ...] = ()
    abbreviations: tuple[str, ...] = ()
    sentences: str = ""
    letters_per_word: float | None = None
    matcher: MatcherRules = field(default_factory=MatcherRules)

    @classmethod
    def from_pack(cls, language: str, pack: Mapping[str, Any]) -> LanguageRules:
        """Build the rules from the `ifeval:` mapping of the language's pack.

        Raises:
            RecipeError: a key is missing, unknown or of the wrong shape.
        """
        try:
            part = _Part(**pack)
        except ValidationError as error:
            raise RecipeError(f"language pack '{language}': {_sentence(error)}") from error
        same = ("case_language", "constrained_options", "quotes", "postscript_markers", "section_words",
                "abbreviations", "letters_per_word", "matcher")  # fmt: skip
        return cls(
            language, alphabet="".join((part.alphabet or "").split()), cased=part.case == "cased",
            sentences=part.sentences or language, **{name: getattr(part, name) for name in same},
        )  # fmt: skip


def _sentence(error: ValidationError) -> str:
    """Say of the first mistake which key it is in; an unknown key goes first: another may be missing because of it."""
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    key = ".".join(("ifeval", *map(str, first["loc"])))
    if first["type"] == "extra_forbidden":
        of = MatcherRules if "matcher" in first["loc"] else _Part
        return f"{key} is not a key; the keys are {', '.join(of.model_fields)}."
    if first["type"] == "missing":
        return f"{key} is missing."
    return f"{key}: {first['msg'].removeprefix('Value error, ').lower()}; this is {first['input']!r}."
