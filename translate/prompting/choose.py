"""Chooses a model's prompt: as the recipe says, or, for `format: auto`, the one that translates held-out shots best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from kielo.errors import MissingExtraError, RecipeError
from kielo.languages.pack import Shot
from kielo.schema import FewShot
from translate.checks import Direction
from translate.prompting.prompter import Format, Prompter
from translate.prompting.shots import in_turn
from translate.prompting.trial import Complete, try_out

BASE_FORMATS: tuple[Format, ...] = ("names", "tags")
EVERY = 3
"""One shot in three is held out of the prompts that are tried on it."""
MOST_TRIALS = 16


def choose_prompt(
    prompt: FewShot,
    shots: Sequence[Shot],
    direction: Direction,
    max_tokens_ratio: float,
    complete: Complete,
    formats: Sequence[Format] = BASE_FORMATS,
) -> tuple[Prompter, dict[str, Any]]:
    """Make the prompter of a model, with a table for the record; `formats` are those that `auto` tries (chat: if it can).

    Every format is tried with the shots asked for and with half as many, greedily and in one batch; the first of the
    highest chrF wins. The winner then shows the whole pool.

    Raises:
        RecipeError: `auto`, and too few shots to hold some out.
        MissingExtraError: `auto`, and sacrebleu is not installed.
        GenerationError: the engine left a trial without an answer.
    """
    pool = tuple(shots)

    def prompter(form: Format, count: int) -> Prompter:
        return Prompter(form, pool, count, direction.source, direction.target, max_tokens_ratio)

    if prompt.format != "auto":
        return prompter(prompt.format, prompt.shots), {"format": prompt.format, "shots": prompt.shots}
    counts = sorted({prompt.shots, max(1, prompt.shots // 2)}, reverse=True)
    candidates = [prompter(form, count) for form, count in product(formats, counts)]
    table = _table(candidates, held_out(pool), complete)
    best = max(range(len(candidates)), key=lambda place: (table[place]["chrf"], -place))
    winner = candidates[best]
    return winner, {"format": winner.form, "shots": winner.count, "tried": table}


def held_out(pool: Sequence[Shot]) -> tuple[Shot, ...]:
    """Take the shots that prompts are tried on: every third, kinds in turn.

    Raises:
        RecipeError: the pool is so small that nothing is left to try on.
    """
    trials = in_turn(pool)[EVERY - 1 :: EVERY][:MOST_TRIALS]
    if not trials:
        raise RecipeError(
            f"prompt format auto tries prompts on held-out shots and there are only {len(pool)}; write more, or name a format."
        )
    return trials


def _table(candidates: Sequence[Prompter], trials: Sequence[Shot], complete: Complete) -> list[dict[str, Any]]:
    try:
        from sacrebleu.metrics import CHRF
    except ImportError as error:
        raise MissingExtraError(
            "prompt format auto needs sacrebleu: pip install -e '.[eval]', or name a format."
        ) from error
    masked = [[prompter.masked(shot) for shot in trials] for prompter in candidates]
    answers = try_out(
        [
            (prompter.without(trials), [shot.source for shot in texts])
            for prompter, texts in zip(candidates, masked, strict=True)
        ],
        complete,
    )
    return [
        {
            "format": prompter.form, "shots": prompter.count, "trials": len(trials),
            "chrf": round(CHRF().corpus_score(list(given), [[shot.target for shot in texts]]).score, 2),
            "exact": sum(text == shot.target for text, shot in zip(given, texts, strict=True)),
        }
        for prompter, texts, given in zip(candidates, masked, answers, strict=True)
    ]  # fmt: skip
