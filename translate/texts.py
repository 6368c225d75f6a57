"""Whole texts through the ladder: the memory first, else segment by segment, put together as they were and checked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from translate.answers import Failure, Glossary, Segment, Translated
from translate.checks import Finding, Item
from translate.masks import comparable
from translate.protect import protect
from translate.repair import Ladder, Outcome
from translate.segments import Document, render, split

CONTEXT = 300
"""Characters of the turn before that are shown as context."""


@dataclass(frozen=True)
class Text:
    """One text of a record: where it is there, and its pieces, which are translated one by one and joined."""

    where: str
    pieces: tuple[Segment, ...]

    @cached_property
    def source(self) -> str:
        """The text as it was."""
        return "".join(piece.text for piece in self.pieces)


def plain(where: str, text: str, glossary: Glossary = (), context: str = "") -> Text:
    """Make a text of one piece."""
    return Text(where, (Segment(text, glossary, context=context[-CONTEXT:]),))


@dataclass(frozen=True)
class Cutting:
    """How texts are taken apart: what becomes of code, whether segments see the one before, what is fixed everywhere."""

    code: Literal["keep", "comments"] = "keep"
    context: bool = False
    numbers: bool = False
    glossary: Glossary = ()


@dataclass(frozen=True)
class Part:
    """A piece of a text taken apart."""

    document: Document
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Made:
    """What became of one text: its translation, who made it, and everything found in it as a whole."""

    text: Text
    translation: str
    outcomes: tuple[Outcome, ...] = ()
    """Of its segments, or of its pieces where the memory holds them whole."""
    findings: tuple[Finding, ...] = ()

    @property
    def failure(self) -> Failure | None:
        """The first reason against it: that of a segment, or of the text as a whole."""
        failures = (outcome.failure for outcome in self.outcomes)
        whole = (Failure(each.check, each.detail, self.translation) for each in self.findings if each.fatal)
        return next((failure for failure in (*failures, *whole) if failure is not None), None)

    @property
    def answers(self) -> tuple[Translated, ...]:
        """The translations it consists of; what had nothing to translate is left out."""
        made = (outcome.answer for outcome in self.outcomes)
        return tuple(each for each in made if isinstance(each, Translated) and each.engine != "copy")


def take_apart(piece: Segment, cutting: Cutting) -> Part:
    """Split a piece into segments, each with the terms that it holds and, if asked, with what stands before it."""
    document = split(piece.text, cutting.code)
    segments, before = [], piece.context
    for text, kind in zip(document.segments, document.kinds, strict=True):
        fixed = tuple(pair for pair in (*piece.glossary, *cutting.glossary) if pair[0] in text)
        fixed += tuple((number, number) for number in _numbers(text)) if cutting.numbers else ()
        segments.append(Segment(text, fixed, kind, before if cutting.context else ""))
        before = text
    return Part(document, tuple(segments))


def _numbers(text: str) -> list[str]:
    """List the numbers of a text, with their units, that stand outside of its other protected spans."""
    return list(Counter(protect(text, numbers=True).spans) - Counter(protect(text).spans))


def translate_texts(texts: Iterable[Text], ladder: Ladder, cutting: Cutting, calibrate: bool) -> dict[Text, Made]:
    """Translate distinct texts in one batch, equal segments once; see Assembly."""
    return Assembly(ladder, cutting).translate(texts, calibrate)


@dataclass
class Assembly:
    """Texts on their way through the ladder: what the memory knows whole, the others taken apart, what became of each segment."""

    ladder: Ladder
    cutting: Cutting
    remembered: dict[Segment, Translated] = field(default_factory=dict)
    parts: dict[Segment, Part] = field(default_factory=dict)
    outcomes: dict[Segment, Outcome] = field(default_factory=dict)
    doubtful: set[Text] = field(default_factory=set)
    """Texts that failed as they were first made."""

    def translate(self, texts: Iterable[Text], calibrate: bool) -> dict[Text, Made]:
        """Translate distinct texts; with `calibrate` the checks learn from them what is usual.

        A text from the memory that fails a check goes to the engine; one whose segments pass, but which fails as a whole,
        is asked for again on the further rungs.
        """
        texts = list(dict.fromkeys(texts))
        self._remember([piece for text in texts for piece in text.pieces])
        items = [Item(piece.text, made.text) for piece, made in self.remembered.items()]
        self._add(texts, items if calibrate else None)
        made = {text: self._made(text) for text in texts}
        self.doubtful |= {text for text in texts if made[text].failure is not None}
        doubtful = [text for text in texts if text in self.doubtful]
        if self.ladder.rungs and doubtful:
            for text in doubtful:
                for piece in text.pieces:
                    self.remembered.pop(piece, None)
            self._add(doubtful, None)
            made |= {text: self._made(text) for text in doubtful}
            made |= self._mended([made[text] for text in doubtful])
        return made

    def again(self, texts: Iterable[Text], rung: str) -> dict[Text, Made]:
        """Make texts by one rung of the ladder; a segment it has nothing passing for stays as it was."""
        texts = list(texts)
        segments = dict.fromkeys(segment for text in texts for segment in self._segments(text))
        other = self.ladder.again(segments, rung)
        return {text: self._made(text, other) for text in texts}

    def failed_at_first(self, text: Text) -> bool:
        """Say whether anything of a text failed as it was first made, whatever became of it later."""
        parts = [self.parts[piece] for piece in text.pieces if piece in self.parts]
        segments = (segment for part in parts for segment in part.segments)
        return text in self.doubtful or any(segment in self.ladder.failed_first for segment in segments)

    def _remember(self, pieces: Iterable[Segment]) -> None:
        terms = [source for source, _ in self.cutting.glossary]  # a text that holds one goes segment by segment
        pieces = [piece for piece in dict.fromkeys(pieces) if not any(term in piece.text for term in terms)]
        answers = self.ladder.memory.translate(pieces) if self.ladder.memory else [None] * len(pieces)
        for piece, answer in zip(pieces, answers, strict=True):
            if isinstance(answer, Translated):
                self.remembered[piece] = Translated(answer.text, "memory", "memory")

    def _add(self, texts: Iterable[Text], calibrate_with: Sequence[Item] | None) -> None:
        """Translate the segments of texts that are not known yet."""
        for text in texts:
            for piece in text.pieces:
                if piece not in self.remembered and piece not in self.parts:
                    self.parts[piece] = take_apart(piece, self.cutting)
        segments = dict.fromkeys(segment for part in self.parts.values() for segment in part.segments)
        new = [segment for segment in segments if segment not in self.outcomes]
        self.outcomes |= self.ladder.translate(new, calibrate_with)

    def _segments(self, text: Text) -> Iterator[Segment]:
        for piece in text.pieces:
            if piece not in self.remembered:
                yield from self.parts[piece].segments

    def _made(self, text: Text, other: Mapping[Segment, Outcome] | None = None) -> Made:
        """Put a text together, taking `other` outcomes where there are, and check it as a whole.

        What stands fixed in it, and segments that were kept as they are in the source, are left out of that check.
        """
        outcomes: list[Outcome] = []
        source, translation, checked = "", "", ""
        for piece in text.pieces:
            whole, before, after, chosen = self._piece(piece, other or {})
            source, translation, checked = source + before, translation + whole, checked + after
            outcomes += chosen
        sound = all(outcome.passed for outcome in outcomes) and any(map(_is_translation, outcomes))
        findings = self.ladder.checker.findings(Item(source, checked), "text") if sound else ()
        if self.cutting.code == "comments":  # that they changed is what was asked for
            findings = tuple(finding for finding in findings if finding.fatal or finding.check != "code")
        return Made(text, translation, tuple(outcomes), findings)

    def _piece(self, piece: Segment, other: Mapping[Segment, Outcome]) -> tuple[str, str, str, list[Outcome]]:
        """Give a piece's translation, what of its source and of its translation is to be checked, and its outcomes."""
        known = self.remembered.get(piece)
        if known is not None:
            return known.text, piece.text, known.text, [Outcome(known)]
        part = self.parts[piece]
        chosen = [other.get(segment, self.outcomes[segment]) for segment in part.segments]
        checked = [_checked(segment, outcome) for segment, outcome in zip(part.segments, chosen, strict=True)]
        whole = render(part.document, [outcome.answer.text for outcome in chosen])
        before, after = (render(part.document, [pair[side] for pair in checked]) for side in (0, 1))
        return whole, before, after, chosen

    def _mended(self, doubtful: Sequence[Made]) -> dict[Text, Made]:
        """Ask the further rungs about texts that fail as a whole though their segments pass; the first that helps is taken."""
        rest = [made.text for made in doubtful if made.failure and all(outcome.passed for outcome in made.outcomes)]
        mended: dict[Text, Made] = {}
        for rung in self.ladder.rungs[1:]:
            if rest and rung.name not in ("split", "source"):
                made = self.again(rest, rung.name)
                mended |= {text: each for text, each in made.items() if each.failure is None}
                rest = [text for text in rest if text not in mended]
        return mended


def _checked(segment: Segment, outcome: Outcome) -> tuple[str, str]:
    kept = isinstance(outcome.answer, Translated) and outcome.answer.engine == "source"
    return ("", "") if kept else comparable(segment, outcome.answer.text)


def _is_translation(outcome: Outcome) -> bool:
    return isinstance(outcome.answer, Translated) and outcome.answer.engine not in ("copy", "source")
