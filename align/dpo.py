"""Step `dpo`: preference tuning of an SFT model, which is also the reference; `python -m align.dpo job.json` is one process of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from align import training
from align.chat import load_chat, read_template
from align.job import JOB, Job, digest_tokens, write_job
from align.launch import run_process, train_here
from align.limits import max_length
from align.preferences import tokenise_pairs
from align.weights import MODEL
from kielo.errors import SourceError
from kielo.models import model_identity
from kielo.plan import Outcome, Workplace
from kielo.records import PreferencePair, read_records


def run(place: Workplace) -> Outcome:
    """Prepare the tokens, train on every GPU of this machine (or the CPU), and give back the model.

    Raises:
        SourceError: no pair can be trained on.
        RecipeError: template, model and trainer keys do not fit together.
    """
    train_here("align.dpo", prepare(place), train)
    return collect(place)


def prepare(place: Workplace) -> Path:
    """Write tokens, tokenizer and job.json, on CPU; a launcher's processes train from them. Returns the job's path."""
    settings = place.step.settings["dpo"]
    start = str(place.inputs[settings["start"]] / MODEL)
    chat = load_chat(start, None, read_template(place.recipe))
    limit = max_length(start, None, settings["trainer"], "dpo")
    kept, tally = tokenise_pairs(_pairs(place), chat, limit)
    if not kept:
        raise SourceError(
            f"{place.step.name}: no pair can be trained on ({tally.reasons()}); raise dpo.trainer.max_length or look at the rows."
        )
    names = ("id", "language", "prompt_ids", "chosen_ids", "rejected_ids")
    job = Job(
        kind="dpo", model=start, revision=None, model_identity=model_identity(start), seed=place.step.settings["seed"],
        trainer=settings["trainer"], lora=settings["lora"], neftune_noise_alpha=None, beta=settings["beta"],
        stop_token_id=chat.stop_token_id, added_token_ids=chat.added_token_ids, rows=len(kept),
        longest_row=max(row.length for row in kept),
        data=digest_tokens((row.prompt_ids, row.chosen_ids, row.rejected_ids) for row in kept),
        counts=tally.by_language, folder=place.folder,
    )  # fmt: skip
    write_job(job, chat, {name: [getattr(row, name) for row in kept] for name in names})
    return place.folder / JOB


def _pairs(place: Workplace) -> list[PreferencePair]:
    """Collect the pairs of every data set in the languages asked for; the source language lies in source/."""
    pairs = []
    for dataset, languages in place.step.settings["dpo"]["data"].items():
        for language in languages:
            is_source = language == place.recipe.source_language
            file = (
                place.inputs[f"source/{dataset}"] / "rows.jsonl"
                if is_source
                else place.inputs[f"translate/{dataset}"] / "accepted.jsonl"
            )
            rows = [
                row
                for row in read_records("preferences", file)
                if isinstance(row, PreferencePair) and row.language == language
            ]
            if not rows:
                raise SourceError(
                    f"{file}: no '{language}' pairs, which {place.step.name} asks for; look into the rejected rows beside it."
                )
            pairs += rows
    return pairs


def train(file: Path) -> None:
    """Train from a job.json."""
    training.train(file, _trainer)


def collect(place: Workplace) -> Outcome:
    """Give back the result of a training that another process may have done."""
    return training.collect(place.folder)


def _trainer() -> tuple[type[Any], training.Build]:
    from trl import DPOConfig, DPOTrainer

    class PreparedDPOTrainer(DPOTrainer):  # type: ignore[misc]
        """DPOTrainer on pairs that are tokenised and counted already; TRL 1.16 would tokenise them again."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

    def make(job: Job, model: Any, arguments: Any, dataset: Any, tokenizer: Any, adapter: Any) -> Any:
        return PreparedDPOTrainer(
            model=model, args=arguments, train_dataset=dataset, processing_class=tokenizer, peft_config=adapter
        )

    return DPOConfig, make


if __name__ == "__main__":
    sys.exit(run_process(train, sys.argv[1:]))
