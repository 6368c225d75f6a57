"""The plan's last steps but the report: what is measured on the translation and on every tuned model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kielo.plan.steps import Step, engine_fields, rows_step
from kielo.schema import Recipe
from kielo.trainings import all_seeds, dpo_trainings, sft_trainings


def eval_steps(recipe: Recipe) -> Iterator[Step]:
    if recipe.eval.translation:
        settings: dict[str, Any] = {"language": recipe.language, "source_language": recipe.source_language}
        rows = recipe.eval.translation
        yield Step(
            f"eval/translation/{rows}",
            "translation-quality",
            settings,
            (f"source/{rows}", f"translate/{rows}"),
            False,
            ("sacrebleu",),
        )
    ifeval = recipe.eval.ifeval
    for model in tuned_models(recipe) if ifeval else ():
        assert ifeval is not None
        for code in ifeval.languages or (recipe.source_language, recipe.language):
            settings = {
                "language": code, "benchmark": ifeval.dataset, "max_tokens": ifeval.max_tokens,
                "engine": engine_fields(recipe.eval.engine.model_dump()), "mode": "compat", "sentences": ifeval.sentences,
            }  # fmt: skip
            inputs = (model, rows_step(recipe, ifeval.dataset, code))
            yield Step(
                f"eval/{model}/{ifeval.dataset}-{code}",
                "eval",
                {"eval": settings},
                inputs,
                True,
                ("langdetect", ifeval.sentences.replace("punkt", "nltk")),
            )


def tuned_models(recipe: Recipe) -> tuple[str, ...]:
    """List the models that a recipe evaluates, as step names, in the order of the report."""
    if recipe.eval.models:
        return tuple(name for model in recipe.eval.models for name in all_seeds(model, recipe))
    names = [f"sft/{training.name}" for training in sft_trainings(recipe)]
    return (*names, *(f"dpo/{training.name}" for training in dpo_trainings(recipe)))


def benchmark_rows(recipe: Recipe) -> tuple[str, ...]:
    """List the steps that hold the prompts which tuned models are evaluated on, and what those are translations of."""
    ifeval = recipe.eval.ifeval
    if ifeval is None:
        return ()
    codes = {recipe.source_language: None, **dict.fromkeys(ifeval.languages or (recipe.language,))}
    return tuple(rows_step(recipe, ifeval.dataset, code) for code in codes)
