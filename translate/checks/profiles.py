"""The profiles of checks by name: which checks are asked, and from which sum of evidence a translation is rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from translate.checks import (
    answered,
    code,
    copying,
    encoding,
    endings,
    leaks,
    numbers,
    paper,
    phrases,
    repetition,
    spans,
    structure,
)
from translate.checks.findings import Evidence
from translate.checks.views import Pair

Check = Callable[[Pair], Iterator[Evidence]]

PLAIN: tuple[Check, ...] = (
    copying.empty, repetition.repetition, encoding.mojibake, encoding.script, numbers.numbers,
    spans.spans, structure.structure, code.code, answered.question_lost, endings.truncated,
    leaks.prompt_leak, leaks.preamble, leaks.wrapped, phrases.assistant_talk,
)  # fmt: skip
"""The checks that look at the pair alone. After `empty` found something, nothing else is asked."""


@dataclass(frozen=True)
class Profile:
    """What is asked and when it is enough."""

    name: str
    checks: tuple[Check, ...]
    calibrated: bool = True
    """Whether what is usual in the run counts: lengths, log-probabilities, the words that go together."""
    language: bool = True
    reject_from: float = 1.0
    """Sum of the evidence's weights from which on a translation is rejected."""


PROFILES: Mapping[str, Profile] = {
    "default": Profile("default", PLAIN),
    "strict": Profile("strict", PLAIN, reject_from=0.5),
    "paper": Profile("paper", (paper.more_words, paper.other_characters, paper.compression), calibrated=False, language=False),
}  # fmt: skip
