"""The step kind "ifeval-scores": a model's answers to IFEval prompts in one language are scored into scores.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.ifeval.document import score_document
from eval.ifeval.rows import Answer
from eval.response_language import Identifier
from eval.response_language.options import step_identifier
from eval.responses import finish_reasons, read_answers, read_rows, responses_file
from eval.thinking import strip_thinking
from kielo.languages.pack import Language, language
from kielo.plan import Outcome, Workplace
from kielo.records import Prompt, Response, write_json
from kielo.run_folder import SCORES


def run(place: Workplace) -> Outcome:
    """Make scores.json."""
    settings = place.step.settings["eval"]
    answers_step, prompts_step = place.step.inputs
    prompts = [row for row in read_rows("ifeval", place.inputs[prompts_step]) if isinstance(row, Prompt)]
    file = place.inputs[answers_step] / responses_file(f"{settings['benchmark']}-{settings['language']}")
    responses = [answer for answer in read_answers(file) if isinstance(answer, Response)]
    document = {
        "model": answers_step.partition("/")[2], "benchmark": settings["benchmark"],
        **score_responses(
            prompts, responses, language(settings["language"]), language(settings["source_language"]),
            settings["sentences"], settings["strip_thinking"], step_identifier(place.recipe, settings),
        ),
    }  # fmt: skip
    write_json(place.folder / SCORES, document)
    return Outcome((SCORES,), _counts(document))


def score_responses(
    prompts: Sequence[Prompt],
    responses: Sequence[Response],
    pack: Language,
    source: Language | None = None,
    sentences: str | None = None,
    without_thoughts: bool = False,
    identifier: Identifier | None = None,
) -> dict[str, Any]:
    """Score a model's answers in both modes, and count how they ended.

    Raises:
        SourceError: a prompt is malformed, or no answer belongs to any prompt.
    """
    answers = [
        Answer(row.prompt, strip_thinking(row.response) if without_thoughts else row.response, row.key)
        for row in responses
    ]
    document = score_document(prompts, answers, pack, source, sentences, identifier)
    return {**document, "finish_reasons": finish_reasons(responses)}


def _counts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what the step's record says of the scores: no verdict of a single prompt."""
    spoken = document["response_language"]
    return {
        **{mode: {part: of[part] for part in ("totals", "paper_subset")} for mode, of in document["modes"].items()},
        "normalised": document["normalised"],
        "response_language": spoken and {name: spoken[name] for name in ("total", "langdetect", "folded", "lines")},
        "finish_reasons": document["finish_reasons"],
    }
