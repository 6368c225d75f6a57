"""Finds letters and characters that belong neither to the target language nor to the source text: other scripts, mojibake, escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kielo.languages.scripts import script_names, script_of
from translate.checks.findings import Evidence
from translate.checks.views import Pair

_WORD_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
# What a wrong decoding or escaping leaves, with characters without which there is none of it.
_BROKEN = {
    "replacement character": ("\ufffd", re.compile("\ufffd")),
    # UTF-8 read as Latin-1 or Windows-1252
    "mojibake": ("ÂÃâÄÅÐÑÎ", re.compile(r"[ÂÃâÄÅÐÑÎ][\x80-\xa0¡-¬®-¿€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")),
    "entity": ("&", re.compile(r"&(?:amp|quot|apos|lt|gt|nbsp|[a-zA-Z]{1,3}(?:uml|acute|grave|circ|ring|tilde|cedil|slash|lig)|#\d{1,7}|#x[0-9a-fA-F]{1,6});")),
    "escape": ("\\", re.compile(r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}")),
    "literal line end": ("\\", re.compile(r"\\[nrt](?![a-z])")),
    "lost letters": ("?", re.compile(r"\?(?<=[^\W\d_]\?)[^\W\d_][^?]{0,300}\?(?<=[^\W\d_]\?)[^\W\d_]")),
}  # fmt: skip
_HINTS = frozenset("".join(hints for hints, _ in _BROKEN.values()))
_CONTROL = frozenset(map(chr, (*range(9), 11, 12, *range(14, 32), *range(127, 160))))


def mojibake(pair: Pair) -> Iterator[Evidence]:
    """Find what a wrong decoding or escaping leaves, where the source has nothing of the kind."""
    source, translation = pair.source, pair.translation
    new = translation.chars - source.chars
    if any("\ud800" <= letter <= "\udfff" for letter in new):
        yield Evidence("encoding", "half a character (a lone surrogate), which no file can hold", 1)
        return
    control = new & _CONTROL
    if control:
        yield Evidence("encoding", f"control character {min(control)!r}", 1)
        return
    if translation.chars.isdisjoint(_HINTS):
        return
    for name, (hints, pattern) in _BROKEN.items():
        if translation.chars.isdisjoint(hints):
            continue
        found = pattern.search(translation.raw)
        if found and not pattern.search(source.raw):
            place = translation.raw[max(0, found.start() - 20) : found.end() + 20]
            yield Evidence("encoding", f"{name}: {place!r:.120}", 1)
            return


def script(pair: Pair) -> Iterator[Evidence]:
    """Find letters of a script that is neither the target's nor in the source, and too few letters of the target's own."""
    source, translation = pair.source, pair.translation
    wanted = script_names(pair.direction.target.script)
    foreign = {char for char in translation.chars - source.chars if char > "\x7f" and script_of(char) not in wanted}
    strange = foreign and {char for char in foreign if script_of(char) not in set(map(script_of, source.chars))}
    if strange:
        letters = "".join(char for char in translation.raw if char in strange)
        alone = len(letters) == 1 and script_of(letters) not in _WORD_SCRIPTS
        yield Evidence("script", f"{script_of(letters[0]).title()} letters: {letters:.40}", 0.5 if alone else 1)
    if "LATIN" not in wanted and source.letters >= 8 and translation.letters:
        words = "".join(translation.words)
        own = sum(script_of(char) in wanted for char in words) / len(words)
        if own < 0.5:
            yield Evidence("script", f"{own:.0%} of the letters are {pair.direction.target.script}", 1)
