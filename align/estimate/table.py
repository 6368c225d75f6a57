"""The estimates of a plan as a narrow table for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from align.estimate.hardware import Hardware
from align.estimate.trainings import UTILISATION, Estimate
from kielo.plan import Step
from kielo.text_table import aligned

_HEAD = ("training", "rows", "steps", "batch", "tokens", "GB", "hours", "device-h")
_LEFT = (0, 4)  # names stand at the left, numbers at the right


def table(found: Sequence[Estimate], said: Sequence[str], given: Hardware) -> str:
    """Write one line for each training, then what was assumed."""
    rows = [_HEAD, *(_cells(each, given) for each in found)]
    notes = [
        f"for {given.words}; batch: devices x most at once x passes; tokens: of one epoch; GB: on each device",
        *said,
    ]
    if any(too_large(each, given) for each in found):
        notes.append(
            f"!: more than the {given.memory_gb:g} GB of a device; take more devices, a smaller batch at once or lora"
        )
    return "\n".join([*aligned(rows, _LEFT), *(f"  {note}" for note in notes)])


def _cells(each: Estimate, given: Hardware) -> tuple[str, ...]:
    amount, mark = each.amount, "~" * each.amount.guessed
    by_language = sorted(amount.by_language.items(), key=lambda item: -item[1])
    tokens = " ".join(f"{code} {mark}{_tokens(count)}" for code, count in by_language)
    steps = _number(each.steps) if each.kind != "reference" else "-"
    spread = f"{each.devices}x{each.batches.per_device}"
    if each.kind != "reference":
        spread = f"{each.global_batch_size}: {spread}x{each.batches.accumulation}"
    held = "?" if each.gb is None else f"{short(each.gb)}{'!' * too_large(each, given)}"
    hours = [("?" if value is None else f"{mark}{short(value)}") for value in (each.hours, each.device_hours)]
    rows = "~" * amount.expected + _number(amount.rows)
    return (each.name, rows, steps, spread, tokens or "?", held, *hours)


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _tokens(count: int) -> str:
    return f"{short(count / 1e6)}M" if count >= 1e6 else f"{short(count / 1e3)}k"


def short(value: float) -> str:
    """Write a number with what its size makes worth reading."""
    return (
        f"{value:.0f}"
        if value >= 100
        else f"{value:.1f}"
        if value >= 1
        else f"{value:.2g}"
        if value >= 0.01
        else "<0.01"
    )


def too_large(each: Estimate, given: Hardware) -> bool:
    """Say whether a training does not fit into its devices."""
    return each.gb is not None and given.memory_gb is not None and each.gb > given.memory_gb


def to_document(
    found: Sequence[Estimate], said: Sequence[str], given: Hardware, steps: Sequence[Step]
) -> dict[str, Any]:
    """Spell the plan and its estimates out for JSON."""
    listed = [
        {"name": each.name, "kind": each.kind, "accelerator": each.accelerator, "inputs": list(each.inputs)}
        for each in steps
    ]
    return {
        "devices": given.devices, "device": given.name, "device_memory_gb": given.memory_gb, "tflops": given.tflops,
        "utilisation": UTILISATION, "steps": listed, "trainings": [plain(each) for each in found],
        "assumptions": list(said),
    }  # fmt: skip


def plain(each: Estimate) -> dict[str, Any]:
    """Spell one estimate out for JSON."""
    amount = each.amount
    return {
        "name": each.name, "kind": each.kind, "conversations": amount.rows, "estimated": amount.guessed, "expected": amount.expected,
        "tokens": amount.tokens, "tokens_by_language": dict(amount.by_language), "longest_row": amount.longest_row,
        "steps_per_epoch": each.steps_per_epoch, "steps": each.steps, "rows_by_batch": each.quotient, "global_batch_size": each.global_batch_size,
        "per_device": each.batches.per_device, "accumulation": each.batches.accumulation,
        "memory_bytes": each.memory_bytes and {name: round(held) for name, held in each.memory_bytes.items()},
        "hours": each.hours, "device_hours": each.device_hours,
    }  # fmt: skip
