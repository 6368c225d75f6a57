"""NEFTune: the paper's formula per document, in every layout; nothing on padding, in evaluation or in a reference pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from align.batches.arrange import Layout
from align.batches.collate import Collator, places
from align.training import neftune
from tests.align.architectures import conversations, make

ALPHA, WIDTH = 5.0, 512


def test_noise_has_the_scale_of_each_documents_own_length() -> None:
    import torch

    torch.manual_seed(0)
    lengths = torch.tensor([[10] * 10 + [40] * 40 + [0] * 50, [100] * 100])
    drawn = neftune.noise(torch.zeros(2, 100, WIDTH), lengths, ALPHA)
    for document, length in ((drawn[0, :10], 10), (drawn[0, 10:50], 40), (drawn[1], 100)):
        limit = ALPHA / math.sqrt(length * WIDTH)
        assert 0.99 * limit < document.abs().max() <= limit
        # The norm of uniform noise in [-1, 1] times alpha / sqrt(L d) is alpha / sqrt(3), whatever L and d are.
        assert document.norm().item() == pytest.approx(ALPHA / math.sqrt(3), rel=0.03)
    assert not drawn[0, 50:].any()


LENGTHS = (17, 5, 9, 12, 30, 4)


@pytest.mark.parametrize(
    ("layout", "micro_batches"),
    [("padded", ((0, 1, 2, 3, 4, 5),)), ("padded", ((4, 0), (3, 2), (1, 5))), ("packed", ((0, 1, 2, 3, 4, 5),)), ("flat", ((3, 1, 4),))],
    ids=["padded", "length-grouped", "packed", "flat"],
)  # fmt: skip
def test_lengths_are_the_documents_in_every_layout(layout: Layout, micro_batches: Sequence[Sequence[int]]) -> None:
    rows = conversations(LENGTHS)
    for held in micro_batches:
        lengths = [LENGTHS[place] for place in held]
        batch = Collator(0, layout)([rows[place] for place in held])
        shape = (batch["input_ids"].shape[0], batch["input_ids"].shape[1])
        found = neftune.document_lengths(shape, batch.get("attention_mask"), batch.get("position_ids"))
        for (row, start), length in zip(places(lengths, layout), lengths, strict=True):
            assert (found[row, start : start + length] == length).all()
            found[row, start : start + length] = 0
        assert not found.any(), "padding has no length"


def test_no_mask_and_no_positions_are_whole_rows() -> None:
    assert neftune.document_lengths((2, 7), None, None).tolist() == [[7] * 7] * 2


def embedded(model: Any, batch: dict[str, Any]) -> Any:
    """Run the model on a batch and give back what its embedding layer put out, less the embeddings."""
    import torch

    seen: dict[str, Any] = {}
    layer = model.get_input_embeddings()
    hook = layer.register_forward_hook(lambda module, args, output: seen.update(output=output.detach()))
    with torch.no_grad():  # where there is none
        clean = layer(batch["input_ids"])
    model(**{name: value for name, value in batch.items() if name != "labels"})
    hook.remove()
    return seen["output"] - clean


@pytest.mark.parametrize("layout", ["padded", "packed", "flat"])
@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_a_model_in_training_gets_that_noise(architecture: str, layout: Layout) -> None:
    import torch

    model, rows = make(architecture).train(), conversations(LENGTHS)
    batch = Collator(0, layout)(rows)
    model.eval()
    assert not embedded(model, batch).any()
    model.train()
    torch.manual_seed(0)
    detach = neftune.attach(model, ALPHA)
    found = embedded(model, batch)
    for (row, start), length in zip(places(LENGTHS, layout), LENGTHS, strict=True):
        limit = ALPHA / math.sqrt(length * found.shape[-1])
        assert 0.9 * limit < found[row, start : start + length].abs().max() <= limit + 1e-5
        found[row, start : start + length] = 0
    assert not found.any(), "noise on padding"
    detach()
    assert not embedded(model, batch).any()


def test_only_training_passes_get_noise() -> None:
    import torch

    model, ids = make("llama"), torch.tensor([[5, 6, 7, 8]])
    clean = model.eval()(input_ids=ids).logits
    neftune.attach(model, ALPHA)
    assert torch.equal(model(input_ids=ids).logits, clean), "evaluation"
    model.train()
    assert not torch.equal(model(input_ids=ids).logits, clean), "training"
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, clean), "a reference pass"
    torch.manual_seed(3)
    first = model(input_ids=ids).logits
    torch.manual_seed(3)
    assert torch.equal(model(input_ids=ids).logits, first), "drawn from torch's generator, which checkpoints keep"


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan])
def test_a_noise_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="neftune_noise_alpha"):
        neftune.attach(make("llama"), alpha)
