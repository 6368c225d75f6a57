"""Probes of the model as it is trained: number format, attention, packed documents, and the noise that NEFTune really adds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from align.batches import isolation
from align.machine import Machine
from align.probes.findings import Finding

_TOKENS = 64  # of the longer of the two documents that noise is measured on
_NEAR = 0.2  # relative; what is measured is a mean of thousands of draws


def world(machine: Machine, expected: str | None) -> Finding:
    """Compare the processes of this training with those that the launcher's environment announces."""
    plural = "process" if machine.processes == 1 else "processes"
    sentence = f"{machine.processes} {plural} on {machine.device}"
    if expected is None or int(expected) == machine.processes:
        return Finding("world size", True, f"{sentence}.")
    return Finding("world size", False, f"{sentence}, but {expected} are expected; each would train by itself.")


def number_format(model: Any, expected: str, bf16: bool) -> Finding:
    """Compare the weights' number format with the one that the training is to have; adapters may be in 32 bits."""
    found = sorted({str(each.dtype).removeprefix("torch.") for each in model.parameters() if each.is_floating_point()})
    arithmetic = "bfloat16" if bf16 else "that of the weights"
    sentence = f"weights in {' and '.join(found)}, arithmetic in {arithmetic}"
    # TRL trains adapters on quantised weights in bfloat16, as QLoRA does
    adapters = {"bfloat16"} if getattr(model, "is_quantized", False) else set()
    if set(found) <= {expected, "float32"} | adapters:
        return Finding("number format", True, f"{sentence}.")
    return Finding("number format", False, f"{sentence}, but {expected} is wanted; set trainer.dtype.")


def attention(model: Any, asked: str | None) -> Finding:
    """Compare the attention that transformers chose with the one that the recipe names."""
    found = str(model.config._attn_implementation)
    if asked is None or asked == found:
        return Finding("attention", True, f"{found}.")
    return Finding("attention", False, f"{found}, but trainer.attn_implementation asks for {asked}.")


def packing(model: Any, asked: bool | None) -> Finding:
    """Measure whether packed documents see each other; it is a fault only where the recipe asks for packing."""
    found = isolation.measure(model, isolation.packed_layout(model))
    return Finding("packing", found.holds or not asked, f"{found.sentence(model.config.model_type)}.")


def rows_of(layout: str) -> Finding:
    """Say how the rows of a training are made up; packed ones only where that was measured not to matter (`layout.py`)."""
    if layout == "padded":
        return Finding("packing", True, "every row holds one conversation.")
    return Finding("packing", True, "rows hold several conversations, measured on this model not to see each other.")


def noise(model: Any, rows: Sequence[Sequence[int]], alpha: float, pad: int) -> Finding:
    """Measure NEFTune's noise where it enters the model, on two padded documents, against alpha / sqrt(L * d).

    The noise is attached already. What is drawn here leaves no trace in the random numbers of the training.
    """
    import torch

    first = list(rows[0])[:_TOKENS]
    documents = [first, list(rows[-1])[: len(first) // 2]]
    width = max(map(len, documents))
    device = next(model.parameters()).device
    ids = torch.tensor([each + [pad] * (width - len(each)) for each in documents], device=device)
    mask = torch.tensor([[1] * len(each) + [0] * (width - len(each)) for each in documents], device=device)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        drawn = _embedded(model, ids, mask, training=True) - _embedded(model, ids, mask, training=False)
    means = {}
    for row, document in zip(drawn.abs(), documents, strict=True):
        means[len(document)] = float(row[: len(document)].mean())
        if float(row[len(document) :].sum()) > 0:
            return Finding("NEFTune noise", False, "padding gets noise, which the paper's formula does not know.")
    return _against_formula(means, alpha, drawn.shape[-1])


def _against_formula(means: Mapping[int, float], alpha: float, depth: int) -> Finding:
    """Compare mean sizes of noise by document length with those of uniform noise of at most alpha / sqrt(L * d)."""
    formula = {length: alpha / (length * depth) ** 0.5 / 2 for length in means}
    shown = ", ".join(
        f"{means[length]:.4g} on {length} tokens (the formula's is {wanted:.4g})" for length, wanted in formula.items()
    )
    near = all(abs(means[length] / wanted - 1) < _NEAR for length, wanted in formula.items())
    sentence = f"alpha {alpha:g}, width {depth}: of mean size {shown}."
    return Finding("NEFTune noise", near, sentence)


def _embedded(model: Any, ids: Any, mask: Any, training: bool) -> Any:
    """Catch what enters the first layer."""
    caught = []
    hook = model.get_input_embeddings().register_forward_hook(lambda *given: caught.append(given[-1].detach().float()))
    try:
        with _in_mode(model, training):
            model(input_ids=ids, attention_mask=mask, use_cache=False)
    finally:
        hook.remove()
    return caught[0]


@contextlib.contextmanager
def _in_mode(model: Any, training: bool) -> Iterator[None]:
    before = model.training
    model.train(training)
    try:
        yield
    finally:
        model.train(before)
