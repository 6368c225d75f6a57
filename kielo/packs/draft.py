"""Drafts a language pack: standard data, what a text says where one is given, and gaps for a native speaker; `kielo language new` writes it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from kielo.errors import UsageError
from kielo.languages.pack import Language
from kielo.packs.standards import Standard, flores_code
from kielo.packs.text import Text, caseless, length_ratio, letter_shares, told, usual_script
from kielo.text_table import clean

_COMPAT_CASE = "en"
"""Compat mode is lm-evaluation-harness, whose checks of letter case demand English answers."""
_USUAL_QUOTES = ("“", "”")
_LETTERS_A_LINE = 11
_UNWRITTEN = frozenset(("Cc", "Cn", "Co", "Cs"))
"""Kinds of characters that stand in no name: controls, those not assigned, private ones, halves."""
_PLAIN = re.compile(r"^[^\W\d_](?:[^\W\d_]|[_-])*$")


@dataclass(frozen=True)
class Draft:
    """A pack's values, and where its parts are from."""

    values: Mapping[str, Any]
    letters: Mapping[str, float]
    origins: Mapping[str, str]
    identified: Mapping[str, float]


def named(found: Standard, name: str | None, native_name: str | None, script: str | None) -> Standard:
    """Put in what the user says of a language.

    Raises:
        UsageError: a name or the script is neither given nor known, or holds a character that no file should.
    """
    found = replace(
        found, name=name or found.name, native_name=native_name or found.native_name, script=script or found.script
    )
    for option, value in (("--name", found.name), ("--native-name", found.native_name), ("--script", found.script)):
        if not value:
            raise UsageError(f"standard data have no {option[2:].replace('-', ' ')} of '{found.code}'; give {option}.")
        if not set(map(unicodedata.category, value)).isdisjoint(_UNWRITTEN):
            raise UsageError(f"{option} {ascii(value)}: holds a control character; write it without.")
    return found


def make_draft(found: Standard, text: Text | None, source: str | None) -> Draft:
    """Draft a pack; `source` says what the text is.

    Raises:
        UsageError: the text is in another script than the language.
    """
    letters = _letters(found, text) if text else {}
    values = _values(found, text, letters)
    where = clean(source or (text.file.name if text else ""))
    cldr = f"CLDR through babel {version('babel')}"
    origins = {"names": cldr, "quotes": "CLDR 42" if found.quotes else "a guess: CLDR has no data"}
    if text:
        origins["letters"] = where
        if text.english:
            origins["length_ratio"] = where
    measured = told(text, Language(**values)) if text else {}
    return Draft(values, letters, origins, {name: each.share for name, each in measured.items()})


def pack_text(draft: Draft) -> str:
    """Write a pack as YAML, with a comment at every gap."""
    return "\n".join((*_head(draft), *_ifeval(draft), "")).rstrip() + "\n"


def _letters(found: Standard, text: Text) -> Mapping[str, float]:
    from kielo.languages.scripts import script_names

    script = usual_script(text)
    if script not in script_names(found.script or ""):
        raise UsageError(
            f"--text {text.file}: mostly {script.title()} letters, and {found.name} is written in {found.script} ('{found.code}'); "
            "give a text of the language, or a code with its script, such as sr-Latn."
        )
    return letter_shares(text)


def _values(found: Standard, text: Text | None, letters: Mapping[str, float]) -> dict[str, Any]:
    ratio = length_ratio(text) if text else None
    quotes = found.quotes or _USUAL_QUOTES
    part: dict[str, Any] = {"case_language": _COMPAT_CASE, "constrained_options": []}
    part |= {"alphabet": "".join(letters)} if letters else {}
    part |= {"case": "caseless"} if caseless(found.native_name or "") else {}
    return {
        "code": found.code, "name": found.name, "native_name": found.native_name, "iso639_3": found.iso639_3,
        "flores": flores_code(found), "deepl": found.deepl, "langdetect": found.langdetect,
        "script": found.script, "direction": found.direction or "ltr", "plurals": found.plurals, "quotes": quotes,
        "length_ratio": ratio or 1.0, "ifeval": part | {"quotes": [quotes]},
    }  # fmt: skip


def _head(draft: Draft) -> Iterator[str]:
    values = draft.values
    yield f"# {clean(values['name'])}: drafted by `kielo language new {values['code']}`."
    yield f"# `kielo language check {values['code']}` says what is missing; docs/new-language.md says what each part is for."
    for key in ("code", "name", "native_name", "iso639_3", "flores", "deepl", "langdetect", "script", "direction", "plurals", "quotes"):  # fmt: skip
        yield f"{key}: {_written(values[key])}"
    measured = "length_ratio" in draft.origins
    yield f"length_ratio: {values['length_ratio']}{'' if measured else ' # not measured: give --text and --english'}"
    if draft.identified:
        yield f"identified: {_mapping(draft.identified)} # share of lines told rightly in {clean(draft.origins['letters'])}"
    yield f"origins: {_mapping(draft.origins)}"
    yield "verified: {by: null, parts: []} # a native speaker's name, and which of names, quotes, letters, ifeval, shots ... were read"


def _ifeval(draft: Draft) -> Iterator[str]:
    part = draft.values["ifeval"]
    yield "ifeval:"
    yield f"  case_language: {part['case_language']} # as in lm-evaluation-harness; the language's own code to judge fairly in compat mode, too"
    if "case" in part:
        yield f"  case: {part['case']}"
    yield "  constrained_options: [] # yours: My answer is yes. / My answer is no. / My answer is maybe."
    if "alphabet" in part:
        yield f"  alphabet: {_written(part['alphabet'])} # as counted; take out foreign letters, put in the rare ones"
    yield f"  quotes: {_written(part['quotes'])} # every pair that quotes a text"
    yield "  postscript_markers: [[P.S., PS], [P.P.S, P.P.S., PPS]] # yours beside them, as in fi.yaml"
    yield "  section_words: [] # groups of words for a section: [[Section], [Chapter], [Part]]"
    yield "  abbreviations: [] # those that end in a full stop and end no sentence"
    yield "  # matcher: how words are inflected (docs/ifeval.md); without it keywords count only as they stand"
    if draft.letters:
        yield f"  letters: # of 100 letters, in {clean(draft.origins['letters'])}"
        yield "    {"
        yield from (f"      {line}," for line in letter_lines(draft.letters))
        yield "    }"


def letter_lines(letters: Mapping[str, float]) -> Iterator[str]:
    """Write letters and their shares, so many a line."""
    pairs = letter_pairs(letters)
    for start in range(0, len(pairs), _LETTERS_A_LINE):
        yield ", ".join(pairs[start : start + _LETTERS_A_LINE])


def letter_pairs(letters: Mapping[str, float]) -> list[str]:
    """Write each letter with its share, as YAML has it."""
    return [f"{letter}: {share:.2f}" for letter, share in letters.items()]


def _mapping(values: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_written(value)}" for key, value in values.items()) + "}"


def _written(value: Any) -> str:
    """Write a value as YAML and JSON both have it; plain words stay without quotes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in ("null", "true", "false"):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
