"""Who translates a segment: a translation memory, or a base model prompted with few shots; each answer says where it is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from kielo.errors import SourceError, at
from kielo.generation.protocol import Completion, Request
from kielo.languages import Language
from kielo.records import read_jsonl
from translate.few_shot import pieces_of, translation_request
from translate.protect import Protected, protect, restore

Origin = Literal["memory", "engine", "copy"]
Glossary = tuple[tuple[str, str], ...]
"""(source form, target form) of what stands fixed in a text."""


@dataclass(frozen=True)
class Segment:
    """A line of text to translate; `glossary` pairs are put in their target form whatever the translator says."""

    text: str
    glossary: Glossary = ()


@dataclass(frozen=True)
class Translated:
    """A translation, and who made it; `copy`: there was nothing to translate."""

    text: str
    origin: Origin


@dataclass(frozen=True)
class Failure:
    """Why a segment could not be translated: a reason for the counts, the evidence, and what text there is all the same."""

    reason: str
    detail: str
    text: str = ""


Answer = Translated | Failure


class Translator(Protocol):
    """Gives one answer per segment, in their order."""

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Translate segments; what cannot be translated comes back as a Failure."""


@dataclass(frozen=True)
class Memory:
    """Earlier translations by exact source text; `conflicts` counts the texts translated in two ways, the first one stays."""

    translations: Mapping[str, str]
    conflicts: int = 0

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Look segments up; a segment with a glossary is never taken, its fixed parts could differ."""
        return [self._look_up(segment) for segment in segments]

    def _look_up(self, segment: Segment) -> Answer:
        known = None if segment.glossary else self.translations.get(segment.text)
        if known is None:
            return Failure("not-in-memory", f"{segment.text:.80}")
        return Translated(known, "memory")


def read_memory(path: Path, source: str, target: str) -> Memory:
    """Read a translation memory from two columns of a JSONL file; rows with an empty side are passed over.

    Raises:
        SourceError: a row lacks a column, or no row has both texts.
    """
    translations: dict[str, str] = {}
    conflicting: set[str] = set()
    for line, row in read_jsonl(path):
        texts = [row.get(column, _MISSING) for column in (source, target)]
        if not all(isinstance(text, str | None) for text in texts):
            raise SourceError(
                f"{at(path, line)}: columns '{source}' and '{target}' must hold texts; it has {', '.join(row)}. Name the right ones under `memory:`."
            )
        if texts[0] and texts[1] and translations.setdefault(texts[0], texts[1]) != texts[1]:
            conflicting.add(texts[0])
    if not translations:
        raise SourceError(f"{path}: holds no translations in columns '{source}' and '{target}'; check `memory:`.")
    return Memory(translations, len(conflicting))


_MISSING = object()


class Completer(Protocol):
    """Makes or finds the completions of requests, in their order (see kielo.generation.store.complete)."""

    def __call__(self, requests: Sequence[Request]) -> Sequence[Completion]:
        """Complete the requests."""


@dataclass(frozen=True)
class FewShotTranslator:
    """A base model that continues few-shot prompts."""

    complete: Completer
    prefix: str
    source: Language
    target: Language
    max_tokens_ratio: float

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Translate segments in one batch: mask, cut if too long, complete, join, and put the masked spans back."""
        masked = [mask(segment) for segment in segments]
        pieces = [pieces_of(protected.text, self.source) for protected in masked]
        requests = [self._request(piece.strip()) for cut in pieces for piece in cut]
        completions = iter(self.complete(requests))
        answers: list[Answer] = []
        for protected, cut in zip(masked, pieces, strict=True):
            answers.append(self._answer(protected, cut, [next(completions) for _ in cut]))
        return answers

    def _request(self, text: str) -> Request:
        return translation_request(self.prefix, text, self.source, self.target, self.max_tokens_ratio)

    def _answer(self, protected: Protected, pieces: Sequence[str], completions: Sequence[Completion]) -> Answer:
        text = "".join(_blanks_as_in(piece, made.text) for piece, made in zip(pieces, completions, strict=True))
        for completion in completions:
            if completion.finish_reason != "stop":
                reason = {"length": "truncated", "refused": "engine-refused"}.get(
                    completion.finish_reason, "engine-error"
                )
                return Failure(reason, completion.error or f"ends with: {completion.text[-80:]}", text)
            if not completion.text.strip():
                return Failure("empty", f"nothing for: {protected.text:.80}", text)
        restored = restore(text, protected.spans)
        if restored is None:
            wanted = ", ".join(protected.spans) or "no sentinel"
            return Failure("span-lost", f"wanted once each {wanted:.80} in: {text:.120}", text)
        return Translated(restored, "engine")


def _blanks_as_in(piece: str, translation: str) -> str:
    left, right = len(piece) - len(piece.lstrip()), len(piece.rstrip())
    return piece[:left] + translation.strip() + piece[max(left, right) :]


def mask(segment: Segment) -> Protected:
    """Protect a segment, with its glossary's words behind sentinels that will give their target forms."""
    targets = dict(segment.glossary)
    protected = protect(segment.text, tuple(targets))
    return Protected(protected.text, tuple(targets.get(span, span) for span in protected.spans))


@dataclass(frozen=True)
class InTurn:
    """Several translators: each is asked for what those before it could not translate."""

    translators: tuple[Translator, ...]

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Translate segments, every distinct one once; those without a letter outside of protected spans stay as they are."""
        answers: dict[Segment, Answer] = {}
        for segment in segments:
            masked = mask(segment)
            if not any(letter.isalpha() for letter in masked.bare):
                answers[segment] = Translated(_filled(masked), "copy")
        for translator in self.translators:
            asked = [each for each in dict.fromkeys(segments) if isinstance(answers.get(each, _UNASKED), Failure)]
            if asked:
                answers |= zip(asked, translator.translate(asked), strict=True)
        return [answers[segment] for segment in segments]


_UNASKED = Failure("not-asked", "")


def _filled(masked: Protected) -> str:
    text = restore(masked.text, masked.spans)
    assert text is not None, "sentinels just set are all there"
    return text
