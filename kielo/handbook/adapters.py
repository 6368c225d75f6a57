"""The adapters (LoRA, QLoRA) of an alignment-handbook or TRL file, as a recipe writes them."""

from __future__ import annotations

from typing import Any

from kielo.errors import RecipeError
from kielo.handbook.reading import Reading, short

_TARGETS_REFUSED = ("lm_head", "embed_out")


def adapters(reading: Reading) -> dict[str, Any] | None:
    """Take the adapters' keys; None where all weights are trained.

    Raises:
        RecipeError: a value cannot be read.
    """
    written = {key: reading.left[key] for key in reading.left if key.startswith(("lora_", "load_in_", "use_peft"))}
    used = reading.truth("use_peft") if "use_peft" in reading.left else False
    if not used:
        for key in written:
            reading.take(key)
            reading.note(
                "dropped",
                key,
                "false: all weights are trained" if key == "use_peft" else "without use_peft it does nothing",
            )
        return None
    reading.note("renamed", "use_peft", "lora: is given")
    lora = {name: reading.take(key) for key, name in _LORA.items() if reading.left.get(key) is not None}
    for key, name in _LORA.items():
        if name in lora:
            reading.renamed(key, f"lora.{name}", lora[name])
    lora = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.05, **lora}
    _targets(reading, lora)
    for key, bits in (("load_in_4bit", "4bit"), ("load_in_8bit", "8bit")):
        if key in reading.left and reading.truth(key):
            lora["quantise"] = bits
            reading.renamed(key, "lora.quantise", bits)
        elif key in written:
            reading.note("dropped", key, "false")
    return lora


_LORA = {"lora_r": "r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout"}


def _targets(reading: Reading, lora: dict[str, Any]) -> None:
    targets = reading.take("lora_target_modules")
    if targets is None or targets == "all-linear":
        if targets is not None:
            reading.renamed("lora_target_modules", "lora.target_modules", targets)
        return
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        raise RecipeError(f"{reading.path}: lora_target_modules: a list of layers is needed, not {short(targets)}.")
    kept = [target for target in targets if target not in _TARGETS_REFUSED]
    out = (
        f"without {', '.join(sorted(set(targets) - set(kept)))}: TRL trains no adapter on the output layer"
        if kept != targets
        else ""
    )
    lora |= {"target_modules": kept} if kept else {}
    reading.renamed("lora_target_modules", "lora.target_modules", kept or "all-linear", out)
