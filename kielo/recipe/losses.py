"""TRL's preference losses by name, and what some of them need beside it (a test holds the names against the installed TRL)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from kielo.schema.trainer import RUNNING

LOSSES = (
    "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero",
    "apo_down", "discopop", "sft", "sigmoid_norm",
)  # fmt: skip
DIVERGENCES = ("reverse_kl", "forward_kl", "js_divergence", "alpha_divergence")
_SMOOTHED = ("exo_pair", "robust", "aot", "aot_unpaired")
_NEED_SMOOTHING = ("exo_pair", "robust")
_OF_SEVERAL_PAIRS = ("aot", "aot_unpaired")
"""They sort the pairs that a device holds at once, so their number is part of the loss."""
_ANY_DIVERGENCE = ("sigmoid", "sigmoid_norm", "hinge", "ipo", "exo_pair", "robust", "discopop", "sft")


def parted(trainer: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the trainer keys that make the result from those that only say how it is run."""
    written = trainer.get("loss_type") or ()
    names = (written,) if isinstance(written, str) else written
    makes = {"per_device_train_batch_size"} if set(names) & set(_OF_SEVERAL_PAIRS) else set()
    running = {key: value for key, value in trainer.items() if key in RUNNING and key not in makes}
    return {key: value for key, value in trainer.items() if key not in running}, running


def loss_mistakes(trainer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (key, sentence) of what does not fit together in a preference tuning's keys."""
    written = trainer.get("loss_type", "sigmoid")
    names = [written] if isinstance(written, str) else list(written)
    unknown = [name for name in names if name not in LOSSES]
    if unknown:
        yield "loss_type", _unknown("preference loss", unknown[0], LOSSES)
        return
    if not names or len(set(names)) < len(names):
        yield "loss_type", "names no loss" if not names else "names a loss twice; give it a weight (loss_weights)"
        return
    weights = trainer.get("loss_weights")
    if weights is not None and len(weights) != len(names):
        yield "loss_weights", f"{len(weights)} weights for {len(names)} losses ({', '.join(names)}); give one for each"
    yield from _smoothing(names, trainer.get("label_smoothing"))
    alone = [name for name in names if name in _OF_SEVERAL_PAIRS]
    if alone and (trainer.get("per_device_train_batch_size") or 1) < 2:
        yield (
            "loss_type",
            f"{alone[0]} compares the pairs that a device holds at once; set per_device_train_batch_size, to 2 or more",
        )
    yield from _divergence(names, trainer.get("f_divergence_type") or "reverse_kl")
    for key in ("ref_model_mixup_alpha", "ref_model_sync_steps"):
        if trainer.get(key) is not None and not trainer.get("sync_ref_model"):
            yield key, "would do nothing without sync_ref_model: true"


def _smoothing(names: list[str], smoothing: float | None) -> Iterator[tuple[str, str]]:
    need = [name for name in names if name in _NEED_SMOOTHING]
    if need and not smoothing:
        yield "loss_type", f"{need[0]} needs label_smoothing above 0 (0.001 is usual for exo_pair, 0.1 for robust)"
    if smoothing and not any(name in _SMOOTHED for name in names):
        yield (
            "label_smoothing",
            f"would do nothing with {', '.join(names)}; the losses that read it are {', '.join(_SMOOTHED)}",
        )


def _divergence(names: list[str], divergence: str) -> Iterator[tuple[str, str]]:
    if divergence not in DIVERGENCES:
        yield "f_divergence_type", _unknown("divergence", divergence, DIVERGENCES)
        return
    unfit = [name for name in names if name not in _ANY_DIVERGENCE]
    if divergence != "reverse_kl" and unfit:
        yield "f_divergence_type", f"{unfit[0]} is defined for reverse_kl alone"


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean '{near[0]}'" if near else f"there are {', '.join(known)}"
    return f"no {what} '{name}'; {hint}"
