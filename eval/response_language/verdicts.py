"""The language of an answer, line by line: how many of its letters are in the asked language, the source language, another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from eval.response_language.identifiers import Identifier
from eval.response_language.readable import pieces, readable
from kielo.errors import RecipeError
from kielo.languages.pack import Language
from kielo.languages.scripts import script_names, script_of

Verdict = Literal["target", "source", "mixed", "other", "none"]
VERDICTS: tuple[Verdict, ...] = ("target", "source", "mixed", "other", "none")

FEWEST_LETTERS = 12
"""Answers with fewer letters to judge by are in no language."""
THIRD_LETTERS = 30
"""A third language is told from so many letters on: names and loan words look like one."""
MIXED_SHARE = 0.15
MIXED_LETTERS = 45
"""An answer is mixed from this share of its judged letters in a second language on, and so many of them."""
_EVIDENCE = 60
OPEN = "?"
"""The language of a piece that may be in either."""


@dataclass(frozen=True)
class LineVerdict:
    """What language an answer is in, what shows it, and how many letters of it are in each language ("?": not told)."""

    verdict: Verdict
    evidence: str
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """A stretch of an answer: its letters, and its language as an identifier's label, the name of a script, or OPEN."""

    text: str
    letters: int
    language: str


def line_verdict(text: str, target: Language, source: Language | None, identifier: Identifier) -> LineVerdict:
    """Judge an answer: target, source, mixed (two languages in numbers), other (a third one), or none (nothing to judge by).

    Raises:
        RecipeError: the identifier does not know the target language.
    """
    return verdict_of(judged_pieces(text, target, source, identifier), labels_of(target, source, identifier))


def judged_pieces(text: str, target: Language, source: Language | None, identifier: Identifier) -> list[Piece]:
    """Cut an answer into pieces and judge each.

    Raises:
        RecipeError: the identifier does not know the target language.
    """
    return list(_judged(readable(text), labels_of(target, source, identifier), target, source, identifier))


def verdict_of(judged: Sequence[Piece], labels: tuple[str, ...]) -> LineVerdict:
    """Add up judged pieces; `labels` are the identifier's names of target and source."""
    counts: Counter[str] = Counter()
    for piece in judged:
        counts[piece.language] += piece.letters
    lines = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return LineVerdict(*_decide(judged, counts, labels), lines)


def labels_of(target: Language, source: Language | None, identifier: Identifier) -> tuple[str, ...]:
    """Give the identifier's labels of target and, where it knows it and it is another one, source.

    Raises:
        RecipeError: it does not know the target language.
    """
    label = identifier.label(target)
    if label is None:
        raise RecipeError(
            f"the identifier {identifier.name} does not know '{target.code}' ({target.name}); name another one."
        )
    other = identifier.label(source) if source else None
    return (label, other) if other and other != label else (label,)


def _judged(
    text: str, labels: tuple[str, ...], target: Language, source: Language | None, identifier: Identifier
) -> Iterator[Piece]:
    """Judge the pieces of a text by target, source and the third language that the whole is surely in, if any."""
    scripts = script_names(target.script) | (script_names(source.script) if source else frozenset())
    stretches, leads, asked = list(pieces(text)), identifier.leads, labels
    whole = identifier.look("\n".join(piece for piece, _ in stretches), labels)
    enough = sum(size for _, size in stretches) >= THIRD_LETTERS
    if enough and whole and whole.best not in labels and whole.best_score - max(whole.scores) >= leads.third_whole:
        asked = (*labels, whole.best)
    for piece, size in stretches:
        language = _language(piece, size, asked, identifier)
        foreign = _foreign_script(piece, scripts)
        yield Piece(piece, size, foreign if foreign and language in (*labels, OPEN) else language)


def _foreign_script(piece: str, scripts: frozenset[str]) -> str:
    """Name the script, of neither language, that most letters of a piece are in; empty if they are not."""
    strange = {char for char in set(piece) if script_of(char) not in scripts}
    if not strange or 2 * sum(char in strange for char in piece) <= sum(map(str.isalpha, piece)):
        return ""
    return script_of(next(char for char in piece if char in strange)).lower()


def _language(piece: str, size: int, labels: tuple[str, ...], identifier: Identifier) -> str:
    look, leads = identifier.look(piece, labels), identifier.leads
    if look is None:
        return OPEN
    ranked = sorted(zip(look.scores, labels, strict=True), reverse=True)
    (first, name), second = ranked[0], ranked[1][0] if len(ranked) > 1 else None
    if look.best not in labels:
        if look.best_score - first >= leads.third_piece:
            return look.best if size >= THIRD_LETTERS else OPEN
        if second is None:
            return OPEN
    return name if second is None or first - second >= leads.piece else OPEN


def _decide(judged: Sequence[Piece], counts: Mapping[str, int], labels: tuple[str, ...]) -> tuple[Verdict, str]:
    told = {name: count for name, count in counts.items() if name != OPEN}
    total = sum(told.values())
    if total < FEWEST_LETTERS:
        return "none", f"{total} letters to judge by"
    most = max(sorted(told), key=told.__getitem__)
    rest = total - told[most]
    shares = ", ".join(
        f"{name} {count / total:.0%}" for name, count in sorted(told.items(), key=lambda i: (-i[1], i[0]))
    )
    if rest >= MIXED_SHARE * total and rest >= MIXED_LETTERS:
        foreign = [piece for piece in judged if piece.language not in (labels[0], OPEN)]
        return "mixed", f"{shares}: {_longest(foreign)}"
    if most in labels:
        verdict: Verdict = "target" if most == labels[0] else "source"
    else:
        verdict = "other"
    return verdict, f"{shares}: {_longest(piece for piece in judged if piece.language == most)}"


def _longest(found: Iterable[Piece]) -> str:
    return f'"{max(found, key=lambda piece: piece.letters).text[:_EVIDENCE]}"'
