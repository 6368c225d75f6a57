"""What IFEval's checkers need to know of a language: a part of the language pack, read before any scoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kielo.errors import RecipeError

_OTHERS = frozenset({"letters", "unusable"})
"""Keys of the same mapping that localisation and the linter read: letter shares, and instructions without a meaning."""


@dataclass(frozen=True)
class LanguageRules:
    """The constants of one language, from `ifeval:` in its pack.

    `case_language` is the langdetect code that all-capitals and all-lower-case answers must have: still `en` in the
    paper's Finnish rules (LumiOpen's `ifeval_fi`). `constrained_options` are the answers of constrained_response.
    """

    language: str
    case_language: str
    constrained_options: tuple[str, ...]

    @classmethod
    def from_pack(cls, language: str, pack: Mapping[str, Any]) -> LanguageRules:
        """Build the rules from the `ifeval:` mapping of the language's pack.

        Raises:
            RecipeError: a key is missing, unknown or of the wrong shape.
        """
        place, names = f"language pack '{language}': ifeval", {"case_language", "constrained_options"}
        for key in sorted(set(pack) - _OTHERS ^ names):
            known = ", ".join(sorted(names | _OTHERS))
            problem = "is missing" if key in names else f"is not a key; the keys are {known}"
            raise RecipeError(f"{place}.{key} {problem}.")
        options, case_language = pack["constrained_options"], pack["case_language"]
        if not isinstance(options, list | tuple) or not options or not all(map(_is_text, options)):
            raise RecipeError(f"{place}.constrained_options must be a list of one or more sentences.")
        if not _is_text(case_language):
            raise RecipeError(f"{place}.case_language must be a langdetect code, this is {case_language!r}.")
        return cls(language, case_language, tuple(options))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
