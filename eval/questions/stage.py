"""The step kind "question-scores": what can be measured of a model's answers to open questions without a judge, into scores.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.questions.summary import by_category, summary
from eval.questions.turns import Asked, measured_turns
from eval.response_language import language_document
from eval.response_language.options import step_identifier
from eval.responses import finish_reasons, read_answers, responses_file
from eval.thinking import strip_thinking
from kielo.errors import SourceError
from kielo.languages.pack import language
from kielo.plan import Outcome, Workplace
from kielo.records import QuestionResponse, write_json
from kielo.run_folder import SCORES


def run(place: Workplace) -> Outcome:
    """Make scores.json."""
    settings = place.step.settings["eval"]
    answers_step = place.step.inputs[0]
    file = place.inputs[answers_step] / responses_file(f"{settings['benchmark']}-{settings['language']}")
    answers = [answer for answer in read_answers(file) if isinstance(answer, QuestionResponse)]
    if not answers:
        raise SourceError(f"{file}: holds no answers to questions; make {answers_step} again.")
    asked = Asked(language(settings["language"]), _other(settings), step_identifier(place.recipe, settings))
    scores = score_answers(answers, asked, settings["strip_thinking"])
    document = {"model": answers_step.partition("/")[2], "benchmark": settings["benchmark"], **scores}
    write_json(place.folder / SCORES, document)
    kept = ("answers", "in_language", "repetition", "lengths", "finish_reasons")
    return Outcome((SCORES,), {name: document[name] for name in kept})


def score_answers(answers: Sequence[QuestionResponse], asked: Asked, without_thoughts: bool) -> dict[str, Any]:
    """Measure every answer, and add the measures up."""
    texts = {
        answer.key: [strip_thinking(text) if without_thoughts else text for text in answer.responses]
        for answer in answers
    }
    by_turn = {f"{key}/{turn}": text for key, said in texts.items() for turn, text in enumerate(said, 1)}
    spoken = language_document(by_turn, asked.target, asked.source, asked.identifier)
    questions = [_question(answer, texts[answer.key], asked, spoken) for answer in answers]
    return {
        "language": asked.target.code, **summary(questions), "response_language": spoken,
        "by_category": by_category(questions), "finish_reasons": finish_reasons(answers), "questions": questions,
    }  # fmt: skip


def _question(
    answer: QuestionResponse, texts: Sequence[str], asked: Asked, spoken: dict[str, Any] | None
) -> dict[str, Any]:
    verdicts = [spoken and spoken["by_prompt"][f"{answer.key}/{turn}"]["lines"] for turn in range(1, len(texts) + 1)]
    measured = measured_turns(answer, texts, asked)
    turns = [{"language": verdict, **measures} for verdict, measures in zip(verdicts, measured, strict=True)]
    return {"key": answer.key, "category": answer.category, "turns": turns}


def _other(settings: dict[str, Any]) -> Any:
    """Give the language that a model may fall back to: the recipe's source language, where it is not the asked one."""
    return None if settings["source_language"] == settings["language"] else language(settings["source_language"])
