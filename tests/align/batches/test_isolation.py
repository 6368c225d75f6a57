"""The packing probe on real architectures: Llama, Qwen3 and Gemma-3 keep documents apart, BLOOM and MPT do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from align.batches.arrange import Room
from align.batches.collate import Collator
from align.batches.isolation import Isolation, measure, packed_layout
from align.batches.layout import ChooseLayout
from align.batches.steps import MicroBatches
from tests.align.architectures import ISOLATING, VOCABULARY, make


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("architecture", ISOLATING)
def test_documents_are_kept_apart(architecture: str, attention: str) -> None:
    model = make(architecture)
    model.set_attn_implementation(attention)
    found = measure(model.train(), "packed")
    assert found.holds and found.packed < 1e-5 and found.joined > 0.1
    assert model.training, "the probe leaves the model as it was"
    assert "do not see each other" in found.sentence(architecture)


def mpt() -> Any:
    import torch
    from transformers import MptConfig, MptForCausalLM

    torch.manual_seed(0)
    return MptForCausalLM(MptConfig(vocab_size=VOCABULARY, d_model=32, n_layers=2, n_heads=4, initializer_range=0.2))


@pytest.mark.parametrize("architecture", ["bloom", "mpt"])
def test_alibi_models_mix_documents(architecture: str) -> None:
    found = measure(mpt() if architecture == "mpt" else make(architecture), "packed")
    assert not found.holds and found.packed == pytest.approx(found.joined, rel=1e-3), "as if one document followed"
    assert "trained unpacked" in found.sentence(architecture)


@pytest.mark.parametrize(("architecture", "holds"), [("llama", True), ("gemma3", True), ("bloom", False)])
def test_rounding_in_16_bits_is_no_leak(architecture: str, holds: bool) -> None:
    import torch

    assert measure(make(architecture).to(torch.bfloat16), "packed").holds is holds


def test_a_difference_as_large_as_a_neighbours_is_a_leak_however_loud_the_noise() -> None:
    assert Isolation(packed=0.3, joined=1.0, tolerance=0.5).holds
    assert not Isolation(packed=0.6, joined=1.0, tolerance=5.0).holds
    assert not Isolation(packed=0.3, joined=1.0, tolerance=0.2).holds


def test_attention_that_takes_the_documents_lengths_gets_one_row() -> None:
    flash: Any = SimpleNamespace(config=SimpleNamespace(_attn_implementation="kernels-community/flash-attn3"))
    assert packed_layout(flash) == "flat" and packed_layout(make("llama")) == "packed"


@pytest.mark.parametrize(("architecture", "layout"), [("llama", "packed"), ("bloom", "padded")])
def test_training_packs_where_the_probe_allows(
    architecture: str, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    batches, collate = MicroBatches([5] * 4, 4, 7, Room(100, 4)), Collator(0)
    batches.wanted = "packed"
    arguments = SimpleNamespace(device="cpu", process_index=0)
    ChooseLayout(batches, collate).on_train_begin(arguments, None, None, model=make(architecture))
    assert (batches.layout, collate.layout) == (layout, layout)
    said = capsys.readouterr().err
    assert ("packed documents see each other on bloom" in said) is (layout == "padded")
