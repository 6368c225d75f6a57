"""The plan's middle: mixes, tokens made on CPU, supervised trainings, reference log-probabilities, preference tunings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kielo.plan.evaluation import benchmark_rows
from kielo.plan.steps import Step, model_fields, rows_step
from kielo.provenance import canonical, digest
from kielo.recipe.losses import parted
from kielo.recipe.mixes import Taken, expand_mixes, mix_family, selections
from kielo.recipe.trainings import DpoTraining, SftTraining, dpo_trainings, sft_trainings
from kielo.schema import Recipe

_TOKENS_VERSIONS = ("transformers", "tokenizers")
_TRAINING_VERSIONS = ("torch", "transformers", "trl", "accelerate", "peft")
_OF_A_FORWARD_PASS = ("dtype", "attn_implementation", "bf16", "fp16", "tf32", "ld_alpha")
"""The trainer keys that the reference pass reads; a sweep over any other shares one pass."""


def alignment_steps(recipe: Recipe) -> Iterator[Step]:
    """Make the steps between data and models."""
    for name, taken in expand_mixes(recipe).items():
        yield _mix(recipe, name, taken)
    yield from _sft_steps(recipe)
    yield from _dpo_steps(recipe)


def _mix(recipe: Recipe, name: str, taken: tuple[Taken, ...]) -> Step:
    parts = [{"datasets": list(part.datasets), "shares": dict(part.shares), "rows": dict(part.rows)} for part in taken]
    settings = {"sft": {"mixes": {name: {"takes": parts, "upsample": mix_family(recipe, name).upsample}}}}
    inputs = [
        rows_step(recipe, dataset, code) for part in taken for dataset in part.datasets for code in part.languages
    ]
    selected = selections(recipe).get(name)
    chosen: dict[str, Any] = {"selected": list(selected.languages)} if selected else {}
    first = [f"select/{name}"] if selected else []
    return Step(f"mix/{name}", "mix", {**settings, **chosen, "seed": recipe.seed}, _once([*first, *inputs]))


def _sft_steps(recipe: Recipe) -> Iterator[Step]:
    trainings = sft_trainings(recipe)
    tokens = _shared("tokens/sft", ((training, _sft_tokens(recipe, training)) for training in trainings))
    yield from _once(tokens.values())
    for training in trainings:
        own = {"neftune_noise_alpha": training.neftune_noise_alpha}
        yield _training(recipe, training, "sft", own, (tokens[training.name].name,))


def _sft_tokens(recipe: Recipe, training: SftTraining) -> Step:
    own = {"loss_on": training.loss_on, "over_length": recipe.sft.over_length}
    parts = [part for part in expand_mixes(recipe)[training.mix] if recipe.language in part.languages]
    translated = [dataset for part in parts for dataset in part.datasets]
    return _tokens(recipe, {"sft": {**own, **_max_length(training.trainer)}}, [f"mix/{training.mix}"], translated)


def _dpo_steps(recipe: Recipe) -> Iterator[Step]:
    trainings = dpo_trainings(recipe)
    tokens = _shared("tokens/dpo", ((training, _dpo_tokens(recipe, training)) for training in trainings))
    with_pass = [training for training in trainings if not training.trainer.get("sync_ref_model")]
    references = _shared(
        "reference", ((training, _reference(recipe, training, tokens[training.name].name)) for training in with_pass)
    )
    yield from _once(tokens.values())
    yield from _once(references.values())
    for training in trainings:
        made = [tokens[training.name], *([references[training.name]] if training in with_pass else [])]
        yield _training(
            recipe, training, "dpo", {"beta": training.beta}, (training.start, *(step.name for step in made))
        )


def _dpo_tokens(recipe: Recipe, training: DpoTraining) -> Step:
    assert recipe.dpo is not None
    data = {dataset: list(codes) for dataset, codes in training.data.items()}
    own = {"data": data, "language_pairs": training.language_pairs, "accept": sorted(recipe.dpo.accept)}
    both = (recipe.source_language, recipe.language)
    inputs = [
        rows_step(recipe, dataset, code)
        for dataset, codes in training.data.items()
        for code in (both if training.language_pairs else codes)
    ]
    translated = [dataset for dataset, codes in training.data.items() if recipe.language in codes]
    step = _tokens(recipe, {"dpo": {**own, **_max_length(training.trainer)}}, inputs, translated)
    return dataclasses.replace(step, versions=(*step.versions, "py3langid"))  # which tells cross-language pairs


def _tokens(recipe: Recipe, own: Mapping[str, Any], inputs: Iterable[str], translated: Iterable[str]) -> Step:
    """Make a step `tokens`; the source rows of translated data sets tell which of them stand in a benchmark."""
    template = recipe.chat_template_path
    benchmarks = benchmark_rows(recipe)
    sources = [source_rows(recipe, dataset) for dataset in translated] if benchmarks else []
    settings = {
        **model_fields(recipe), "seed": recipe.seed, "chat_template": digest(template) if template else "the model's own",
        "eval": {"overlap": recipe.eval.overlap, "benchmarks": list(benchmarks)}, **own,
    }  # fmt: skip
    return Step("", "tokens", settings, _once([*inputs, *benchmarks, *sources]), versions=_TOKENS_VERSIONS)


def source_rows(recipe: Recipe, dataset: str) -> str:
    """Name the step with the source rows behind a data set: its own, or those whose prompts it answers anew."""
    return f"source/{recipe.translate.datasets[dataset].prompts_of or dataset}"


def _max_length(trainer: Mapping[str, Any]) -> dict[str, Any]:
    return {"trainer": {"max_length": trainer.get("max_length")}}


def _reference(recipe: Recipe, training: DpoTraining, tokens: str) -> Step:
    trainer, running = parted(training.trainer)
    trainer = {key: value for key, value in trainer.items() if key in _OF_A_FORWARD_PASS}
    lora = training.lora and {"quantise": training.lora.quantise}  # adapters leave the model in another number format
    settings = {**model_fields(recipe), "dpo": {"start": training.start, "lora": lora, "trainer": trainer}}
    return Step("", "reference", settings, (training.start, tokens), True, _TRAINING_VERSIONS, running)


def _training(
    recipe: Recipe, training: SftTraining | DpoTraining, kind: Any, own: Mapping[str, Any], inputs: tuple[str, ...]
) -> Step:
    lora = training.lora and training.lora.model_dump()
    trainer, running = parted(training.trainer)
    settings = {**model_fields(recipe), "seed": training.seed, kind: {**own, "lora": lora, "trainer": trainer}}
    return Step(f"{kind}/{training.name}", kind, settings, inputs, True, _TRAINING_VERSIONS, running)


def _shared(folder: str, wanted: Iterable[tuple[SftTraining | DpoTraining, Step]]) -> dict[str, Step]:
    """Name each different step after the first run that needs it; trainings that need the same one share it."""
    by_content: dict[str, Step] = {}
    by_training = {}
    for training, step in wanted:
        names = {each.name for each in by_content.values()}
        content = canonical({"settings": step.settings, "inputs": step.inputs})
        if content not in by_content:
            short = f"{folder}/{training.run}"
            name = f"{folder}/{training.name}" if short in names else short
            by_content[content] = dataclasses.replace(step, name=name)
        by_training[training.name] = by_content[content]
    return by_training


def _once(values: Iterable[Any]) -> tuple[Any, ...]:
    """Keep the first of equal values."""
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return tuple(kept)
