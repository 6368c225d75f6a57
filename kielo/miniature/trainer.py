"""The trainer keys of a miniature: what a training computes stays, how long it takes is cut, what only a GPU or a tracker knows goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kielo.schema.trainer import RUNNING

MOST = {"num_train_epochs": 1, "max_steps": 4, "global_batch_size": 4, "max_length": 256}
_OF_GPUS = ("attn_implementation", "bf16", "fp16", "tf32", "use_liger_kernel", "torch_compile", "optim", "optim_args")
_LEFT_OUT = frozenset((*RUNNING, *_OF_GPUS)) - {"gradient_checkpointing"}


def cut_trainer(written: Mapping[str, Any], base: bool = False) -> dict[str, Any]:
    """Cut trainer keys; `base`: the level below which there are only defaults, which are long."""
    kept = {key: value for key, value in written.items() if value is not None and key not in _LEFT_OUT}
    cut = {key: min(kept[key], most) for key, most in MOST.items() if key in kept}
    lengths = {key: most for key, most in MOST.items() if key != "max_steps"} if base else {}
    if "max_steps" in kept:
        lengths.pop("num_train_epochs", None)  # the schema takes one of them
    return {**lengths, **kept, **cut}


def cut_runs(runs: Mapping[str, Any]) -> dict[str, Any]:
    """Cut the keys that single runs override; a sweep stays whole, for its values are in its trainings' names."""
    small = {}
    for name, run in runs.items():
        small[name] = {**run, "trainer": cut_trainer(run["trainer"])} if run.get("trainer") else dict(run)
        if small[name].get("lora"):
            small[name]["lora"] = {key: value for key, value in small[name]["lora"].items() if key != "quantise"}
    return small
