"""What the trainings of a plan cost, before any is run: conversations, steps, tokens, memory per device and hours, for `kielo plan`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.batches.arithmetic import Batches, epochs, global_batch_size, plan_batches
from align.estimate.amounts import LETTERS_PER_TOKEN, Amount, amount_of
from align.estimate.disk import Disk, disk
from align.estimate.expected import LETTERS
from align.estimate.hardware import Hardware, known_devices
from align.estimate.memory import Setting, memory
from align.estimate.model_shape import ModelShape, read_shape
from align.machine import Machine
from kielo.plan import Step
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from kielo.schema.trainer import DEFAULT_GLOBAL_BATCH_SIZE

UTILISATION = 0.35
"""Share of a device's peak that trainings of this kind reach: an assumption, printed with every estimate."""


STATE = ("weights", "gradients", "optimiser")


@dataclass(frozen=True)
class Sketch:
    """What is known of a training before its job.json is written."""

    kind: str
    trainer: Mapping[str, Any]
    rows: int
    longest_row: int


@dataclass(frozen=True)
class Estimate:
    """What one training, or one reference pass, costs; None is what cannot be known yet."""

    name: str
    kind: str
    amount: Amount
    devices: int
    batches: Batches
    global_batch_size: int
    steps_per_epoch: int | None
    steps: int | None
    memory_bytes: Mapping[str, float] | None
    """By what it holds, on each device."""
    device_hours: float | None
    epochs: float | None = None
    """How often the rows are gone through; None where a number of steps is set, and for a reference pass."""
    disk: Disk | None = None

    @property
    def quotient(self) -> float | None:
        """Divide the rows of all epochs by the global batch: the steps, were each epoch's last one not a smaller one."""
        rows = self.amount.rows
        return None if rows is None or self.epochs is None else rows * self.epochs / self.global_batch_size

    @property
    def state_gb(self) -> float | None:
        """Give weights, gradients and optimiser of one device in GB: what is held before any activation."""
        held = self.memory_bytes
        return sum(held.get(name, 0.0) for name in STATE) / 1e9 if held else None

    @property
    def gb(self) -> float | None:
        """Give the memory of one device in GB (10^9 bytes)."""
        return sum(self.memory_bytes.values()) / 1e9 if self.memory_bytes else None

    @property
    def hours(self) -> float | None:
        """Give the hours on the clock."""
        return None if self.device_hours is None else self.device_hours / self.devices


def estimate(recipe: Recipe, plan: Sequence[Step], run: RunFolder, given: Hardware) -> tuple[list[Estimate], list[str]]:
    """Estimate every training of a plan; also says, sentence by sentence, what was assumed.

    Raises:
        RecipeError: a global batch cannot be spread over the devices.
    """
    shape = read_shape(recipe.model_path, recipe.revision)
    steps = [step for step in plan if step.kind in ("sft", "reference", "dpo")]
    found = [estimate_step(recipe, step, plan, run, shape, given) for step in steps]
    return found, assumptions(shape, given, found)


def estimate_step(
    recipe: Recipe, step: Step, plan: Sequence[Step], run: RunFolder, shape: ModelShape | str, given: Hardware
) -> Estimate:
    """Estimate one training or reference pass of a plan.

    Raises:
        RecipeError: the global batch cannot be spread over the devices.
    """
    tokens = next(each for each in plan if each.name in step.inputs and each.kind == "tokens")
    amount = amount_of(recipe, tokens, plan, run)
    sketch = _sketch(step, tokens, amount, shape, given.devices)
    batches = plan_batches(sketch, Machine(given.devices, "cpu" if given.name == "cpu" else "cuda", True))
    size = global_batch_size(sketch)
    per_epoch = math.ceil(amount.rows / size) if amount.rows else None
    steps = batches.steps if amount.rows else sketch.trainer.get("max_steps")
    held = hours = written = None
    if isinstance(shape, ModelShape) and sketch.longest_row:
        setting = setting_of(step, given)
        held = _held(shape, setting, sketch, batches, step.kind)
        hours = _device_hours(
            shape, setting, amount, steps / per_epoch if steps and per_epoch else None, step.kind, given
        )
        written = disk(shape, setting) if step.kind != "reference" else None
    through = None if sketch.trainer.get("max_steps") else epochs(sketch)
    if step.kind == "reference":
        per_epoch = steps = through = None
    return Estimate(
        step.name, step.kind, amount, given.devices, batches, size, per_epoch, steps, held, hours, through, written
    )


def _sketch(step: Step, tokens: Step, amount: Amount, shape: ModelShape | str, devices: int) -> Sketch:
    part = "sft" if step.kind == "sft" else "dpo"
    trainer = {**step.settings[part]["trainer"], **step.running}
    if step.kind == "reference":  # it reads the pairs once, as many at a time as there is room for
        at_once = trainer.get("per_device_train_batch_size", DEFAULT_GLOBAL_BATCH_SIZE)
        trainer = {**trainer, "num_train_epochs": 1, "global_batch_size": devices * at_once}
    context = shape.context if isinstance(shape, ModelShape) else None
    limit = tokens.settings[part]["trainer"]["max_length"]
    return Sketch(part, trainer, amount.rows or 0, amount.longest_row or limit or context or 0)


def _held(shape: ModelShape, setting: Setting, sketch: Sketch, batches: Batches, kind: str) -> dict[str, float]:
    sequences = batches.per_device * (1 if sketch.kind == "sft" else 2)
    held = memory(shape, setting, sequences, sketch.longest_row)
    return {name: held[name] for name in ("weights", "logits", "gathered")} if kind == "reference" else held


def setting_of(step: Step, given: Hardware) -> Setting:
    """Choose what the training itself would choose on such devices."""
    settings = step.settings["sft" if step.kind == "sft" else "dpo"]
    trainer, lora, cpu = {**settings["trainer"], **step.running}, settings.get("lora"), given.name == "cpu"
    quantised = bool(lora and lora.get("quantise"))
    parallel = trainer.get("parallel") or ("ddp" if cpu or quantised else "fsdp2")
    bf16 = bool(trainer.get("bf16", not cpu) or trainer.get("fp16"))
    return Setting(
        given.devices, parallel != "ddp", bf16, trainer.get("gradient_checkpointing", not cpu), trainer, lora
    )


def _device_hours(
    shape: ModelShape, setting: Setting, amount: Amount, epochs: float | None, kind: str, given: Hardware
) -> float | None:
    """Count a training's arithmetic: two operations a parameter and token forward, twice that backward (Kaplan 2020).

    Checkpointing computes every layer forward once more; adapters leave out the gradients of the weights.
    """
    if not amount.tokens or epochs is None or given.tflops is None:
        return None
    passes = 2 if setting.lora else 3
    passes += setting.checkpointing + bool(setting.trainer.get("sync_ref_model"))
    operations = 2 * shape.parameters * amount.tokens * epochs * (1 if kind == "reference" else passes)
    return operations / (given.tflops * 1e12 * UTILISATION) / 3600


def assumptions(shape: ModelShape | str, given: Hardware, found: Sequence[Estimate]) -> list[str]:
    """Say, sentence by sentence, what was assumed."""
    if isinstance(shape, str):
        said = [f"memory and hours are unknown: {shape}"]
    else:
        source = ", as recipes/models/shapes.yaml has it: its config.json is not on this machine" * shape.listed
        said = [f"a model of {shape.parameters:,} parameters{source}"]
        said.append(
            "memory is that of the longest rows, and of whole logits, which TRL computes in tiles where Triton runs"
        )
    if given.tflops is None:
        said.append(f"hours need a device: --device ({', '.join(known_devices())}), or --tflops")
    elif any(each.hours is not None for each in found):
        said.append(f"hours at {UTILISATION:.0%} of {given.tflops:g} TFLOPS a device: an assumption, not a measurement")
    if any(each.amount.guessed and not each.amount.expected for each in found):
        said.append(f"~: estimated from rows, {LETTERS_PER_TOKEN} characters a token; `kielo tokens` counts them")
    if any(each.amount.expected for each in found):
        said.append(
            f"~: rows as the recipe expects them, {LETTERS['sft']:,} characters a conversation, {LETTERS['dpo']:,} a pair, {LETTERS_PER_TOKEN} a token; `kielo translate` makes them"
        )
    if any(each.amount.rows is None for each in found):
        said.append("?: not known before `kielo mix` (for pairs `kielo translate`) has run")
    return said
