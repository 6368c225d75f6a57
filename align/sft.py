"""Step `sft`: supervised fine-tuning of the base model on a mix; `python -m align.sft job.json` is one process of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from align.batches.collate import Collator
from align.batches.isolation import packed_layout
from align.prepare import read_prepared
from align.training import course, neftune
from align.training.job import Job, write_job
from align.training.launch import run_process, train_here
from align.training.trainer import Build
from kielo.plan import Outcome, Workplace


def run(place: Workplace) -> Outcome:
    """Train on every GPU of this machine (or the CPU), and give back the model.

    Raises:
        RecipeError: template, tokenizer, model and trainer keys do not fit together.
    """
    train_here("align.sft", prepare(place), train)
    return collect(place)


def prepare(place: Workplace) -> Path:
    """Write job.json; a launcher's processes train from it. Returns its path."""
    settings, model = place.step.settings["sft"], place.recipe.model_path
    (tokens,) = (folder for name, folder in place.inputs.items() if name.startswith("tokens/"))
    prepared = read_prepared(tokens)
    return write_job(Job(
        kind="sft", model=model, revision=place.recipe.revision, model_identity=place.step.settings["model"],
        seed=place.step.settings["seed"], trainer={**settings["trainer"], **place.step.running}, lora=settings["lora"],
        neftune_noise_alpha=settings["neftune_noise_alpha"], beta=None, stop_token_id=prepared.stop_token_id,
        added_token_ids=prepared.added_token_ids, rows=prepared.rows, longest_row=prepared.longest_row,
        data=prepared.data, tokens=str(tokens), reference=None, counts=prepared.counts, folder=place.folder,
    ))  # fmt: skip


def train(file: Path) -> None:
    """Train from a job.json."""
    course.train(file, _trainer)


def collect(place: Workplace) -> Outcome:
    """Give back the result of a training that another process may have done."""
    return course.collect(place)


def _trainer() -> tuple[type[Any], Build]:
    from trl import SFTConfig, SFTTrainer

    from align.batches.arranged import Arranged, WeighsTokens, lengths_of, micro_batches
    from align.batches.layout import ChooseLayout

    class ArrangedSFTTrainer(WeighsTokens, Arranged, SFTTrainer):  # type: ignore[misc]
        """SFTTrainer on our micro-batches."""

    def make(job: Job, model: Any, arguments: Any, dataset: Any, tokenizer: Any, adapter: Any) -> Any:
        lengths, collate = lengths_of(dataset, "input_ids"), Collator(tokenizer.pad_token_id)
        batches = micro_batches(job, arguments, lengths, packed_layout(model))
        trainer = ArrangedSFTTrainer(
            model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer, peft_config=adapter,
            data_collator=collate, callbacks=[ChooseLayout(batches, collate)],
        )  # fmt: skip
        trainer.arrange(batches, lengths)
        if job.neftune_noise_alpha:
            # transformers' own neftune_noise_alpha stays unset: its scale is that of the padded length
            neftune.attach(trainer.model, job.neftune_noise_alpha)
        return trainer

    return SFTConfig, make


if __name__ == "__main__":
    sys.exit(run_process(train, sys.argv[1:]))
