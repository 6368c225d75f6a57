"""What standard data say of a language: CLDR through babel, ISO 639 through langcodes, and `standards.yaml` for the rest; drafts and checks use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kielo import strict_yaml
from kielo.errors import MissingExtraError
from kielo.languages.codes import iso639_3, meaning, same_language, usual_member
from kielo.languages.detection import known_codes
from kielo.languages.identification import PY3LANGID_LABELS, lingua_codes

_DATA = Path(__file__).resolve().parent / "standards.yaml"
_UNICODE_NAMES = {"Hans": "Han", "Hant": "Han", "Hani": "Han", "Jpan": "Japanese", "Kore": "Hangul", "Hang": "Hangul", "Mymr": "Myanmar", "Guru": "Gurmukhi", "Cans": "Canadian", "Olck": "Ol", "Beng": "Bengali", "Orya": "Oriya", "Mtei": "Meetei", "Nkoo": "Nko", "Lana": "Tai", "Tavt": "Tai", "Tale": "Tai", "Talu": "New", "Hmnp": "Nyiakeng", "Hmng": "Pahawh", "Kali": "Kayah", "Mand": "Mandaic", "Lisu": "Lisu", "Plrd": "Miao", "Sylo": "Syloti"}  # fmt: skip
"""ISO 15924 codes whose English name is not how Unicode's names of letters begin (see kielo/languages/scripts.py)."""


@dataclass(frozen=True)
class Standard:
    """What standard data know of a language; None where they are silent."""

    code: str
    name: str | None
    native_name: str | None
    iso639_3: str
    script_code: str | None
    """ISO 15924, such as Latn."""
    script: str | None
    """As a pack writes it, such as Latin."""
    direction: str | None
    plurals: tuple[str, ...]
    quotes: tuple[str, str] | None
    flores: str | None
    deepl: str | None
    langdetect: str | None
    note: str | None


def standard(code: str) -> Standard:
    """Look a language up.

    Raises:
        UsageError: the code means no single language, or is another's.
    """
    found = meaning(code)
    locale, base = _locale(code), code.partition("-")[0]
    script_code = _script_code(code)
    return Standard(
        code=code, name=found.name, native_name=_native_name(code), iso639_3=iso639_3(code), script_code=script_code,
        script=_script_name(script_code), direction=_direction(locale, base), plurals=_plurals(locale, base),
        quotes=_quotes(code), flores=_flores(base, script_code), deepl=_deepl(code, base), langdetect=_langdetect(code, base),
        note=found.note,
    )  # fmt: skip


def flores_code(found: Standard) -> str:
    """Give a code of the shape that FLORES and GlotLID use, whether FLORES-200 has the language or not."""
    from babel import Locale

    by_name = {name: code for code, name in Locale("en").scripts.items()}
    script_code = found.script_code or by_name.get(
        found.script or "", "Zzzz"
    )  # ISO 15924's code for a script without one
    return found.flores or f"{found.iso639_3}_{script_code}"


def in_flores(code: str) -> bool:
    """Tell whether FLORES-200 has a language, by its own code."""
    return code in _data()["flores"]


def deepl_codes() -> frozenset[str]:
    """List DeepL's codes, in capitals, as its Python library names them."""
    return frozenset(code.upper() for code in _data()["deepl"])


def knowing(code: str, iso: str, langdetect: str | None) -> Mapping[str, bool | None]:
    """Say which identifiers know a language by their own lists; None: its package, or its list, is not at hand."""
    try:
        lingua: bool | None = iso.upper() in lingua_codes()
    except MissingExtraError:
        lingua = None
    names = {code, code.partition("-")[0], iso, {"nb": "no"}.get(code)}
    return {"py3langid": bool(names & PY3LANGID_LABELS), "langdetect": langdetect in known_codes(), "lingua": lingua}


@cache
def _data() -> Mapping[str, Any]:
    return strict_yaml.load(_DATA)[0]


def _locale(code: str) -> Any:
    """Open CLDR's data of a language; None where it has none of its own."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def _native_name(code: str) -> str | None:
    locale = _locale(code)
    named = locale.languages.get(locale.language) if locale else None
    return str(named) if named else None


def _script_code(code: str) -> str | None:
    """Give the script that is meant where a code names none: CLDR's likely subtags."""
    import langcodes

    given = langcodes.Language.get(code, normalize=False)
    if given.script:
        return str(given.script)
    if meaning(code).name is None:
        return None
    likely = given.maximize().script if given.is_valid() else None
    return None if likely in (None, "Zyyy", "Zxxx") else str(likely)


def _script_name(script_code: str | None) -> str | None:
    from babel import Locale

    if script_code is None:
        return None
    return _UNICODE_NAMES.get(script_code) or Locale("en").scripts.get(script_code)


def _direction(locale: Any, base: str) -> str | None:
    if locale is None or locale.language != base:
        return None
    return "rtl" if locale.text_direction == "rtl" else "ltr"


def _plurals(locale: Any, base: str) -> tuple[str, ...]:
    """List the plural categories in CLDR's order, which ends with `other`."""
    if locale is None or locale.language != base:
        return ()
    order = ("zero", "one", "two", "few", "many", "other")
    return tuple(name for name in order if name in {*locale.plural_form.rules, "other"})


def _quotes(code: str) -> tuple[str, str] | None:
    for name in _shorter(code):
        for pair, languages in _data()["quotes"].items():
            if name in languages:
                return pair[0], pair[1]
    return None


def _flores(base: str, script_code: str | None) -> str | None:
    """Find FLORES-200's code: by ISO 639-3, for a macrolanguage by the language that is meant by its code."""
    iso, script = iso639_3(base), {"Kore": "Hang"}.get(script_code or "", script_code)
    alike = (
        code
        for code in _data()["flores"]
        if code.endswith(f"_{script}") and same_language(code[:3]) == same_language(iso)
    )
    return f"{iso}_{script}" if f"{iso}_{script}" in _data()["flores"] else next(alike, None)


def _deepl(code: str, base: str) -> str | None:
    """Find DeepL's code; one without a script writes the language's usual one."""
    known, usual = deepl_codes(), usual_member(base)
    names = [code, *(name for name in _shorter(code)[1:] if _script_code(name) == _script_code(code))]
    names += [usual] if usual else []
    return next((name.upper() for name in names if name.upper() in known), None)


def _langdetect(code: str, base: str) -> str | None:
    """Find langdetect's code; it knows Norwegian by one of its two written languages, Chinese by region."""
    chinese = {"Hans": "zh-cn", "Hant": "zh-tw"}.get(_script_code(code) or "") if base == "zh" else None
    names = (chinese, code, base, {"nb": "no", "fil": "tl"}.get(base))
    return next((name for name in names if name in known_codes()), None)


def _shorter(code: str) -> Sequence[str]:
    parts = code.split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
