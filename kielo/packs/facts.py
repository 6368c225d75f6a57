"""Compares what a pack says with standard data, the identifiers' own lists and its own letters."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from kielo.errors import UsageError
from kielo.languages.codes import members
from kielo.languages.detection import known_codes
from kielo.languages.identification import NAMES
from kielo.languages.scripts import script_names
from kielo.packs.findings import Finding, Opened
from kielo.packs.standards import Standard, deepl_codes, flores_code, in_flores, knowing, standard
from kielo.packs.text import script_counts

LEAST_SHARE = 0.9
"""Of a text's letters must be of its language's script; below, the pack or the text is wrong."""
_TOLD_WELL = 0.9


def facts(opened: Opened) -> Iterator[Finding]:
    """Compare codes, names and script with standard data."""
    pack = opened.pack
    try:
        known = standard(pack.code)
    except UsageError as error:
        yield opened.finding("error", "code", str(error).rstrip("."), "call the pack after the code that is meant")
        return
    if known.note:
        yield opened.finding("note", "code", known.note.rstrip("."), "see that shots and texts are in the one you mean")
    yield from _codes(opened, known)
    yield from _cldr(opened, known)
    yield from wrong_script(opened, "native_name", pack.native_name)
    yield from _identifiers(opened)


def wrong_script(
    opened: Opened, key: str, text: str, place: Finding | None = None, least: float = LEAST_SHARE
) -> Iterator[Finding]:
    """Find a text of the pack of whose letters less than `least` are of the script that it says."""
    counts = script_counts(text)
    wanted = script_names(opened.pack.script)
    own = sum(count for name, count in counts.items() if name in wanted)
    if counts and own < least * counts.total():
        other = most_common(name for name in counts.elements() if name not in wanted)
        problem = f"{other.title()} letters in a pack whose script is {opened.pack.script}"
        fix = f"write it in {opened.pack.script}, or name the script it is in (script: {other.title()})"
        found = opened.finding("error", key, problem, fix)
        yield found if place is None else Finding("error", place.file, place.line, key, problem, fix)


def most_common(names: Iterable[str]) -> str:
    """Give the name that occurs most often; there must be one."""
    return Counter(names).most_common(1)[0][0]


def _codes(opened: Opened, known: Standard) -> Iterator[Finding]:
    pack = opened.pack
    if known.name is not None and pack.iso639_3 != known.iso639_3:
        yield opened.finding(
            "error", "iso639_3", f"'{pack.iso639_3}' where ISO 639-3 has '{known.iso639_3}' for {known.name}", f"write {known.iso639_3}"
        )  # fmt: skip
    usual = flores_code(known)
    if known.flores and pack.flores != known.flores:
        yield opened.finding("error", "flores", f"'{pack.flores}' where FLORES-200 has '{usual}'", f"write {usual}")
    elif pack.flores != usual and in_flores(pack.flores) and pack.flores[:3] not in members(pack.code):
        yield opened.finding("error", "flores", f"'{pack.flores}' is another language's", f"write {usual}")
    elif not in_flores(pack.flores):
        yield opened.finding(
            "note",
            "flores",
            f"FLORES-200 has no {pack.name} in {pack.script} letters",
            "measure translations on sentences of your own",
        )
    yield from _deepl(opened, known)
    if pack.langdetect is not None and pack.langdetect not in known_codes():
        yield opened.finding(
            "error", "langdetect", f"langdetect has no '{pack.langdetect}'", "write null, or one of its codes"
        )
    elif pack.langdetect != known.langdetect and known.langdetect:
        yield opened.finding(
            "todo", "langdetect", f"langdetect calls {pack.name} '{known.langdetect}'", f"write {known.langdetect}"
        )
    elif pack.langdetect is not None and known.langdetect is None and known.name:
        yield opened.finding(
            "todo", "langdetect", f"langdetect does not know {pack.name}: '{pack.langdetect}' is another language's", "write null"
        )  # fmt: skip


def _deepl(opened: Opened, known: Standard) -> Iterator[Finding]:
    said = opened.pack.deepl
    if said is not None and said.upper() not in deepl_codes():
        yield opened.finding(
            "note", "deepl", f"deepl-python 1.32 has no '{said}'", "look at DeepL's list of target languages, or write null"
        )  # fmt: skip
    elif said is not None and known.name and said.upper().partition("-")[0] != (known.deepl or "").partition("-")[0]:
        yield opened.finding(
            "error", "deepl", f"'{said}' is another language's: DeepL would translate into that", f"write {known.deepl or 'null'}"
        )  # fmt: skip
    elif said is None and known.deepl:
        yield opened.finding("todo", "deepl", f"DeepL translates into {known.deepl}", f"write {known.deepl}")


def _cldr(opened: Opened, known: Standard) -> Iterator[Finding]:
    pack = opened.pack
    if known.name and pack.name != known.name:
        yield opened.finding("note", "name", f"CLDR says {known.name}", "keep yours where models know it better")
    if known.native_name and pack.native_name != known.native_name:
        yield opened.finding("note", "native_name", f"CLDR says {known.native_name}", "keep yours where it is right")
    if known.quotes and pack.quotes != known.quotes:
        yield opened.finding("note", "quotes", f"CLDR says {' '.join(known.quotes)}", "keep yours where it is right")
    if known.script and script_names(pack.script) != script_names(known.script):
        problem = f"{pack.script}, and {pack.name} is usually written in {known.script}"
        if "-" in pack.code:
            yield opened.finding("error", "script", problem, f"write {known.script}, which the code '{pack.code}' says")
        else:
            yield opened.finding(
                "error", "script", problem, f"write {known.script}, or call the pack after its script, such as sr-Latn"
            )
    if known.plurals and pack.plurals and pack.plurals != known.plurals:
        yield opened.finding("todo", "plurals", f"CLDR says {', '.join(known.plurals)}", "write what CLDR says")
    yield from _direction(opened)


def _direction(opened: Opened) -> Iterator[Finding]:
    """Look at the letters themselves: Unicode says of each in which direction it runs."""
    runs = Counter(unicodedata.bidirectional(char) in ("R", "AL") for char in opened.pack.native_name if char.isalpha())
    if runs and runs.most_common(1)[0][0] != (opened.pack.direction == "rtl"):
        right = "rtl" if opened.pack.direction == "ltr" else "ltr"
        yield opened.finding(
            "error", "direction", f"the letters of {opened.pack.native_name} run the other way", f"write {right}"
        )


def _identifiers(opened: Opened) -> Iterator[Finding]:
    """Say who tells the language, and how well where that was measured."""
    pack = opened.pack
    knows = knowing(pack.code, pack.iso639_3, pack.langdetect)
    known = [name for name, is_known in knows.items() if is_known]
    for name in sorted(set(pack.identified) - set(NAMES)):
        yield opened.finding("error", f"identified.{name}", "is no identifier", f"there are {', '.join(NAMES)}")
    if not known:
        yield opened.finding(
            "todo", "identified", "no identifier that comes with Kielo knows the language: nothing tells it from another",
            f"take glotlid with its model (identifier: glotlid, identifier_file), which calls it {pack.flores}",
        )  # fmt: skip
        return
    if not pack.identified:
        yield opened.finding(
            "todo", "identified", f"known by {', '.join(known)}, but not measured how well", "give `check` a native text (--text)"
        )  # fmt: skip
        return
    best = max(pack.identified, key=lambda name: pack.identified[name])
    usual = pack.identified.get("py3langid", 0.0)
    if usual < _TOLD_WELL:
        yield opened.finding(
            "todo", "identified", f"py3langid, which Kielo asks unless told otherwise, knows {usual:.0%} of its lines",
            f"write `identifier: {best}` in recipes" if pack.identified[best] > usual else "take glotlid with its model",
        )  # fmt: skip
