"""The job of a preference tuning, and of the reference pass before it: both read the same pairs from the same start."""

from __future__ import annotations

from align.prepare import read_prepared
from align.training.job import Job
from align.training.weights import MODEL
from kielo.models import model_identity
from kielo.plan import Workplace


def preference_job(place: Workplace, seed: int, beta: float | None) -> Job:
    """Describe the job of a step; a reference pass among its inputs is read."""
    settings = place.step.settings["dpo"]
    by_kind = {name.partition("/")[0]: folder for name, folder in place.inputs.items()}
    start, prepared = str(by_kind["sft"] / MODEL), read_prepared(by_kind["tokens"])
    return Job(
        kind="dpo", model=start, revision=None, model_identity=model_identity(start), seed=seed,
        trainer={**settings["trainer"], **place.step.running}, lora=settings["lora"], neftune_noise_alpha=None, beta=beta,
        stop_token_id=prepared.stop_token_id, added_token_ids=(), rows=prepared.rows, longest_row=prepared.longest_row,
        data=prepared.data, tokens=str(by_kind["tokens"]),
        reference=str(by_kind["reference"]) if "reference" in by_kind else None,
        counts=prepared.counts, folder=place.folder,
    )  # fmt: skip
