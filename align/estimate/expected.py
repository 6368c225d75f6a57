"""How much a training will read of data that are not made yet: from the rows that the recipe expects, and a usual row's length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from align.mix import share_of
from kielo.mixes import Taken, expand_mixes
from kielo.plan import Step
from kielo.plan.steps import rows_step
from kielo.schema import Recipe

LETTERS = {"sft": 1700, "dpo": 4400}
"""Of a conversation, and of both sides of a pair: what is known of a data set that nobody has read yet.

Measured: the best threads of OASST1's validation trees have 1,700 letters in English, 1,750 in Finnish; pairs of its ranked
answers 2,000, 300 pairs of LLaMA-Factory's demo 6,700, in the middle 4,400.
"""


def expected_rows(recipe: Recipe, tokens: Step, plan: Sequence[Step]) -> Counter[str] | None:
    """Count the rows of each language that a tokens step will read; None where the recipe does not say enough."""
    held = _rows_held(recipe, plan)
    if "sft" in tokens.settings:
        (mix,) = (name.partition("/")[2] for name in tokens.inputs if name.startswith("mix/"))
        parts = [_taken(part, held) for part in expand_mixes(recipe)[mix]]
    else:
        settings = tokens.settings["dpo"]
        wanted = [(name, code) for name, codes in settings["data"].items() for code in codes]
        parts = [_pairs(held.get(pair), pair[1], 1 + settings["language_pairs"]) for pair in wanted]
    total: Counter[str] = Counter()
    for part in parts:
        if part is None:
            return None
        total.update(part)
    return total


def _rows_held(recipe: Recipe, plan: Sequence[Step]) -> dict[tuple[str, str], int]:
    """Look up what is expected of (data set, language); a plan with --limit reads no more than that of a data set."""
    limits = {step.name: step.settings["limit"] for step in plan if step.kind == "source"}
    return {
        (name, code): min(rows, limits[rows_step(recipe, name, recipe.source_language)] or rows)
        for name, dataset in recipe.translate.datasets.items()
        for code, rows in dataset.expected.items()
    }


def _taken(part: Taken, held: Mapping[tuple[str, str], int]) -> Counter[str] | None:
    found = Counter(part.rows)
    for code in (code for code in part.languages if code not in part.rows):
        available = [held.get((dataset, code)) for dataset in part.datasets]
        if None in available:
            return None
        found[code] = share_of(part.shares[code], sum(rows for rows in available if rows))
    return found


def _pairs(rows: int | None, code: str, times: float) -> Counter[str] | None:
    return None if rows is None else Counter({code: round(rows * times)})
