"""All questions that a probe puts to a model, in turn, and what it found; completions are kept, so an interrupted probe goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.generation.spent import GENERATION
from kielo.plan import Step, Workplace
from kielo.records import Record, read_json, write_jsonl
from kielo.schema import Engine, Recipe
from translate.checks import Direction
from translate.checks.identification import Identifier
from translate.engines import Hand, open_hands
from translate.probe.drift import drift
from translate.probe.fertility import Fertility, fertility, measure_tokenizer, refuse_other_tokenizer
from translate.probe.knowledge import knowledge
from translate.probe.lengths import Longest, measure_lengths
from translate.probe.measures import Measure
from translate.probe.sample import Sample
from translate.probe.setting import Model
from translate.probe.translating import quality, sentinels, stopping, translate_sample

SHOTS = "shots.jsonl"
_STEP = "probe"


@dataclass(frozen=True)
class Findings:
    """Everything that a probe found."""

    measures: tuple[Measure, ...]
    fertilities: Mapping[str, Fertility]
    """By language."""
    prompt: Mapping[str, Any]
    """The format and number of shots that translated best, and all that were tried."""
    scores: Mapping[str, float]
    thirds: Sequence[float | None]
    """Shares in the target language, by thirds of the translations."""
    bits_per_byte: float | None
    """Of the language's texts; None where the engine does not tell."""
    longest: Longest
    tokens_per_second: float | None
    """Made, or judged as given text, over all of the engine's time in this folder; None where nothing was generated here."""


@dataclass(frozen=True)
class Question:
    """What is asked of a model, and by which means."""

    model: Model
    recipe: Recipe
    engine: Engine
    direction: Direction
    sample: Sample
    records: Sequence[Record]
    identifier: Identifier | None
    identifier_said: str


def ask(question: Question, folder: Path) -> Findings:
    """Measure everything, the cheap first.

    Raises:
        GenerationError: the engine cannot be reached or gave up; the same command goes on from there.
        RecipeError: the tokenizer is another model's.
        MissingExtraError: a package is not installed.
    """
    pairs, tokenizer, direction = question.sample.pairs, question.model.tokenizer, question.direction
    texts = {
        direction.source.code: [pair.source for pair in pairs],
        direction.target.code: [pair.target for pair in pairs],
    }
    refuse_other_tokenizer(question.model, [text for each in texts.values() for text in each])
    tokens = measure_tokenizer(tokenizer, pairs)
    price = tokens[0].value or 1.0
    place = _place(question, folder)
    with open_hands(place, [question.engine], direction) as [hand]:
        prompter = hand.language_model.prompter
        lengths, longest = measure_lengths(
            question.model, prompter, question.recipe, question.records, texts[direction.source.code], price
        )
        asked, scores, thirds = _asked(question, hand)
        known, bits = knowledge(hand, pairs)
        prompt = hand.choices["prompt"]
        copied = sentinels(hand.choices)
    return Findings(
        (*tokens, known, copied, *asked, *lengths),
        {code: fertility(tokenizer, each) for code, each in texts.items()},
        prompt, scores, thirds, bits, longest, _speed(place.folder),
    )  # fmt: skip


def _asked(question: Question, hand: Hand) -> tuple[list[Measure], dict[str, float], list[float | None]]:
    pairs = question.sample.pairs
    translated = translate_sample(hand, pairs)
    good, scores = quality(pairs, translated.answers)
    language, thirds = drift(pairs, translated.answers, question.identifier, question.identifier_said)
    return [*good, *language, *stopping(pairs, translated)], scores, thirds


def _place(question: Question, folder: Path) -> Workplace:
    """Make the workplace of a translate step whose shots are the sample's."""
    place = folder / _STEP
    shots = question.sample.shots
    write_jsonl(place / SHOTS, (shot.model_dump() for shot in shots))
    translate = question.recipe.translate
    count = min(translate.prompt.shots, len(shots))
    prompt = translate.prompt.model_copy(update={"shots_file": str((place / SHOTS).absolute()), "shots": count})
    recipe = question.recipe.model_copy(update={"translate": translate.model_copy(update={"prompt": prompt})})
    return Workplace(Step(_STEP, "translate", {}, accelerator=True), recipe, place, {})


def _speed(folder: Path) -> float | None:
    spent = read_json(folder / GENERATION)
    return spent["completion_tokens"] / spent["seconds"] if spent and spent["seconds"] else None
