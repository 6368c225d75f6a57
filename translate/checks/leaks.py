"""Finds what is no translation but its surroundings: prompt labels, role tokens, shots, preambles, a code fence around all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kielo.languages.pack import Shot
from translate.checks.findings import Direction, Evidence
from translate.checks.phrases import phrases
from translate.checks.views import NGRAM, Pair, words_of
from translate.protect import mask_all

LEAKED_SHOT = 15
"""Characters of the shortest shot whose appearance in a translation is no accident."""
_TOKEN_HINTS = frozenset("<[#⟦")
_TOKENS = re.compile(
    r"<\|[\w ]{1,30}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:eos|bos|pad|unk)>|<0x[0-9A-F]{2}>"
    r"|#{2,3} (?:Instruction|Response|Input|User|Assistant|Human)\b:?|⟦\s?\d{1,4}\s?⟧"
)
_ROLES = ("User:", "Assistant:", "Human:", "System:", "Source:", "Target:", "Input:", "Output:")
_ORDERS = ("Translate into ", "Translate to ", "Translate the following ", "Translation into ")
_COLONS, _QUOTES = (":", "："), tuple("\"'“”„«»‘’")
_PAUSES = (*_COLONS, ";", " - ", "–", "—")
PREAMBLE_WORDS, LABEL_WORDS = 14, 2


def prompt_leak(pair: Pair) -> Iterator[Evidence]:
    """Find the prompt in a translation: a role token, a label of its lines, or one of its shots."""
    source, translation = pair.source.raw, pair.translation.raw
    for leak in (*_tokens(pair), *_line_labels(pair)):
        if leak not in source:
            yield Evidence("prompt-leak", f"'{leak}'", 1)
            return
    for label in labels(pair.direction) if ":" in pair.translation.chars else ():
        if label in translation and label not in source:
            yield Evidence("prompt-leak", f"label '{label}'", 1)
            return
    shot = _shot(pair)
    if shot:
        yield Evidence("prompt-leak", f"shot '{shot:.80}'", 1)


def _tokens(pair: Pair) -> list[str]:
    text = pair.translation
    return [] if text.chars.isdisjoint(_TOKEN_HINTS) else [found.group() for found in _TOKENS.finditer(text.raw)]


def _line_labels(pair: Pair) -> Iterator[str]:
    for line in pair.translation.lines:
        if line == "END":
            yield line
        if line.startswith(_ROLES) or line.startswith(_ORDERS):
            yield line.partition(":")[0][:40]


def labels(direction: Direction) -> tuple[str, ...]:
    """Give the labels by which prompts introduce their lines: the languages' names before a colon."""
    both = (direction.source, direction.target)
    return tuple(f"{name}:" for language in both for name in (language.name, language.native_name.capitalize()))


def _shot(pair: Pair) -> str | None:
    """Find a shot, looked for only where the translation shares words with one."""
    if not pair.shots or not pair.translation.may_share_ngram(pair.shot_words):
        return None
    for ngram in sorted(pair.shots.keys() & pair.translation.distinct_ngrams):
        shot = pair.shots[ngram]
        if shot.source not in pair.source.raw:
            for text in (shot.source, shot.target):
                if len(text) >= LEAKED_SHOT and text in pair.translation.raw:
                    return text
    return None


def shots_by_ngram(shots: Iterable[Shot]) -> dict[tuple[str, ...], Shot]:
    """Index the shots by the sequences of words in either of their sides."""
    found: dict[tuple[str, ...], Shot] = {}
    for shot in shots:
        for text in (shot.source, shot.target):
            words = words_of(text)
            for ngram in zip(*(words[start:] for start in range(NGRAM)), strict=False):
                found.setdefault(ngram, shot)
    return found


def preamble(pair: Pair) -> Iterator[Evidence]:
    """Find words before the translation proper: `Here is the translation:` on a line of its own, or a label in front."""
    before, after = pair.source.lines, pair.translation.lines
    if not before or not after:
        return
    first = after[0]
    if first.endswith(_COLONS):
        own = not before[0].endswith(_COLONS) or (len(after) > len(before) and after[1].endswith(_COLONS))
        if own and len(first.split()) <= PREAMBLE_WORDS:
            yield Evidence("preamble", f"'{first:.60}'", 1)
        return
    label, colon, rest = first.partition(": ")
    if not colon or not any(map(str.isalpha, mask_all(rest))):  # `Read more at www.example.org` has no words but these
        return
    if _introduces(label, pair):
        yield Evidence("preamble", f"'{label:.60}:'", 1)
    elif len(label.split()) <= LABEL_WORDS and not rest.startswith(_QUOTES):
        beginning = before[0][: 3 * len(label) + 20]
        if not any(mark in beginning for mark in _PAUSES):
            yield Evidence("preamble", f"'{label:.60}:'", 1)


def _introduces(label: str, pair: Pair) -> bool:
    """Tell whether a label says that a translation follows, and the source's first line says nothing of the kind."""
    said = label.lower()
    if len(said.split()) > PREAMBLE_WORDS:
        return False
    ours = phrases(pair.direction.source.code).labels
    if any(word in pair.source.lines[0].lower() for word in ours):
        return False
    return any(word in said for word in (*ours, *phrases(pair.direction.target.code).labels))


def wrapped(pair: Pair) -> Iterator[Evidence]:
    """Find a code fence or quotation marks around the whole that the source does not have."""
    source, translation = pair.source.raw.strip(), pair.translation.raw.strip()
    if translation.startswith(("```", "~~~")) and not source.startswith(translation[:3]):
        yield Evidence("wrapped", f"{translation.splitlines()[0]:.40}", 1)
    elif translation.startswith(_QUOTES) and translation.endswith(_QUOTES) and not source.startswith(_QUOTES):
        yield Evidence("wrapped", "quotation marks around all", 0.5)
