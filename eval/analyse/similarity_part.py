"""The part of an analysis on similarity: how alike the models answer the prompts that they share, as a table and a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eval.analyse.answers import Answers
from eval.analyse.heat_map import draw_heat_map
from eval.report.collect import name_of
from eval.report.document import Cell, Figure, Table
from eval.similarity import DEFAULT_METRICS, Average, Estimate, Similarity, compare, published
from eval.similarity.published import WARNING
from kielo.languages.pack import language

NAMES = {"rouge1": "ROUGE-1", "rougeL": "ROUGE-L", "chrf": "chrF"}
DRAWN = "chrf"


def similarity(answers: Answers) -> Similarity | None:
    """Compare every two models; None where no two share a prompt."""
    if not shares_prompts(answers):
        return None
    return compare(answers.texts, DEFAULT_METRICS, language=language(answers.language))


def shares_prompts(answers: Answers) -> bool:
    """Say whether any two models answered one prompt."""
    every = [prompt for texts in answers.texts.values() for prompt in texts]
    return len(every) > len(set(every))


def similarity_table(answers: Answers, found: Similarity) -> Table:
    """Lay out how alike each model is to the others."""
    rows = tuple(
        (Cell(model), Cell(str(next(iter(of.values())).prompts)), *(_cell(of[name]) for name in found.metrics))
        for model, of in found.models.items()
    )
    says = "; ".join(f"{NAMES[name]}: {what}" for name, what in found.metrics.items())
    note = (
        f"Mean similarity of a model's answers to those of every other model on the same prompts, times 100, with 95% intervals over prompts. {says}. "
        "Differences between models are not tested here."
    )
    return Table(_title(answers), ("Model", "Prompts", *(NAMES[name] for name in found.metrics)), rows, note)


def _title(answers: Answers) -> str:
    return f"Similarity of the answers, {name_of(answers.language)}"


def _cell(estimate: Estimate) -> Cell:
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    numbers = (("percent", 100 * estimate.mean), ("low", low), ("high", high))
    return Cell(f"{100 * estimate.mean:.1f}", f"{low:.1f}–{high:.1f}", numbers=numbers)


def pairs_table(answers: Answers, found: Similarity) -> Table:
    """Lay out every pair of models, folded: what the heat map is drawn from."""
    rows = tuple(
        (
            Cell(one),
            Cell(other),
            Cell(str(next(iter(of.values())).prompts)),
            *(_cell(of[name]) for name in found.metrics),
        )
        for (one, other), of in found.pairs.items()
    )
    title = f"Similarity of every pair, {name_of(answers.language)}"
    columns = ("Model", "Model compared with", "Prompts", *(NAMES[name] for name in found.metrics))
    return Table(title, columns, rows, "Times 100, with 95% intervals over prompts.", 2, f"{title}: {len(rows)} pairs")


def similarity_figure(answers: Answers, found: Similarity) -> Figure | None:
    """Draw the heat map; None of two models alone, which the table says."""
    if len(found.models) < 3:
        return None
    values = {pair: (100 * of[DRAWN].mean, of[DRAWN].prompts) for pair, of in found.pairs.items()}
    caption = (
        f"Similarity of the answers in {name_of(answers.language)}, pair by pair: {NAMES[DRAWN]} times 100, {found.metrics[DRAWN]}, mean over the prompts that both "
        "answered; the stronger the colour, the more alike."
    )
    if 2 * len(values) < len(found.models) * (len(found.models) - 1):
        caption += " Two models without a common prompt have no square."
    return draw_heat_map(f"similarity-{answers.language}", caption, list(found.models), values)


def similarity_sentence(answers: Answers, found: Similarity) -> str:
    """Name the two models that answer most alike, and the two that do least."""
    pairs = sorted(found.pairs, key=lambda pair: -found.pairs[pair][DRAWN].mean)
    told = [f"`{one}` and `{other}` ({_words(found.pairs[one, other][DRAWN])})" for one, other in (pairs[0], pairs[-1])]
    name = f"{name_of(answers.language)} answers, {NAMES[DRAWN]} times 100"
    return f"{name}: most alike are {told[0]}, least {told[1]}." if len(pairs) > 1 else f"{name}: {told[0]}."


def _words(estimate: Estimate) -> str:
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    return f"{100 * estimate.mean:.1f} [{low:.1f}–{high:.1f}] on {estimate.prompts} prompts"


def similarity_document(found: Similarity) -> dict[str, Any]:
    """Write all means as JSON."""
    return {
        "metrics": dict(found.metrics),
        "models": {model: _estimates(of) for model, of in found.models.items()},
        "pairs": [{"models": list(pair), **_estimates(of)} for pair, of in found.pairs.items()],
    }


def _estimates(of: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        name: {"mean": one.mean, "interval": [one.interval.low, one.interval.high], "prompts": one.prompts}
        for name, one in of.items()
    }


def published_averages(answers: Answers) -> dict[str, dict[str, Average]] | None:
    """Average as WildChat-50M's table 5 does; None where there is no prompt that all models answered."""
    shared = set.intersection(*(set(texts) for texts in answers.texts.values()))
    if len(answers.texts) < 2 or not shared:
        return None
    return published(answers.texts, DEFAULT_METRICS, language=language(answers.language))


def published_table(answers: Answers, found: Mapping[str, Mapping[str, Average]]) -> Table:
    """Lay out the published averages, with what is wrong with them."""
    rows = tuple(
        (Cell(model), Cell(str(next(iter(of.values())).prompts)), *(_average(of[name]) for name in NAMES))
        for model, of in found.items()
    )
    return Table(
        f"{_title(answers)}, as published", ("Model", "Prompts", *NAMES.values()), rows, " ".join(WARNING.split())
    )


def _average(one: Average) -> Cell:
    numbers = (("mean", one.mean), ("spread", one.spread))
    return Cell(f"{one.mean:.2f}", f"({one.spread:.2f})", numbers=numbers)


def published_document(found: Mapping[str, Mapping[str, Average]]) -> dict[str, Any]:
    """Write the published averages as JSON."""
    return {
        model: {name: {"mean": one.mean, "spread": one.spread, "others": list(one.others)} for name, one in of.items()}
        for model, of in found.items()
    }
