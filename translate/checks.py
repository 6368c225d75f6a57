"""Checks of a translation against its source, one small function each: None, or the evidence that something went wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from kielo.language_detection import language_probabilities
from kielo.languages import Language, Shot
from translate.protect import mask_all, protected_spans

COPY_WORDS = 4
COPY_SIMILARITY = 0.9
"""OpusFilter's Similarity and LCS filters reject from 0.9 on."""
COPIED_SHARE = 0.5
LENGTH_RATIO, LENGTH_SLACK = (0.5, 2.0), (10, 30)
"""Characters over the pair's usual ratio, and characters allowed besides: between LumiOpen dispatcher's 0.5-1.5 and the
outer 1/3-3 of bicleaner and OpusFilter. Of 16,726 real English-Finnish pairs one fails; of those cut to a quarter, 99% do."""
NGRAM = 4
NGRAM_EXCESS = 4
"""A 4-gram repeated this much more than any in the source: loops are caught where gzip < 0.3 misses most (measured on news)."""
STRUCTURE_SLACK = {"list items": 0.2, "table bars": 0.05}
"""Share of the source's count, and one more, that may differ: `2) ` begins lists and sentences alike."""
LANGUAGE_LETTERS = 20
LINE_LETTERS = 40
SURE, CERTAIN = 0.95, 0.9999
LEAKED_SHOT = 15
"""Characters of the shortest shot whose appearance in a translation is no accident."""

_FENCES = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_STRUCTURE: Mapping[str, re.Pattern[str]] = {
    "code fences": re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE),
    "headings": re.compile(r"^#{1,6}[ \t]", re.MULTILINE),
    "list items": re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]", re.MULTILINE),
    "table bars": re.compile(r"^[ \t]*\||(?<=\S)[ \t]*\|[ \t]*$", re.MULTILINE),
    "links": re.compile(r"\]\("),
}


@dataclass(frozen=True)
class Direction:
    """From which language into which, and the shots that were shown on the way."""

    source: Language
    target: Language
    shots: tuple[Shot, ...] = ()


Check = Callable[[str, str, Direction], str | None]


def empty(source: str, translation: str, direction: Direction) -> str | None:
    """Find a translation without text."""
    return f"nothing for: {source:.80}" if source.strip() and not translation.strip() else None


def untranslated(source: str, translation: str, direction: Direction) -> str | None:
    """Find text left in the source's words: the whole, or much of it by lines of at least COPY_WORDS words."""
    before, after = _words_by_line(source), _words_by_line(translation)
    long = [line for line in before if len(line) >= COPY_WORDS]
    there = Counter(after)
    copied = [line for line in long if there[line]]
    if sum(map(len, copied)) > COPIED_SHARE * max(1, sum(map(len, after))):
        return f"as in the source: {' '.join(copied[0]):.80}"
    if len(before) == len(after) == 1 and len(before[0]) >= COPY_WORDS and _similar(*before, *after):
        return f"nearly the source: {translation:.80}"
    return None


def _words_by_line(text: str) -> list[tuple[str, ...]]:
    lines = (tuple(re.findall(r"[^\W\d_]+", line.casefold())) for line in _prose(text).splitlines())
    return [line for line in lines if line]


def _similar(one: Sequence[str], other: Sequence[str]) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.quick_ratio() >= COPY_SIMILARITY and matcher.ratio() >= COPY_SIMILARITY


def length_ratio(source: str, translation: str, direction: Direction) -> str | None:
    """Find a translation much too short or too long for its source; LENGTH_SLACK characters are free."""
    usual = len(source) * direction.target.length_ratio / direction.source.length_ratio
    low, high = LENGTH_RATIO[0] * usual - LENGTH_SLACK[0], LENGTH_RATIO[1] * usual + LENGTH_SLACK[1]
    if low <= len(translation) <= high:
        return None
    return f"{len(translation)} characters for {len(source)}, {low:.0f} to {high:.0f} expected"


def repetition(source: str, translation: str, direction: Direction) -> str | None:
    """Find a loop: words repeated NGRAM_EXCESS times more than any are in the source (notes: after Raunak 2021)."""
    (ngram, count), (_, before) = _top_ngram(translation), _top_ngram(source)
    return f"'{' '.join(ngram)}' {count} times" if count - before >= NGRAM_EXCESS else None


def _top_ngram(text: str) -> tuple[tuple[str, ...], int]:
    words = re.findall(r"\w+", text.casefold())
    ngrams = Counter(zip(*(words[start:] for start in range(NGRAM)), strict=False))
    return ngrams.most_common(1)[0] if ngrams else ((), 0)


def wrong_language(source: str, translation: str, direction: Direction) -> str | None:
    """Find a translation that is surely in the source language, as a whole or in much of its lines.

    langdetect knows 55 languages and is never asked about others; a third language is reported when it is sure of it.
    """
    wanted, unwanted = direction.target.langdetect, direction.source.langdetect
    prose = _prose(translation)
    if wanted is None or _letters(prose) < LANGUAGE_LETTERS:
        return None
    whole = _languages(prose)
    top = max(whole, key=lambda code: whole[code], default=wanted)
    if (
        wanted not in whole
        and whole.get(top, 0) >= SURE
        and (top == unwanted or _letters(prose) >= 4 * LANGUAGE_LETTERS)
    ):
        return f"'{top}' rather than '{wanted}': {prose.strip():.80}"
    if whole.get(wanted, 0) >= CERTAIN:  # seven samples of the letters all agree: no need to ask line by line
        return None
    lines = [line for line in prose.splitlines() if _letters(line) >= LINE_LETTERS]
    foreign = [line for line in lines if len(lines) > 1 and unwanted and _languages(line).get(unwanted, 0) >= SURE]
    if sum(map(_letters, foreign)) > COPIED_SHARE * _letters(prose):
        return f"{len(foreign)} of {len(lines)} lines in '{unwanted}': {foreign[0].strip():.80}"
    return None


def _prose(text: str) -> str:
    return mask_all(_FENCES.sub("\n", text))


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _languages(text: str) -> dict[str, float]:
    """Ask langdetect for the languages of a text and their probabilities."""
    capitals = sum(map(str.isupper, text)) > _letters(text) / 2  # words in capitals alone are passed over by langdetect
    return language_probabilities(text.lower() if capitals else text)


def structure(source: str, translation: str, direction: Direction) -> str | None:
    """Find lost or added Markdown: fences, headings, list items, table bars, links (after FastAPI's documentation checks)."""
    for name, pattern in _STRUCTURE.items():
        before, after = len(pattern.findall(source)), len(pattern.findall(translation))
        if abs(before - after) > STRUCTURE_SLACK.get(name, 0) * before + (name in STRUCTURE_SLACK):
            return f"{after} {name}, {before} in the source"
    return None


def prompt_leak(source: str, translation: str, direction: Direction) -> str | None:
    """Find the few-shot prompt in a translation: a label of its lines, or one of its shots."""
    for label in (f"{direction.source.name}:", f"{direction.target.name}:"):
        if label in translation and label not in source:
            return f"label '{label}'"
    for shot in direction.shots:
        for text in (shot.source, shot.target):
            if len(text) >= LEAKED_SHOT and text in translation and shot.source not in source:
                return f"shot '{text:.80}'"
    return None


def lost_span(source: str, translation: str, direction: Direction) -> str | None:
    """Find a protected span (code, link, formula, placeholder) that did not come through."""
    for span, count in Counter(protected_spans(_FENCES.sub("\n", source))).items():
        if translation.count(span) < count:
            return f"{span:.80}"
    return None


CHECKS: Mapping[str, Check] = {
    "empty": empty, "untranslated": untranslated, "length-ratio": length_ratio, "repetition": repetition,
    "wrong-language": wrong_language, "structure": structure, "prompt-leak": prompt_leak, "span-lost": lost_span,
}  # fmt: skip


def check_all(source: str, translation: str, direction: Direction) -> Iterator[tuple[str, str]]:
    """Yield (reason, evidence) of every check that a translation fails; an empty one fails no further."""
    for reason, check in CHECKS.items():
        evidence = check(source, translation, direction)
        if evidence is not None:
            yield reason, evidence
            if reason == "empty":
                return
