"""The step kind "judge": judges compare every model's answers to a benchmark's questions with the baseline's, and rate them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from eval.judge.cases import Answers, cases_of
from eval.judge.gate import Gate
from eval.judge.judging import JUDGEMENTS, judge
from eval.judge.trial import Trial
from eval.response_language.options import step_identifier
from eval.responses import read_answers, read_rows, responses_file
from eval.thinking import strip_thinking
from kielo.generation.engines import open_generator
from kielo.generation.protocol import Generator
from kielo.languages.pack import language
from kielo.plan import Outcome, Workplace
from kielo.records import Question, QuestionResponse
from kielo.run_folder import SCORES
from kielo.schema import Engine


def run(place: Workplace) -> Outcome:
    """Make judgements.jsonl and scores.json."""
    settings = place.step.settings["eval"]["judge"]
    trial = _trial(place, settings)
    document = judge(trial, _judges(place), place.folder)
    return Outcome((JUDGEMENTS, SCORES), _counts(document))


def _trial(place: Workplace, settings: Mapping[str, Any]) -> Trial:
    rows_step = place.step.inputs[0]
    questions = [row for row in read_rows("questions", place.inputs[rows_step]) if isinstance(row, Question)]
    name = f"{settings['benchmark']}-{settings['language']}"
    return Trial(
        settings["benchmark"], cases_of(questions),
        {model: _answers(place, model, name, settings["strip_thinking"]) for model in settings["models"]},
        settings["baseline"], _gate(place, settings), settings["modes"], settings["max_tokens"],
    )  # fmt: skip


def _gate(place: Workplace, settings: Mapping[str, Any]) -> Gate:
    target, source = settings["language"], settings["source_language"]
    fallen_back = language(source) if source != target else None
    return Gate(settings["gate"], language(target), fallen_back, step_identifier(place.recipe, settings))


def _answers(place: Workplace, model: str, benchmark: str, without_thoughts: bool) -> Answers:
    read = read_answers(place.inputs[f"responses/{model}"] / responses_file(benchmark))
    return {
        each.key: tuple(strip_thinking(text) if without_thoughts else text for text in each.responses)
        for each in read
        if isinstance(each, QuestionResponse)
    }


def _judges(place: Workplace) -> dict[str, Callable[[], AbstractContextManager[Generator]]]:
    asked = place.recipe.eval.judge
    assert asked is not None
    logs = place.folder / "logs"

    def opener(engine: Engine) -> Callable[[], AbstractContextManager[Generator]]:
        assert engine.model is not None
        return partial(open_generator, engine, place.recipe.named_model(engine.model), None, logs)

    names = judge_names([str(engine.served_model or engine.model) for engine in asked.engines])
    return dict(zip(names, map(opener, asked.engines), strict=True))


def judge_names(written: Sequence[str]) -> list[str]:
    """Name judges as the recipe does; a second one of the same name gets a number."""
    return [
        name if written.index(name) == place else f"{name} #{written[: place + 1].count(name)}"
        for place, name in enumerate(written)
    ]


def _counts(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("n", "wins", "losses", "ties", "errors", "missing", "excluded", "rated")
    return {
        model: {mode: {name: found[mode][name] for name in kept if name in found[mode]} for mode in document["modes"] if mode in found}
        for model, found in document["models"].items()
    }  # fmt: skip
