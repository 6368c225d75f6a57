"""`kielo check RECIPE --model`: the probes of every training on the real model, tokenizer and template, before anything is trained."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from align.machine import this_machine
from align.prepare import Prepared, read_prepared
from align.probes import model_probes
from align.probes.findings import Finding
from align.probes.token_probes import probe_tokens, sample
from align.probes.trial import make_trial
from align.tokens.token_file import TOKENIZER, TOKENS, read_tokens
from align.training import neftune
from align.training.arguments import weights_dtype
from align.training.job import Job
from align.training.launch import WORLD_SIZE
from align.training.weights import load_model
from kielo.plan import Step, make_plan
from kielo.provenance import canonical
from kielo.recipe.trainings import SftTraining, sft_trainings
from kielo.run_folder import RunFolder
from kielo.schema import Recipe


def check_model(recipe: Recipe, run: RunFolder) -> list[Finding]:
    """Run every probe that needs no training; tokens are those of the run where they are made, else made of a few rows.

    Raises:
        RecipeError: the model cannot be loaded, or no masks can be made with its tokenizer and the template.
    """
    steps = [step for step in make_plan(recipe) if step.kind == "tokens"]
    with TemporaryDirectory() as folder:
        places = {step.name: place for step, place in _places(recipe, run, steps, Path(folder))}
        findings = [
            found for name, place in places.items() for found in _of_tokens(name, place, place == run.folder(name))
        ]
        first = next(place for name, place in places.items() if name.startswith("tokens/sft/"))
        return [*findings, *_of_models(recipe, first)]


def _places(recipe: Recipe, run: RunFolder, steps: list[Step], folder: Path) -> Iterator[tuple[Step, Path]]:
    """Find the tokens of every step; those that would be tried out with the same settings are tried once."""
    tried = set()
    for number, step in enumerate(steps):
        if run.standing(step).state == "complete":
            yield step, run.folder(step.name)
            continue
        own = canonical({kind: step.settings.get(kind) for kind in ("sft", "dpo")})
        if own not in tried:
            tried.add(own)
            yield step, make_trial(recipe, run, step, folder / str(number))


def _of_tokens(name: str, place: Path, made: bool) -> Iterator[Finding]:
    """Probe the tokens of a step, under its name."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(place / TOKENIZER))
    for found in probe_tokens(read_tokens(place / TOKENS), read_prepared(place), tokenizer):
        yield dataclasses.replace(found, name=f"{name}{'' if made else ' (a few rows)'}: {found.name}")


def _of_models(recipe: Recipe, place: Path) -> Iterator[Finding]:
    """Probe the model, once for every way in which trainings load it."""
    from transformers import AutoTokenizer

    machine = this_machine()
    yield model_probes.world(machine, os.environ.get(WORLD_SIZE))
    tokenizer = AutoTokenizer.from_pretrained(str(place / TOKENIZER))
    rows = [row["input_ids"] for found in sample(read_tokens(place / TOKENS), 2).values() for row in found]
    for training in _different(sft_trainings(recipe)):
        job = _job(recipe, training, read_prepared(place))
        dtype = weights_dtype(job, machine)
        model = load_model(job, tokenizer, dtype)
        yield model_probes.number_format(model, dtype, machine.bf16)
        yield model_probes.attention(model, training.trainer.get("attn_implementation"))
        yield model_probes.packing(model, training.trainer.get("packing"))
        for alpha in _alphas(recipe):
            detach = neftune.attach(model, alpha)
            yield model_probes.noise(model, rows, alpha, tokenizer.pad_token_id)
            detach()


def _different(trainings: list[SftTraining]) -> list[SftTraining]:
    """Keep the first training of every way in which the model is loaded and its rows are laid out."""
    kept: dict[str, SftTraining] = {}
    for training in trainings:
        trainer = {key: training.trainer.get(key) for key in ("attn_implementation", "dtype", "packing")}
        kept.setdefault(canonical({**trainer, "lora": training.lora and training.lora.quantise}), training)
    return list(kept.values())


def _alphas(recipe: Recipe) -> list[float]:
    return sorted({training.neftune_noise_alpha for training in sft_trainings(recipe) if training.neftune_noise_alpha})


def _job(recipe: Recipe, training: SftTraining, prepared: Prepared) -> Job:
    """Describe the training to what loads models; the model itself is probed, nothing is trained."""
    lora = training.lora.model_dump() if training.lora else None
    return Job(
        kind="sft", model=recipe.model_path, revision=recipe.revision, model_identity="", seed=training.seed,
        trainer=training.trainer, lora=lora, neftune_noise_alpha=None, beta=None,
        stop_token_id=prepared.stop_token_id, added_token_ids=prepared.added_token_ids, rows=prepared.rows,
        longest_row=prepared.longest_row, data=prepared.data, tokens="", reference=None, counts=prepared.counts,
    )  # fmt: skip
