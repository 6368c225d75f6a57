"""How many bytes one device holds during a training: the arithmetic under `kielo plan`'s memory column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from align.estimate.model_shape import ModelShape

_ADAM, _ADAM_8BIT = 8, 2  # two running means, in 32 or 8 bits each
_QUANTISED = {"4bit": 0.56, "8bit": 1.0}  # the scales of 64-weight blocks included
_SCORE = 10  # plain attention: scores in 16 bits, softmax in 32, and what backward keeps of both
_LOGIT = 10  # 16 bits, 32 bits and the gradient
_GATHERED_LAYERS = 2  # the one that is computed and the one that is fetched meanwhile


@dataclass(frozen=True)
class Setting:
    """What decides the bytes beside the model and the batch."""

    devices: int
    shared_out: bool
    """Whether every device holds a part of the model (FSDP2, ZeRO-3), not all of it."""
    bf16: bool
    """Whether arithmetic is in 16 bits."""
    checkpointing: bool
    trainer: Mapping[str, Any]
    lora: Mapping[str, Any] | None


def memory(shape: ModelShape, setting: Setting, sequences: int, length: int) -> dict[str, float]:
    """Count the bytes of one device while it trains on so many sequences of a length at once, by what they hold."""
    parts = setting.devices if setting.shared_out else 1
    width = 2 if setting.bf16 else 4
    weights, gradients, adam = (each / parts for each in _states(shape, setting))
    layer = _layer(shape, setting, sequences, length) * width / 2
    kept = sequences * length * shape.hidden * width * shape.layers
    return {
        "weights": weights, "gradients": gradients, "optimiser": adam,
        "activations": kept + layer * (1 if setting.checkpointing else shape.layers),
        "logits": sequences * length * shape.vocabulary * _LOGIT, "gathered": _gathered(shape, width) if parts > 1 else 0.0,
        "reference": reference_bytes(shape, width) / parts if setting.trainer.get("sync_ref_model") else 0.0,
    }  # fmt: skip


def _states(shape: ModelShape, setting: Setting) -> tuple[float, float, float]:
    """Give the bytes of weights, gradients and optimiser of the whole model; 16 bytes a parameter in the usual case."""
    own = trained_width(setting)
    trained, frozen = shape.parameters, 0.0
    if setting.lora is not None:
        trained = adapter_parameters(shape, setting.lora["r"])
        written = setting.trainer.get("dtype")
        base = 2 if written in ("bfloat16", "float16") or (written is None and setting.bf16) else 4
        frozen = shape.parameters * _QUANTISED.get(setting.lora.get("quantise") or "", base)
    return trained * own + frozen, trained * own, trained * optimiser_bytes(setting)


def trained_width(setting: Setting) -> int:
    """Give the bytes of one number that is trained; adapters are 32-bit whatever the model is."""
    return 2 if setting.lora is None and setting.trainer.get("dtype") in ("bfloat16", "float16") else 4


def optimiser_bytes(setting: Setting) -> int:
    """Give the bytes that the optimiser holds for one number."""
    return _ADAM_8BIT if "8bit" in str(setting.trainer.get("optim")) else _ADAM * trained_width(setting) // 4


def adapter_parameters(shape: ModelShape, rank: int) -> int:
    """Count the parameters of adapters on every linear map of every layer."""
    return shape.layers * sum(rank * (inputs + outputs) for inputs, outputs in shape.linear)


def reference_bytes(shape: ModelShape, width: int) -> float:
    """Count the bytes of a second model that is only asked, never trained."""
    return float(shape.parameters * width)


def _layer(shape: ModelShape, setting: Setting, sequences: int, length: int) -> float:
    """Count what one layer keeps for its backward pass, in 16 bits: attention scores and the inside of the MLP."""
    plain = shape.eager or setting.trainer.get("attn_implementation") == "eager"
    scores = sequences * shape.heads * length**2 * _SCORE if plain else sequences * length * shape.hidden * 8
    return scores + sequences * length * shape.intermediate * (8 if shape.gated else 6)


def _gathered(shape: ModelShape, width: int) -> float:
    """Count the layers and the embedding that are fetched whole while they are computed."""
    return float((_GATHERED_LAYERS * shape.layer_parameters + shape.vocabulary * shape.hidden) * width)
