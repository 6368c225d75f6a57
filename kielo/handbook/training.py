"""The training keys of an alignment-handbook or TRL file: batch, length, precision, schedule and loss, as a recipe writes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from kielo.handbook.reading import Fate, Reading, short, suggestion, trainer_keys, trainer_value
from kielo.schema.trainer import DPO_ONLY, SFT_ONLY
from kielo.strict_yaml import load

PER_DEVICE, LENGTH = 8, 1024
"""What transformers and TRL take where a file does not say."""
_KEYS = Path(__file__).resolve().parent / "keys.yaml"


@cache
def reasons() -> dict[str, str]:
    """Read why keys are not taken over."""
    groups, _ = load(_KEYS)
    return {key: why for group in groups.values() for key, why in group.items()}


def trainer(reading: Reading, devices: int | None, lora: dict[str, Any] | None) -> dict[str, Any]:
    """Take everything out of a file that stands under `trainer` in a recipe.

    Raises:
        RecipeError: a value cannot be read.
    """
    keys: dict[str, Any] = {}
    _batch(reading, devices, keys)
    _length(reading, keys)
    _precision(reading, lora, keys)
    _schedule(reading, keys)
    _parallel(reading, keys)
    _flash(reading, keys)
    _same_names(reading, keys)
    return keys


def _batch(reading: Reading, devices: int | None, keys: dict[str, Any]) -> None:
    each, passes = reading.number("per_device_train_batch_size"), reading.number("gradient_accumulation_steps")
    at_once, count = each or PER_DEVICE, devices or 8
    size = at_once * (passes or 1) * count
    keys["global_batch_size"] = size
    if each is not None:
        keys["per_device_train_batch_size"] = each
        reading.note("kept", "per_device_train_batch_size", f"{each}, and a part of global_batch_size")
    told = f"trainer.global_batch_size: {size} = {at_once} x {passes or 1} x {count} devices"
    doubt = "" if devices else "; 8 devices are an assumption, --devices says how many"
    what: Fate = "renamed" if passes is not None else "added"
    reading.note(what, "gradient_accumulation_steps" if passes is not None else "global_batch_size", told + doubt)


def _length(reading: Reading, keys: dict[str, Any]) -> None:
    older, written = reading.number("max_seq_length"), reading.number("max_length")
    keys["max_length"] = written or older or LENGTH
    if older is not None and written is None:
        reading.renamed("max_seq_length", "trainer.max_length", older, "TRL has renamed it, too")
    elif older is not None:
        reading.note("dropped", "max_seq_length", "max_length stands beside it")
    if written is not None:
        reading.note("kept", "max_length", str(written))
    elif older is None:
        reading.note("added", "max_length", f"{LENGTH}, TRL's default; without it: what the model can read")


def _precision(reading: Reading, lora: dict[str, Any] | None, keys: dict[str, Any]) -> None:
    """Read the weights' number format: TRL's `torch_dtype` meant 16-bit weights beside ZeRO-3's 32-bit copy."""
    for key in ("torch_dtype", "dtype"):
        if key not in reading.left:
            continue
        value = reading.take(key)
        if value == "auto":
            reading.note("dropped", key, f"{short(value)}: Kielo chooses (trainer.dtype)")
        elif value not in ("float32", "bfloat16", "float16"):
            reading.note("unknown", key, f"{short(value)} is no number format of a recipe (trainer.dtype)")
        elif value == "float32" or lora is not None:
            keys["dtype"] = value
            reading.renamed(key, "trainer.dtype", value)
        else:
            reading.note(
                "dropped", key, f"now dtype, and {value} left out: Kielo keeps weights in 32 bits under bf16 arithmetic, as ZeRO-3 did; weights in 16 bits alone lose small updates",
            )  # fmt: skip


def _schedule(reading: Reading, keys: dict[str, Any]) -> None:
    limit = reading.take("max_steps")
    if limit is not None and isinstance(limit, int) and limit > 0:
        keys["max_steps"] = limit
        reading.note("kept", "max_steps", str(limit))
        if "num_train_epochs" in reading.left:
            reading.note(
                "dropped", "num_train_epochs", f"{short(reading.take('num_train_epochs'))}: max_steps goes before it"
            )
    elif limit is not None:
        reading.note("dropped", "max_steps", f"{short(limit)} means no limit")
    warmup = reading.take("warmup_steps")
    if warmup is not None:
        _warmup_steps(reading, warmup, keys)


def _warmup_steps(reading: Reading, warmup: Any, keys: dict[str, Any]) -> None:
    number = isinstance(warmup, int | float) and not isinstance(warmup, bool)
    share = warmup if number and warmup < 1 else warmup / keys["max_steps"] if number and "max_steps" in keys else None
    if share is not None and 0 <= share < 1:
        keys["warmup_ratio"] = round(share, 6)
        reading.renamed("warmup_steps", "trainer.warmup_ratio", keys["warmup_ratio"])
    else:
        reading.note(
            "dropped", "warmup_steps", f"{short(warmup)}: a recipe warms up for a share of the steps; kielo plan tells their number, set trainer.warmup_ratio",
        )  # fmt: skip


def _parallel(reading: Reading, keys: dict[str, Any]) -> None:
    for key, way in (("deepspeed", "zero3"), ("fsdp", "fsdp2"), ("fsdp_config", "fsdp2")):
        value = reading.take(key)
        if value is None:
            continue
        if value in ("", [], {}, False):
            reading.note("dropped", key, "empty")
            continue
        keys["parallel"] = way
        reading.renamed(key, "trainer.parallel", way, "Kielo writes the configuration for the model's own layers")


def _flash(reading: Reading, keys: dict[str, Any]) -> None:
    if "use_flash_attention_2" in reading.left:
        if reading.truth("use_flash_attention_2"):
            keys["attn_implementation"] = "flash_attention_2"
            reading.renamed("use_flash_attention_2", "trainer.attn_implementation", "flash_attention_2")
        else:
            reading.note("dropped", "use_flash_attention_2", "false: the model's default")


def _same_names(reading: Reading, keys: dict[str, Any]) -> None:
    """Take the keys that a recipe spells alike, say why others are dropped, and suggest for the rest."""
    known, why = trainer_keys(reading.task), reasons()
    for key in list(reading.left):
        value = reading.take(key)
        if key in why:
            reading.note("dropped", key, why[key])
        elif key in (*DPO_ONLY, *SFT_ONLY) and key not in known:
            another = key == "loss_type" and value != "nll"  # the one of these keys that both of TRL's trainers read
            why_not = (
                f"{short(value)}: fine-tuning is by likelihood (nll) alone"
                if another
                else f"it does nothing in {reading.task}"
            )
            reading.note("dropped", key, why_not)
        elif key not in known:
            reading.note("unknown", key, suggestion(key, [*known, *why]))
        else:
            try:
                keys[key] = trainer_value(key, value)
            except ValueError as error:
                reading.note("unknown", key, f"a recipe refuses {short(value)}: {error}")
                continue
            reading.note("kept", key, f"{short(keys[key])}{_spelling(key)}")


def _spelling(key: str) -> str:
    return " (passed on as warmup_steps, as TRL spells it now)" if key == "warmup_ratio" else ""


def loss_on(reading: Reading) -> str:
    """Take the keys that say which tokens are trained."""
    chosen = "all"
    for key, part, why in (
        ("completion_only_loss", "last", "on `messages` TRL masks nothing for it"),
        ("assistant_only_loss", "assistant", ""),
    ):
        if key in reading.left:
            if reading.truth(key):
                chosen = part
                reading.renamed(key, "sft.loss_on", part, why)
            else:
                reading.note("dropped", key, "false: every token is trained (sft.loss_on: all)")
    return chosen


def preference_loss(reading: Reading, keys: dict[str, Any]) -> None:
    """Spell `rpo_alpha` as TRL does now: a second loss with its weight."""
    alpha = reading.take("rpo_alpha")
    if alpha is None:
        return
    first = reading.take("loss_type") or "sigmoid"
    keys |= {"loss_type": [first, "sft"], "loss_weights": [1.0, alpha]}
    reading.renamed("rpo_alpha", "trainer.loss_type, trainer.loss_weights", [keys["loss_type"], keys["loss_weights"]])
