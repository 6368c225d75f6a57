"""The step kind "ifeval-scores": a model's answers to IFEval prompts in one language are scored into scores.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.ifeval.registry import RESPONSE_LANGUAGE
from eval.ifeval.rows import Answer
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import Scores, score, to_document
from eval.response_language import response_language
from eval.responses import finish_reasons, read_answers, read_rows, responses_file
from kielo.languages import Language, language
from kielo.plan import Outcome, Workplace
from kielo.records import Prompt, Response, write_json

SCORES = "scores.json"
CONSTANT_REPLY = "lol"


def run(place: Workplace) -> Outcome:
    """Make scores.json."""
    settings = place.step.settings["eval"]
    answers_step, prompts_step = place.step.inputs
    prompts = [row for row in read_rows("ifeval", place.inputs[prompts_step]) if isinstance(row, Prompt)]
    file = place.inputs[answers_step] / responses_file(f"{settings['benchmark']}-{settings['language']}")
    responses = [answer for answer in read_answers(file) if isinstance(answer, Response)]
    document = {
        "model": answers_step.partition("/")[2], "benchmark": settings["benchmark"],
        **score_responses(prompts, responses, language(settings["language"]), "compat", settings["sentences"]),
    }  # fmt: skip
    write_json(place.folder / SCORES, document)
    return Outcome((SCORES,), _counts(document))


def score_responses(
    prompts: Sequence[Prompt], responses: Sequence[Response], pack: Language, mode: str, sentences: str
) -> dict[str, Any]:
    """Score answers: IFEval verdicts and totals, the language of the answers, how they ended, and the score of no model."""
    rules = LanguageRules.from_pack(pack.code, pack.ifeval)

    def scored(texts: Sequence[str]) -> Scores:
        return score(
            prompts,
            [Answer(p.text, text, p.key) for p, text in zip(prompts, texts, strict=True)],
            rules,
            mode,
            sentences,
        )

    texts = [response.response for response in responses]
    document = to_document(scored(texts))
    return {
        **document,
        "floor": {
            "constant": _floor(scored([CONSTANT_REPLY] * len(prompts)), CONSTANT_REPLY),
            "echo": _floor(scored([prompt.text for prompt in prompts]), "the prompt itself"),
        },
        "response_language": count_languages(prompts, texts, pack),
        "finish_reasons": finish_reasons(responses),
    }  # fmt: skip


def _floor(scores: Scores, reply: str) -> dict[str, Any]:
    """Give what a reply without any model scores: some instructions are followed by nearly everything."""
    subset = scores.paper_subset
    return {"reply": reply, "inst_strict": subset.inst_strict, "instructions": subset.instructions}


def count_languages(prompts: Sequence[Prompt], texts: Sequence[str], pack: Language) -> dict[str, Any] | None:
    """Count the languages of the answers to prompts that ask for none (510 of IFEval's 541, as in the paper).

    None where langdetect does not know the language: a share would be false.
    """
    if pack.langdetect is None:
        return None
    free = {
        prompt.key: text
        for prompt, text in zip(prompts, texts, strict=True)
        if RESPONSE_LANGUAGE not in prompt.instruction_ids
    }
    found = response_language(free.values(), pack.code, pack.langdetect)
    return {
        "target": pack.code, "asked": pack.langdetect, "in_target": found.in_asked, "total": found.texts,
        "by_code": dict(found.counts), "by_prompt": dict(zip(map(str, free), found.detected, strict=True)),
    }  # fmt: skip


def _counts(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("totals", "paper_subset", "finish_reasons", "response_language")
    return {name: document[name] for name in kept}
