"""The size of a model, counted from its config.json, or from a list of known ones, without loading it; kielo plan estimates memory and time from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from kielo.models import model_file
from kielo.provenance import CHECKOUT
from kielo.strict_yaml import load

SHAPES = CHECKOUT / "recipes" / "models" / "shapes.yaml"


@dataclass(frozen=True)
class Family:
    """How the models of one `model_type` are built, as far as their parameters are counted."""

    gated: bool = True
    """Whether the MLP has a gate beside its way up and down."""
    tied: bool = False
    """Whether the output layer is the input embedding, where config.json does not say."""
    bias: bool = False
    """Whether linear layers and norms have biases."""
    qkv_bias: bool = False
    norms: int = 2
    """Norms of a layer over the hidden size."""
    head_norms: bool = False
    """Whether queries and keys are normalised head by head."""
    embedding_norm: bool = False
    positions: bool = False
    """Whether positions are learnt."""
    eager: bool = False
    """Whether transformers has no attention for it but the plain one, which holds every score."""


FAMILIES: Mapping[str, Family] = {
    "llama": Family(), "mistral": Family(), "phi3": Family(), "qwen2": Family(qkv_bias=True),
    "qwen3": Family(head_norms=True), "gemma": Family(tied=True), "gemma2": Family(tied=True, norms=4),
    "gemma3_text": Family(tied=True, norms=4, head_norms=True), "smollm3": Family(tied=True),
    "bloom": Family(gated=False, tied=True, bias=True, embedding_norm=True, eager=True),
    "mpt": Family(gated=False, tied=True, eager=True), "gpt2": Family(gated=False, tied=True, bias=True, positions=True),
    "gpt_neox": Family(gated=False, bias=True),
}  # fmt: skip


@dataclass(frozen=True)
class ModelShape:
    """A decoder's size; counts of single numbers, not of bytes."""

    parameters: int
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int
    layer_parameters: int
    linear: tuple[tuple[int, int], ...]
    """The linear maps of one layer, as (inputs, outputs): what low-rank adapters are put on."""
    gated: bool
    eager: bool
    context: int | None
    """Most tokens it reads, where config.json says so."""
    saved_bytes: int = 4
    """Of one number in its files."""
    listed: bool = False
    """Whether it is taken from the list of known models, for want of a config.json."""


def read_shape(model: str, revision: str | None) -> ModelShape | str:
    """Count a model's parameters; where that cannot be done, say why in half a sentence."""
    file = model_file(model, "config.json", revision)
    if file is None and (config := _listed(model)) is not None:
        config = config.get("text_config", config)
        return replace(count(config, FAMILIES[config["model_type"]]), listed=True)
    if file is None:
        return f"the config.json of {model} is not on this machine; fetch it with: hf download {model} config.json"
    try:
        config = json.loads(file.read_text("utf-8"))
    except ValueError:
        return f"{file.name} of {model} is no JSON"
    config = config.get("text_config", config)
    family = FAMILIES.get(config.get("model_type", ""))
    if family is None:
        return f"no parameter count for models of type {config.get('model_type')}; known: {', '.join(FAMILIES)}"
    try:
        return count(config, family)
    except KeyError as error:
        return f"{file.name} of {model} does not say {error.args[0]}"


def _listed(model: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = _known_shapes().get(model)
    return found


@cache
def _known_shapes() -> dict[str, Any]:
    return load(SHAPES)[0]


def count(config: Mapping[str, Any], family: Family) -> ModelShape:
    """Count the parameters that the fields of a config.json describe.

    Raises:
        KeyError: a field that every model of this type has is missing.
    """
    hidden, layers = _first(config, "hidden_size", "n_embed", "d_model", "n_embd"), _first(config, *_LAYERS)
    heads, vocabulary = _first(config, *_HEADS), _first(config, "vocab_size")
    head = config.get("head_dim") or hidden // heads
    kv = config.get("num_key_value_heads") or heads
    inner = config.get("intermediate_size") or config.get("n_inner") or config.get("expansion_ratio", 4) * hidden
    linear = _linear(hidden, heads * head, kv * head, inner, family.gated)
    layer = sum(rows * columns for rows, columns in linear) + _small(config, family, linear, hidden, head)
    context = next((config[name] for name in CONTEXT if config.get(name)), None)
    ends = vocabulary * hidden * (1 if config.get("tie_word_embeddings", family.tied) else 2)
    norm = hidden * (1 + family.bias)
    ends += norm * (1 + family.embedding_norm) + (hidden * (context or 0) if family.positions else 0)
    return ModelShape(
        layers * layer + ends, layers, hidden, heads, inner, vocabulary, layer, linear, family.gated, family.eager, context,
        _BYTES.get(config.get("dtype") or config.get("torch_dtype") or "", 4),
    )  # fmt: skip


_BYTES = {"bfloat16": 2, "float16": 2}
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers")
_HEADS = ("num_attention_heads", "n_head", "n_heads")
CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")


def _first(config: Mapping[str, Any], *names: str) -> int:
    for name in names:
        if config.get(name):
            return int(config[name])
    raise KeyError(names[0])


def _linear(hidden: int, queries: int, keys: int, inner: int, gated: bool) -> tuple[tuple[int, int], ...]:
    up = ((hidden, inner),) * (2 if gated else 1)
    return ((hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden), *up, (inner, hidden))


def _small(
    config: Mapping[str, Any], family: Family, linear: tuple[tuple[int, int], ...], hidden: int, head: int
) -> int:
    """Count what a layer has beside its linear maps: norms and biases."""
    norms = family.norms * hidden * (1 + family.bias) + (2 * head if family.head_norms else 0)
    attention = sum(out for _, out in linear[:3])
    outputs = attention if family.qkv_bias or family.bias or config.get("attention_bias") else 0
    outputs += linear[3][1] if family.bias or (config.get("attention_bias") and not family.qkv_bias) else 0
    return norms + outputs + (sum(out for _, out in linear[4:]) if family.bias or config.get("mlp_bias") else 0)
