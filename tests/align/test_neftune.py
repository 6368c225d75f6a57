"""NEFTune: the paper's formula per document, whatever the padding; nothing on padding, in evaluation or in a reference pass."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from align import neftune


def test_noise_has_the_scale_of_each_rows_own_length() -> None:
    import torch

    torch.manual_seed(0)
    lengths, width, alpha = (10, 40, 100), 512, 5.0
    mask = torch.tensor([[1] * length + [0] * (100 - length) for length in lengths])
    drawn = neftune.noise(torch.zeros(3, 100, width), mask, alpha)
    for row, length in zip(drawn, lengths, strict=True):
        limit = alpha / math.sqrt(length * width)
        assert 0.99 * limit < row[:length].abs().max() <= limit
        # The norm of uniform noise in [-1, 1] times alpha / sqrt(L d) is alpha / sqrt(3), whatever L and d are.
        assert row[:length].norm().item() == pytest.approx(alpha / math.sqrt(3), rel=0.03)
        assert not row[length:].any()


def test_more_padding_is_the_same_scale() -> None:
    import torch

    def norm(padded: int) -> float:
        torch.manual_seed(1)
        mask = torch.zeros(1, padded, dtype=torch.long)
        mask[:, :20] = 1
        return neftune.noise(torch.zeros(1, padded, 256), mask, 5.0).norm().item()

    assert norm(20) == pytest.approx(norm(200), rel=0.05)


@pytest.fixture
def model(tiny: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny)


def test_only_training_passes_get_noise(model: Any) -> None:
    import torch

    ids = torch.tensor([[5, 6, 7, 8]])
    clean = model.eval()(input_ids=ids).logits
    detach = neftune.attach(model, 5.0)
    assert torch.equal(model(input_ids=ids).logits, clean), "evaluation"
    model.train()
    assert not torch.equal(model(input_ids=ids).logits, clean), "training"
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, clean), "a reference pass"
    torch.manual_seed(3)
    first = model(input_ids=ids).logits
    torch.manual_seed(3)
    assert torch.equal(model(input_ids=ids).logits, first), "drawn from torch's generator, which checkpoints keep"
    detach()
    assert torch.equal(model(input_ids=ids).logits, clean)


def test_the_hook_sees_the_batchs_mask(model: Any) -> None:
    import torch

    seen: dict[str, Any] = {}
    neftune.attach(model, 5.0)
    model.get_input_embeddings().register_forward_hook(lambda module, args, output: seen.update(output=output.detach()))
    ids = torch.tensor([[5, 6, 7, 8], [5, 6, 1, 1]])
    model.train()(input_ids=ids, attention_mask=torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]))
    noise = seen["output"] - model.get_input_embeddings().weight[ids].detach()
    width = noise.shape[-1]
    assert not noise[1, 2:].any()
    assert 0.8 * 5 / math.sqrt(2 * width) < noise[1, :2].abs().max() <= 5 / math.sqrt(2 * width) + 1e-6


@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan])
def test_a_noise_that_is_none_is_refused(model: Any, alpha: float) -> None:
    with pytest.raises(ValueError, match="neftune_noise_alpha"):
        neftune.attach(model, alpha)
