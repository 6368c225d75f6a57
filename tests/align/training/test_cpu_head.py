"""The output layer for CPU gives TRL's numbers and gradients, and TRL's own head those of plain cross-entropy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from align.training import cpu_head

FIELDS = ("log_probs", "entropy", "mean_logits", "is_top1")


def load(tiny: Path, fused: bool, ours: bool) -> Any:
    from transformers import AutoModelForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    model = AutoModelForCausalLM.from_pretrained(tiny)
    if fused:
        add_fused_lm_head(model, outputs=FIELDS)
    if ours:
        cpu_head.attach(model)
    return model


def test_the_same_loss_metrics_and_gradients(tiny: Path) -> None:
    import torch

    ids = torch.arange(2, 62).reshape(4, 15)
    mask = torch.ones_like(ids)
    mask[2:, 10:] = 0
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :4] = -100
    plain, fused, ours = load(tiny, False, False), load(tiny, True, False), load(tiny, True, True)
    reference = plain(input_ids=ids, attention_mask=mask, labels=labels).loss
    outputs = [model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True) for model in (fused, ours)]
    for name in FIELDS:
        assert torch.allclose(outputs[0][name].float(), outputs[1][name].float(), atol=1e-5), name
    for loss in (reference, outputs[0].loss, outputs[1].loss):
        assert loss.item() == pytest.approx(reference.item(), abs=1e-5)
        loss.backward()
    for one, other, third in zip(plain.parameters(), fused.parameters(), ours.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-6) and torch.allclose(one.grad, third.grad, atol=1e-6)
    assert torch.equal(ours(input_ids=ids).logits, plain(input_ids=ids).logits), "generation is unchanged"


def test_models_that_rescale_logits_keep_trls_head(tiny: Path) -> None:
    model = load(tiny, False, False)
    assert cpu_head.fits(model)
    model.config.logit_scale = 0.5
    assert not cpu_head.fits(model)
