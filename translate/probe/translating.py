"""How well a model translates a development sample few-shot: chrF over its floors, whether it stops, and which sentinels it copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kielo.errors import MissingExtraError
from kielo.generation.protocol import Completion
from kielo.languages.pack import Shot
from translate.engines import Hand
from translate.probe.measures import DRAWS, Measure, share

OVERLONG = 2
"""How many times its reference's characters a translation may have; longer ones are answers, comments or repetitions."""


@dataclass(frozen=True)
class Translated:
    """A model's translations of the sample, with the completions they were read from."""

    answers: tuple[str, ...]
    completions: tuple[Completion, ...]


def translate_sample(hand: Hand, pairs: Sequence[Shot]) -> Translated:
    """Translate the sample as the translate stage would ask, greedily; what the engine refuses is an empty answer.

    Raises:
        GenerationError: some got no answer; the same command asks only for these.
    """
    prompter = hand.language_model.prompter
    made = hand.complete([prompter.request(pair.source) for pair in pairs])
    answers = [prompter.answer(each.text, pair.source) for each, pair in zip(made, pairs, strict=True)]
    return Translated(tuple(answers), tuple(made))


def quality(pairs: Sequence[Shot], answers: Sequence[str]) -> tuple[list[Measure], dict[str, float]]:
    """Score translations by chrF (Popovic 2015) with a bootstrap interval, beside chrF++ and what needs no model.

    Raises:
        MissingExtraError: sacrebleu is not installed.
    """
    try:
        from sacrebleu.metrics import CHRF
    except ImportError as error:
        raise MissingExtraError("probe needs sacrebleu: pip install -e '.[eval]'.") from error
    references = [[pair.target for pair in pairs]]
    found: Any = CHRF().corpus_score(list(answers), references, n_bootstrap=DRAWS)
    value, middle, half = float(found.score), float(found._mean), float(found._ci)
    low, high = middle - half, middle + half
    copied: float = CHRF().corpus_score([pair.source for pair in pairs], references).score
    empty: float = CHRF().corpus_score(["" for _ in pairs], references).score
    floor = max(copied, empty)
    plus: float = CHRF(word_order=2).corpus_score(list(answers), references).score
    scores = {"chrf": value, "chrf++": plus, "chrf of a copy of the source": copied, "chrf of empty answers": empty}
    return [
        Measure("chrf", value, low, high, f"{len(pairs)} sentences; chrF++ {plus:.1f}"),
        Measure("chrf_over_floor", value - floor, low - floor, high - floor, f"a copy has {copied:.1f}, an empty answer {empty:.1f}"),
    ], {name: round(score, 2) for name, score in scores.items()}  # fmt: skip


def stopping(pairs: Sequence[Shot], translated: Translated) -> list[Measure]:
    """Measure whether answers end by themselves, and whether they say more than was asked for; what the engine refused is none."""
    every = [made.finish_reason for made in translated.completions]
    reasons = [reason for reason in every if reason != "refused"]
    truncated, refused = reasons.count("length"), len(every) - len(reasons)
    long = sum(len(text) > OVERLONG * len(pair.target) for text, pair in zip(translated.answers, pairs, strict=True))
    said = f"{truncated} truncated" + (f", {refused} refused by the engine" if refused else "")
    return [share("stopped", reasons.count("stop"), len(reasons), said), share("overlong", long, len(pairs))]


def sentinels(choices: dict[str, Any]) -> Measure:
    """Read from the record of the translate stage's own trial which style of sentinels comes back whole, and how often."""
    tried = choices["sentinels"]
    styles = ", ".join(f"{name} {count}" for name, count in tried["whole"].items())
    return share("sentinels", max(tried["whole"].values(), default=0), tried["probes"], styles)
