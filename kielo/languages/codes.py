"""What a language code means, from CLDR's aliases and the registry's macrolanguages; packs and recipes ask it about codes they do not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from kielo.errors import UsageError

_SHAPE = re.compile(r"^[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?$")
_LOCAL = re.compile(r"^q[a-t][a-z]$")
_LEAST_NAME = 4
"""Letters of a name that is looked up: shorter ones are slips, and some language is called so."""
_NAMED = 6
"""Of how many languages of a macrolanguage a sentence gives the names."""


@dataclass(frozen=True)
class Meaning:
    """What a code that a pack may be called after stands for."""

    code: str
    name: str | None
    """Its English name; None for the codes qaa to qtz, which anybody may use for a language that has none."""
    note: str | None = None
    """What else the code could be taken for, as one sentence."""


def meaning(code: str) -> Meaning:
    """Say what a code stands for.

    Raises:
        UsageError: it is no code, another spelling of one, or a macrolanguage that no single language is meant by.
    """
    if not _SHAPE.fullmatch(code):
        raise UsageError(f"'{code}' is no language code{_spelt_otherwise(code)}")
    base = code.partition("-")[0]
    if _LOCAL.fullmatch(base):
        return Meaning(code, None)
    _refuse_alias(code, base)
    _refuse_several(code, base)
    name = name_of(base)
    if name is None:
        raise UsageError(
            f"no language has the code '{code}'; look yours up in ISO 639, or take qaa to qtz for one that has none."
        )
    return Meaning(code, name, _macrolanguage_note(base, name))


def name_of(code: str) -> str | None:
    """Give the English name of a language; None where there is no such code."""
    import langcodes
    from babel import Locale

    known: str | None = Locale("en").languages.get(code)
    if known is not None:
        return known
    found = langcodes.Language.get(code, normalize=False)
    return found.language_name() if found.is_valid() else None


def iso639_3(code: str) -> str:
    """Give the three letters of ISO 639-3 for a code; codes without any other are their own."""
    import langcodes

    try:
        return str(langcodes.Language.get(code.partition("-")[0], normalize=False).to_alpha3())
    except LookupError:
        return code


def members(code: str) -> Sequence[str]:
    """List the languages of a macrolanguage; empty where the code is none."""
    from langcodes.data_dicts import MACROLANGUAGES

    return sorted(member for member, above in MACROLANGUAGES.items() if above == code)


def usual_member(code: str) -> str | None:
    """Name the language that is meant by custom where a macrolanguage's code is written: `lvs` for `lv`."""
    return next((member for member in members(code) if _alias(member) == code), None)


def _alias(code: str) -> str | None:
    """Give the code that CLDR puts in place of another."""
    from babel.core import get_global

    found = get_global("language_aliases").get(code)
    return None if found is None else str(found).replace("_", "-")


def same_language(iso: str) -> str:
    """Give the ISO 639-3 code under which the codes of a language meet: `est` for `ekk`, too, as `et` means both.

    Tables of language identification have one or the other: FLORES-200 `est`, GlotLID 3 and FLORES+ `ekk`.
    """
    usual = _alias(iso)
    return iso if usual is None or "-" in usual else iso639_3(usual)


@cache
def _no_single_languages() -> frozenset[str]:
    """List the codes of the registry that stand for families of languages, for several, or for none."""
    from langcodes.registry_parser import parse_registry

    registry: Callable[[], Iterable[Mapping[str, object]]] = parse_registry
    scopes = ("collection", "special")
    return frozenset(str(row["Subtag"]) for row in registry() if row.get("Scope") in scopes)


def _refuse_several(code: str, base: str) -> None:
    if base in _no_single_languages():
        raise UsageError(
            f"'{code}' stands for '{name_of(base)}', which is no single language; write the code of yours, or take qaa to qtz for one that has none."
        )


def _refuse_alias(code: str, base: str) -> None:
    from langcodes.data_dicts import MACROLANGUAGES

    usual = _alias(base)
    if usual is not None and usual != base:
        rest = code[len(base) :]
        if MACROLANGUAGES.get(base) == usual:
            what = (
                f"is {name_of(base)}, the one of the languages called {name_of(usual)} that '{usual}' means by custom"
            )
        elif iso639_3(usual) == base:
            what = f"is the ISO 639-3 code of {name_of(usual)}"
        else:
            what = f"is an old or other code of {name_of(usual)}"
        raise UsageError(f"'{code}' {what}; write '{usual}{rest}'.")
    within = members(base)
    if within and usual_member(base) is None:
        raise UsageError(
            f"'{code}' is {name_of(base)}, which is {len(within)} languages: {_named(within)}; write the code of yours."
        )


def _macrolanguage_note(code: str, name: str) -> str | None:
    from langcodes.data_dicts import MACROLANGUAGES

    within, usual = members(code), usual_member(code)
    if usual is not None:
        others = [member for member in within if member != usual]
        return f"'{code}' means {name_of(usual)} ({usual}) by custom; {name} is also {_named(others)}."
    above = MACROLANGUAGES.get(code)
    if above is None:
        return None
    return f"'{code}' is one of the languages called {name_of(above)} ('{above}'): a text marked '{above}' may be in another."


def _named(codes: Sequence[str]) -> str:
    shown = ", ".join(f"{name_of(code) or '?'} ({code})" for code in codes[:_NAMED])
    return shown if len(codes) <= _NAMED else f"{shown} and {len(codes) - _NAMED} more"


def _spelt_otherwise(code: str) -> str:
    """Guess what somebody meant who wrote a code in capitals, with an underscore, or a language's name."""
    import langcodes

    parts = code.replace("_", "-").split("-")
    sizes = {4: str.title, 2: str.upper, 3: str.upper}
    tidy = "-".join([parts[0].lower(), *(sizes.get(len(part), str)(part) for part in parts[1:])])
    if _SHAPE.fullmatch(tidy) and tidy != code:
        return f"; write '{tidy}'."
    if len(code) >= _LEAST_NAME:
        with suppress(LookupError):
            return f"; {code.title()} is '{langcodes.find(code).language}'."
    return "; a code is two or three small letters, such as 'fo', where needed with a script and a region: 'sr-Latn'."
