"""Whether an answer is in the language that its prompt asks for, by line-level identification."""

from __future__ import annotations

from functools import lru_cache

from eval.ifeval.profile_words import profile_words
from eval.response_language import Identifier, line_verdict, usual_identifier
from eval.response_language.verdicts import Verdict
from kielo.languages.pack import Language, codes, language
from kielo.languages.scripts import script_of


def is_known(code: str, identifier: Identifier | None = None) -> bool:
    """Tell whether an identifier (None: the usual one) could find anything to be in a language."""
    return _named(code, identifier or usual_identifier()) is not None


def asked_verdict(text: str, code: str, prompt_language: str, identifier: Identifier | None = None) -> Verdict:
    """Say whether an answer is in the asked language (target), that of its prompt (source), in both, another one or none."""
    return _verdict(text, code, prompt_language, identifier or usual_identifier())


@lru_cache(maxsize=4096)
def _verdict(text: str, code: str, prompt_language: str, identifier: Identifier) -> Verdict:
    asked = _named(code, identifier)
    source = language(prompt_language) if prompt_language in codes() else None
    if asked is None:
        return "other"
    return line_verdict(text, asked, source if source and source.code != code else None, identifier).verdict


@lru_cache
def _named(code: str, identifier: Identifier) -> Language | None:
    """Find a language: its pack, or what an identifier needs to know of one that has none; None if it does not know it."""
    found = language(code) if code in codes() else _without_pack(code)
    return found if found and identifier.label(found) else None


def _without_pack(code: str) -> Language | None:
    """Make do with langdetect's profile of a language, which shows its script."""
    scripts = [script_of(char) for word in profile_words(code) for char in word if script_of(char)]
    if not scripts:
        return None
    return Language.model_construct(  # no pack, so none of its checks: its codes are not known
        code=code, name=code, native_name=code, iso639_3=code, flores=code, deepl=None, langdetect=code,
        script=scripts[0], quotes=("“", "”"), ifeval={},
    )  # fmt: skip
