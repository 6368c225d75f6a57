"""Tiny random models of four architectures: with rotary positions (Llama, Qwen3), sliding windows (Gemma-3), and ALiBi (BLOOM)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

VOCABULARY = 96
ISOLATING = ("llama", "qwen3", "gemma3")
ARCHITECTURES = (*ISOLATING, "bloom")
_ATTENTION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
_GROUPED = {**_ATTENTION, "num_key_value_heads": 2, "head_dim": 8}
_TOKENS = {"vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def make(architecture: str) -> Any:
    """Make a model whose weights are larger than usual, so that what differs shows; deterministic, no dropout."""
    import torch
    import transformers

    torch.manual_seed(0)
    spread: dict[str, Any] = {**_TOKENS, "initializer_range": 0.2}
    if architecture == "llama":
        config: Any = transformers.LlamaConfig(**_ATTENTION, **spread)
        return transformers.LlamaForCausalLM(config)
    if architecture == "qwen3":
        return transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**_GROUPED, **spread))
    if architecture == "gemma3":
        layers = ["sliding_attention", "full_attention"]
        config = transformers.Gemma3TextConfig(**_GROUPED, **spread, sliding_window=6, layer_types=layers)
        return transformers.Gemma3ForCausalLM(config)
    assert architecture == "bloom"
    return transformers.BloomForCausalLM(transformers.BloomConfig(hidden_size=32, n_layer=2, n_head=4, **spread))


def conversations(lengths: Sequence[int] = (17, 5, 9, 12, 30, 4), answers_only: bool = False) -> list[dict[str, Any]]:
    """Make rows of tokens of these lengths; the labels are all tokens or, of each, the second half."""
    import torch

    generator = torch.Generator().manual_seed(1)
    rows = []
    for length in lengths:
        ids = torch.randint(3, VOCABULARY, (length,), generator=generator).tolist()
        masked = length // 2 if answers_only else 0
        rows.append({"input_ids": ids, "labels": [-100] * masked + ids[masked:]})
    return rows


@pytest.fixture(params=ARCHITECTURES)
def any_model(request: pytest.FixtureRequest) -> Any:
    """Every architecture in turn."""
    return make(request.param)
