"""Turns segments into requests of one model and completions into translations: format, shots and sentinels all in one place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from kielo.generation.protocol import Request, Sampling
from kielo.languages.pack import Language, Shot
from translate.answers import Kind
from translate.prompting.formats import CHAT_LABELS, WORDINGS, answer_of, messages, names_of, text_prefix, text_question
from translate.prompting.shots import Bucket, bucket_of, chosen, openings_of, ranked
from translate.protect import BRACKETS, Style, protect, restore

Format = Literal["names", "tags", "chat"]
CHARACTERS_PER_TOKEN = 3
FEWEST_TOKENS = 48


@dataclass(frozen=True)
class Prompter:
    """How one model is asked to translate: a format, `count` shots of a pool, and how sentinels are written."""

    form: Format
    shots: tuple[Shot, ...]
    count: int
    source: Language
    target: Language
    max_tokens_ratio: float
    style: Style = BRACKETS

    def request(
        self,
        text: str,
        kind: Kind = "text",
        context: str = "",
        alternative: int = 0,
        temperature: float = 0.0,
        replicate: int = 0,
    ) -> Request:
        """Ask for the translation of a text whose spans are behind sentinels of the prompter's style.

        `alternative` 1, 2, ... takes other shots; `context` stands behind the shots, so that prefixes are shared with it, too.
        """
        prefix, shots = self._shown(bucket_of(text, kind, self._openings, self._has_sentinels), alternative)
        tokens = max(FEWEST_TOKENS, math.ceil(self.max_tokens_ratio * len(text) / CHARACTERS_PER_TOKEN))
        if self.form == "chat":
            turns = messages(shots, text, context, self._names, self._sentinel)
            return Request(turns, Sampling(tokens, temperature), replicate, logprob=True)
        prompt = prefix + text_question(self.form, text, context, self._names)
        sampling = Sampling(tokens, temperature, stop=WORDINGS[self.form].stop)
        return Request(prompt, sampling, replicate, len(prefix), logprob=True)

    def answer(self, completion: str, source: str) -> str:
        """Read the translation of a source text out of a completion."""
        return answer_of(completion, source, self._labels)

    def masked(self, shot: Shot) -> Shot:
        """Put a shot's protected spans behind sentinels, in both languages; one whose sides hold different spans stays."""
        before, after = protect(shot.source, (), self.style), protect(shot.target, (), self.style)
        if sorted(before.spans) != sorted(after.spans):
            return shot
        numbers = _matched(before.spans, after.spans)
        target = restore(after.text, replace(after, spans=tuple(self.style.sentinel(number) for number in numbers)))
        return shot.model_copy(update={"source": before.text, "target": target or after.text})

    def without(self, shots: Sequence[Shot]) -> Prompter:
        """Make the same prompter, with some shots held out of its pool."""
        return replace(self, shots=tuple(shot for shot in self.shots if shot not in shots))

    @cached_property
    def _names(self) -> dict[str, str]:
        return names_of(self.source, self.target)

    @cached_property
    def _labels(self) -> tuple[str, ...]:
        labels = CHAT_LABELS if self.form == "chat" else WORDINGS[self.form].labels
        return tuple(label.format(**self._names) for label in labels)

    @cached_property
    def _openings(self) -> frozenset[str]:
        return openings_of(self.shots)

    @cached_property
    def _sentinel(self) -> str:
        return self.style.sentinel(1)

    @cached_property
    def _prefixes(self) -> dict[tuple[Bucket, int], tuple[str, tuple[Shot, ...]]]:
        return {}

    def _shown(self, bucket: Bucket, alternative: int) -> tuple[str, tuple[Shot, ...]]:
        """Give what all prompts of a bucket begin with, as text (of a text format) and as shots."""
        if (bucket, alternative) not in self._prefixes:
            shots = tuple(map(self.masked, chosen(ranked(self.shots, bucket), self.count, alternative)))
            prefix = "" if self.form == "chat" else text_prefix(self.form, shots, self._names)
            self._prefixes[bucket, alternative] = prefix, shots
        return self._prefixes[bucket, alternative]

    def _has_sentinels(self, text: str) -> bool:
        return self.style.may_stand_in(text) and self.style.found.search(text) is not None


def _matched(before: Sequence[str], after: Sequence[str]) -> list[int]:
    """Number the spans of a translation as its source has them; equal ones in their order."""
    places: dict[str, list[int]] = {}
    for number, span in reversed(list(enumerate(before, 1))):
        places.setdefault(span, []).append(number)
    return [places[span].pop() for span in after]
