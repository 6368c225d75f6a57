"""The probes at the start of a training, on the model and tokens as they are trained; what they say stands in probes.json."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from align.machine import Machine
from align.prepare import read_prepared
from align.probes import model_probes
from align.probes.findings import Finding, refuse_failed
from align.probes.token_probes import probe_tokens, sample
from align.tokens.token_file import TOKENS, read_tokens
from align.training.arguments import weights_dtype
from align.training.job import PROBES, Job
from align.training.launch import WORLD_SIZE
from kielo.records import write_json


class Preflight(TrainerCallback):
    """Stops a training that would not do what its recipe says, before its first step."""

    def __init__(self, job: Job, machine: Machine, tokenizer: Any) -> None:
        self.job, self.machine, self.tokenizer = job, machine, tokenizer

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **given: Any) -> None:
        """Run every probe; every process does, as parts of the model lie on each.

        Raises:
            RecipeError: a probe failed.
        """
        layout = getattr(given["train_dataloader"].collate_fn, "layout", "padded")
        findings = [
            *before_training(self.job, self.machine, model, self.tokenizer, args.bf16), model_probes.rows_of(layout)
        ]  # fmt: skip
        if args.process_index == 0:
            write_json(self.job.folder / PROBES, [dataclasses.asdict(finding) for finding in findings])
        refuse_failed(findings, f"{self.job.kind}/{self.job.folder.name}")


def before_training(job: Job, machine: Machine, model: Any, tokenizer: Any, bf16: bool) -> Iterator[Finding]:
    """Probe a training that is about to begin."""
    tokens = Path(job.tokens)
    dataset = read_tokens(tokens / TOKENS)
    yield from probe_tokens(dataset, read_prepared(tokens), tokenizer)
    yield model_probes.world(machine, os.environ.get(WORLD_SIZE))
    yield model_probes.number_format(model, weights_dtype(job, machine), bf16)
    yield model_probes.attention(model, job.trainer.get("attn_implementation"))
    if job.neftune_noise_alpha:
        rows = [row["input_ids"] for found in sample(dataset, 2).values() for row in found]
        yield model_probes.noise(model, rows, job.neftune_noise_alpha, tokenizer.pad_token_id)
