"""Step `dpo`: preference tuning of an SFT model, which is also the reference; `python -m align.dpo job.json` is one process of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from align import reference
from align.preferences.job import preference_job
from align.training import course
from align.training.job import Job, write_job
from align.training.launch import run_process, train_here
from align.training.trainer import Build
from kielo.plan import Outcome, Workplace


def run(place: Workplace) -> Outcome:
    """Train on every GPU of this machine (or the CPU), and give back the model.

    Raises:
        RecipeError: template, model and trainer keys do not fit together.
    """
    train_here("align.dpo", prepare(place), train)
    return collect(place)


def prepare(place: Workplace) -> Path:
    """Write job.json; a launcher's processes train from it. Returns its path."""
    beta = place.step.settings["dpo"]["beta"]
    return write_job(preference_job(place, place.step.settings["seed"], beta))


def train(file: Path) -> None:
    """Train from a job.json."""
    course.train(file, _trainer)


def collect(place: Workplace) -> Outcome:
    """Give back the result of a training that another process may have done."""
    return course.collect(place)


def _trainer() -> tuple[type[Any], Build]:
    from trl import DPOConfig

    from align.batches.arranged import lengths_of, micro_batches
    from align.preferences.trainer import PairTrainer

    def make(job: Job, model: Any, arguments: Any, dataset: Any, tokenizer: Any, adapter: Any) -> Any:
        scored = dataset if job.reference is None else reference.join(dataset, Path(job.reference))
        columns = [lengths_of(dataset, name) for name in ("prompt_ids", "chosen_ids", "rejected_ids")]
        padded = [2 * (prompt + max(answers)) for prompt, *answers in zip(*columns, strict=True)]
        batches = micro_batches(job, arguments, padded, equal=True)
        trainer = PairTrainer(
            model=model, args=arguments, train_dataset=scored, processing_class=tokenizer, peft_config=adapter
        )
        trainer.arrange(batches, [2 * prompt + sum(answers) for prompt, *answers in zip(*columns, strict=True)])
        return trainer

    return DPOConfig, make


if __name__ == "__main__":
    sys.exit(run_process(train, sys.argv[1:]))
