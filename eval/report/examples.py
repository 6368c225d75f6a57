"""A few prompts with the answers of two models side by side, chosen by their place and not by what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.report.collect import Run, short
from eval.report.document import Example, Verdict, Verdicts
from eval.report.scored import Evaluation
from eval.responses import read_answers
from kielo.records import Response

SHOWN, LONGEST = 3, 600


def examples(run: Run, models: Sequence[str], code: str) -> tuple[Example, ...]:
    """Show the first, the middle and the last of the prompts that all of `models` were asked in a language."""
    found = [one for model in models if (one := run.evaluation(model, code)) and one.responses.is_file()]
    files = [(one, _responses(one)) for one in found]
    shared = [key for key in (files[0][1] if files else {}) if all(key in answers for _, answers in files)]
    picked = dict.fromkeys(
        shared[round(place * (len(shared) - 1) / (SHOWN - 1))] for place in range(SHOWN if shared else 0)
    )
    return tuple(_example(key, files) for key in picked)


def _responses(one: Evaluation) -> dict[int, Response]:
    counted = {prompt.key for prompt in one.scores.counted}
    rows = (row for row in read_answers(one.responses) if isinstance(row, Response))
    return {row.key: row for row in rows if row.key in counted and row.key is not None}


def _example(key: int, files: Sequence[tuple[Evaluation, Mapping[int, Response]]]) -> Example:
    first = files[0][1][key]
    return Example(first.id, first.prompt, tuple(_verdicts(one, answers[key]) for one, answers in files))


def _verdicts(one: Evaluation, answer: Response) -> Verdicts:
    scored = next(prompt for prompt in one.scores.counted if prompt.key == answer.key)
    passed = zip(scored.instruction_id_list, scored.compat.strict, scored.fair.strict, strict=True)
    return Verdicts(
        short(one.model), answer.response[:LONGEST], max(0, len(answer.response) - LONGEST),
        tuple(Verdict(*each) for each in passed),
    )  # fmt: skip
