"""The target language model as translator: spans masked, a prompt per piece of text, completions joined and verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kielo.generation.protocol import Completion, Request
from translate.answers import Answer, Failure, Segment, Translated
from translate.masks import mask
from translate.prompting import Prompter, pieces_of
from translate.protect import Protected, restore, split_around


class Completer(Protocol):
    """Makes or finds the completions of requests, in their order (see kielo.generation.store.complete)."""

    def __call__(self, requests: Sequence[Request]) -> Sequence[Completion]:
        """Complete the requests."""


@dataclass(frozen=True)
class Way:
    """How to ask: `alternative` other shots than usual, `samples` sampled candidates (0: one greedy), spans cut around."""

    alternative: int = 0
    samples: int = 0
    temperature: float = 0.0
    around: bool = False


@dataclass(frozen=True)
class _Piece:
    """A stretch of a segment: to be translated, or standing fixed."""

    text: str
    fixed: bool = False


@dataclass(frozen=True)
class _Cut:
    """A segment cut for prompts; `protected` is None where its spans stand outside of the pieces."""

    segment: Segment
    pieces: tuple[_Piece, ...]
    protected: Protected | None


@dataclass(frozen=True)
class LanguageModel:
    """A language model that is prompted to translate; texts are cut around their spans if it copies no sentinel."""

    label: str
    complete: Completer
    prompter: Prompter
    copies_sentinels: bool = True

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        """Translate segments greedily, in one batch."""
        return [offers[0] for offers in self.candidates(segments, Way())]

    def candidates(self, segments: Sequence[Segment], way: Way) -> list[list[Answer]]:
        """Ask for one greedy or several sampled translations of each segment, in one batch."""
        cuts = [self._cut(segment, way.around) for segment in segments]
        replicates = range(max(1, way.samples))
        requests = [
            self._request(cut.segment, piece.text, way, replicate)
            for cut in cuts
            for replicate in replicates
            for piece in cut.pieces
            if not piece.fixed
        ]
        completions = iter(self.complete(requests))
        return [[self._answer(cut, completions) for _ in replicates] for cut in cuts]

    def _cut(self, segment: Segment, around: bool) -> _Cut:
        protected = mask(segment, self.prompter.style)
        language = self.prompter.source
        if protected.spans and (around or not self.copies_sentinels):
            stretches = tuple(_Piece(text, fixed) for text, fixed in split_around(protected))
            return _Cut(segment, tuple(_bounded(stretches, lambda text: pieces_of(text, language))), None)
        pieces = pieces_of(protected.text, language)
        return _Cut(segment, tuple(_Piece(text, fixed=not any(map(str.isalnum, text))) for text in pieces), protected)

    def _request(self, segment: Segment, text: str, way: Way, replicate: int) -> Request:
        return self.prompter.request(
            text.strip(), segment.kind, segment.context, way.alternative, way.temperature, replicate
        )

    def _answer(self, cut: _Cut, completions: Iterator[Completion]) -> Answer:
        text, failure, logprob = "", None, _Mean()
        for piece in cut.pieces:
            if piece.fixed:
                text += piece.text
                continue
            completion = next(completions)
            failure = failure or _failure(completion, piece.text)
            logprob.add(completion)
            text += blanks_as_in(piece.text, self.prompter.answer(completion.text, piece.text))
        if failure is not None:
            return Failure(failure.reason, failure.detail, text)
        restored = text if cut.protected is None else restore(text, cut.protected)
        if restored is None:
            assert cut.protected is not None
            wanted = ", ".join(cut.protected.spans) or "no sentinel"
            return Failure("span-lost", f"wanted once each {wanted:.80} in: {text:.120}", text)
        return Translated(restored, self.label, logprob=logprob.value)


class _Mean:
    """The mean log-probability per token over several completions; none if one of them has none."""

    def __init__(self) -> None:
        self.total, self.tokens, self.known = 0.0, 0, True

    def add(self, completion: Completion) -> None:
        if completion.logprob is None:
            self.known = False
        else:
            tokens = max(1, completion.completion_tokens)
            self.total, self.tokens = self.total + completion.logprob * tokens, self.tokens + tokens

    @property
    def value(self) -> float | None:
        return round(self.total / self.tokens, 6) if self.known and self.tokens else None


def _bounded(stretches: Sequence[_Piece], cut: Callable[[str], list[str]]) -> Iterator[_Piece]:
    for stretch in stretches:
        if stretch.fixed or not any(map(str.isalpha, stretch.text)):
            yield _Piece(stretch.text, True)
        else:
            yield from map(_Piece, cut(stretch.text))


def _failure(completion: Completion, asked: str) -> Failure | None:
    if completion.finish_reason != "stop":
        reason = {"length": "truncated", "refused": "engine-refused"}.get(completion.finish_reason, "engine-error")
        return Failure(reason, completion.error or f"ends with: {completion.text[-80:]}")
    return None if completion.text.strip() else Failure("empty", f"nothing for: {asked:.80}")


def blanks_as_in(piece: str, translation: str) -> str:
    """Put the blanks around a translation that stood around its source."""
    left, right = len(piece) - len(piece.lstrip()), len(piece.rstrip())
    return piece[:left] + translation.strip() + piece[max(left, right) :]
