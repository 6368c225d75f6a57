"""What a training writes: checkpoints to go on from while it runs, and the model that stays; `kielo plan` adds them up."""

from __future__ import annotations

from dataclasses import dataclass

from align.estimate.amounts import Amount
from align.estimate.memory import Setting, adapter_parameters, optimiser_bytes, trained_width
from align.estimate.model_shape import ModelShape
from align.training.checkpoints import DEFAULT_LIMIT

_ZERO3 = 14  # bytes a parameter: weights in 16 bits, their 32-bit copy and Adam's two means


@dataclass(frozen=True)
class Disk:
    """Bytes in a training's folder: what stays, one checkpoint, and the most that lies there at once."""

    kept: float
    checkpoint: float
    most: float


def disk(shape: ModelShape, setting: Setting) -> Disk:
    """Count what a training writes.

    A new checkpoint is whole before an old one goes (`checkpoints.mark`); at the end what was trained is written aside, then
    the model, and only then the checkpoints go (`weights.save_model`, `course._record`).
    """
    whole = float(shape.parameters * _saved_bytes(shape, setting))
    trained = shape.parameters if setting.lora is None else adapter_parameters(shape, setting.lora["r"])
    checkpoint = float(trained * (trained_width(setting) + optimiser_bytes(setting)))
    if setting.trainer.get("parallel") == "zero3":
        checkpoint = float(trained * _ZERO3)
    aside = whole if setting.lora is None else float(trained * trained_width(setting))
    limit = setting.trainer.get("save_total_limit", DEFAULT_LIMIT)
    return Disk(whole, checkpoint, max((limit + 1) * checkpoint, limit * checkpoint + aside + whole))


def _saved_bytes(shape: ModelShape, setting: Setting) -> int:
    """Give the bytes of a number in the finished model: of the 16-bit format asked for, else of the start model's."""
    return 2 if setting.trainer.get("dtype") in ("bfloat16", "float16") else shape.saved_bytes


def tokens_bytes(amount: Amount, kind: str) -> float | None:
    """Reckon the size of a tokens step's file; measured on the pocket recipe: 8.5 bytes a token with its label, 3.4 of pairs."""
    return amount.tokens and amount.tokens * (8.5 if kind == "sft" else 3.4)
