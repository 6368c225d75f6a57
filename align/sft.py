"""Step `sft`: supervised fine-tuning of the base model on a mix; `python -m align.sft job.json` is one process of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from align import neftune, training
from align.chat import load_chat, read_template
from align.job import JOB, Job, digest_tokens, write_job
from align.launch import run_process, train_here
from align.limits import max_length
from align.mix import TRAIN
from align.tokens import tokenise
from kielo.errors import SourceError
from kielo.plan import Outcome, Workplace
from kielo.records import Conversation, read_records


def run(place: Workplace) -> Outcome:
    """Prepare the tokens, train on every GPU of this machine (or the CPU), and give back the model.

    Raises:
        SourceError: no row of the mix can be trained on.
        RecipeError: template, tokenizer, model and trainer keys do not fit together.
    """
    train_here("align.sft", prepare(place), train)
    return collect(place)


def prepare(place: Workplace) -> Path:
    """Write tokens, tokenizer and job.json, on CPU; a launcher's processes train from them. Returns the job's path."""
    settings = place.step.settings["sft"]
    model, revision = place.recipe.model_path, place.recipe.revision
    chat = load_chat(model, revision, read_template(place.recipe))
    rows = read_records("conversations", place.inputs[f"mix/{settings['mix']}"] / TRAIN)
    conversations = [row for row in rows if isinstance(row, Conversation)]
    limit = max_length(model, revision, settings["trainer"], "sft")
    kept, tally = tokenise(conversations, chat, settings["loss_on"], limit)
    if not kept:
        raise SourceError(
            f"{place.step.name}: no row can be trained on ({tally.reasons()}); raise sft.trainer.max_length or look at the rows."
        )
    columns = {name: [getattr(row, name) for row in kept] for name in ("id", "language", "input_ids", "labels")}
    job = Job(
        kind="sft", model=model, revision=revision, model_identity=place.step.settings["model"],
        seed=place.step.settings["seed"], trainer=settings["trainer"], lora=settings["lora"],
        neftune_noise_alpha=settings["neftune_noise_alpha"], beta=None, stop_token_id=chat.stop_token_id,
        added_token_ids=chat.added_token_ids, rows=len(kept), longest_row=max(len(row.input_ids) for row in kept),
        data=digest_tokens((row.input_ids, row.labels) for row in kept), counts=tally.by_language, folder=place.folder,
    )  # fmt: skip
    write_job(job, chat, columns)
    return place.folder / JOB


def train(file: Path) -> None:
    """Train from a job.json."""
    training.train(file, _trainer)


def collect(place: Workplace) -> Outcome:
    """Give back the result of a training that another process may have done."""
    return training.collect(place.folder)


def _trainer() -> tuple[type[Any], training.Build]:
    from trl import SFTConfig, SFTTrainer

    def make(job: Job, model: Any, arguments: Any, dataset: Any, tokenizer: Any, adapter: Any) -> Any:
        trainer = SFTTrainer(
            model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer, peft_config=adapter
        )
        if job.neftune_noise_alpha is not None:
            # transformers' own neftune_noise_alpha stays unset: its scale is that of the padded length
            neftune.attach(trainer.model, job.neftune_noise_alpha)
        return trainer

    return SFTConfig, make


if __name__ == "__main__":
    sys.exit(run_process(train, sys.argv[1:]))
