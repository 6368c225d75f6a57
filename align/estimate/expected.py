"""How much a training will read of data that are not made yet: from the rows that the recipe expects, and a usual row's length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from align.mix import share_of
from kielo.plan import Step
from kielo.plan.alignment import source_rows
from kielo.plan.selection import answer_languages
from kielo.recipe.mixes import Selection, Taken, expand_mixes, selections
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
        taken, selection = expand_mixes(recipe)[mix], selections(recipe).get(mix)
        chosen = _selected(selection, taken, held) if selection else {}
        parts = [_taken(part, {**held, **chosen}) for part in taken]
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
        (name, code): min(rows, limits[source_rows(recipe, name)] or rows)
        for name in recipe.translate.datasets
        for code, rows in _expected(recipe, name).items()
    }


def _expected(recipe: Recipe, name: str) -> Mapping[str, int]:
    """Give what the recipe expects of a data set; of answers made anew, where it says nothing, one to every prompt."""
    dataset = recipe.translate.datasets[name]
    if dataset.prompts_of is None or dataset.expected:
        return dataset.expected
    prompts = recipe.translate.datasets[dataset.prompts_of].expected
    return {code: prompts[code] for code in answer_languages(recipe, dataset) if code in prompts}


def _selected(
    selection: Selection, taken: Sequence[Taken], held: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], int | None]:
    """Share the rows of a selection out: by its budgets, else as the rows lie that they are chosen from; None is unknown."""
    pools = [(dataset, code) for part in taken for code in part.languages for dataset in part.datasets]
    pools = [pool for pool in dict.fromkeys(pools) if pool[1] in selection.languages]
    found: dict[tuple[str, str], int | None] = {}
    for among, size in _budgets(selection, pools):
        rows = [held.get(pool) for pool in among]
        total = sum(each or 0 for each in rows)
        if len(among) == 1:
            found[among[0]] = size
        else:
            known = None not in rows and total
            found |= {pool: round(size * (held[pool] / total)) if known else None for pool in among}
    return found


def _budgets(selection: Selection, pools: Sequence[tuple[str, str]]) -> Iterator[tuple[list[tuple[str, str]], int]]:
    """Yield (data set, language)s with the rows that are selected of them together."""
    if not selection.budgets:
        yield list(pools), selection.size
    for code, size in selection.budgets.items():
        yield [pool for pool in pools if pool[1] == code], size


def _taken(part: Taken, held: Mapping[tuple[str, str], int | None]) -> Counter[str] | None:
    found = Counter(part.rows)
    for code in (code for code in part.languages if code not in part.rows):
        available = [held.get((dataset, code)) for dataset in part.datasets]
        if None in available:
            return None
        found[code] = share_of(part.shares[code], sum(rows for rows in available if rows))
    return found


def _pairs(rows: int | None, code: str, times: float) -> Counter[str] | None:
    return None if rows is None else Counter({code: round(rows * times)})
