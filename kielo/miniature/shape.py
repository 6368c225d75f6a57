"""The config of a miniature: a model's own config.json with every size cut down, and every choice of architecture left as it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from kielo.errors import RecipeError
from kielo.models import POCKET, model_file
from kielo.provenance import CHECKOUT
from kielo.records import read_json
from kielo.strict_yaml import load

SHAPES = CHECKOUT / "recipes" / "models" / "shapes.yaml"
HEAD, INNER, WINDOW = 32, 256, 16
_HEADS = ("num_attention_heads", "n_head", "n_heads")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers")
_HIDDEN = ("hidden_size", "n_embed", "n_embd", "d_model")
_INNER = ("intermediate_size", "n_inner", "ffn_dim")
_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id", "image_token_id", "boi_token_id", "eoi_token_id", "image_token_index", "boi_token_index", "eoi_token_index")  # fmt: skip
_OF_FILES = ("_name_or_path", "architectures", "auto_map", "quantization_config", "transformers_version")
_IMAGE = {"image_size": 28, "patch_size": 14}
_IMAGE_TOKENS = 4
"""Patches of an image of that size."""


def config_of(model: str, revision: str | None = None) -> dict[str, Any]:
    """Find a model's config: listed in recipes/models/shapes.yaml, in its folder, or fetched from the Hub.

    Raises:
        RecipeError: it is in none of these places.
    """
    path = str(POCKET) if model == "pocket" else model
    listed = _listed().get(model)
    file = None if listed else model_file(path, "config.json", revision)
    found = listed or (read_json(file) if file else None)
    if found is None:
        raise RecipeError(
            f"model {model}: its architecture is not known here, so there is no miniature of it; hf download {model} config.json tokenizer.json tokenizer_config.json, or describe it in recipes/models/."
        )
    return dict(found)


@cache
def _listed() -> dict[str, Any]:
    return load(SHAPES)[0]


def miniature_of(config: Mapping[str, Any], vocabulary: int) -> dict[str, Any]:
    """Cut the sizes of a config down, its text and vision parts, too; layers of every kind that it has remain."""
    small = {key: value for key, value in config.items() if key not in (*_OF_FILES, *_TOKENS)}
    for part in ("text_config", "vision_config"):
        if part in small:
            small[part] = miniature_of(small[part], vocabulary)
    if "mm_tokens_per_image" in small:
        small["mm_tokens_per_image"] = _IMAGE_TOKENS
    if _named(config, _HIDDEN) is None:
        return small
    small |= _attention(config) | _layers(config)
    small |= {key: INNER for key in _INNER if config.get(key)}
    small |= {key: size for key, size in _IMAGE.items() if key in config}
    if "vocab_size" in config:
        small["vocab_size"] = vocabulary
    if config.get("sliding_window"):
        small["sliding_window"] = WINDOW
    return small


def _named(config: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if config.get(name)), None)


def _size(config: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return int(config[_named(config, names) or names[0]])


def _attention(config: Mapping[str, Any]) -> dict[str, int]:
    """Keep how queries share keys, whether heads fill the hidden size, and a number of heads that is no power of two (ALiBi)."""
    heads, hidden = _size(config, _HEADS), _size(config, _HIDDEN)
    few = 4 if heads & (heads - 1) == 0 else 6
    groups = config.get("num_key_value_heads")
    fills = config.get("head_dim", hidden // heads) * heads == hidden
    sizes = {
        str(_named(config, _HEADS)): few,
        str(_named(config, _HIDDEN)): few * HEAD if fills else (few - 1) * HEAD,
    }
    if groups:
        sizes["num_key_value_heads"] = few if groups == heads else 1 if groups == 1 else 2
    return sizes | {name: HEAD for name in ("head_dim", "query_pre_attn_scalar") if name in config}


def _layers(config: Mapping[str, Any]) -> dict[str, Any]:
    """Take one layer of each kind, two at least: sliding and full attention, with and without positions."""
    name, kinds = str(_named(config, _LAYERS)), list(dict.fromkeys(config.get("layer_types", ())))
    layers: dict[str, Any] = {name: max(2, len(kinds))}
    if kinds:
        layers["layer_types"] = (kinds * 2)[: layers[name]]
    for pattern in ("sliding_window_pattern", "_sliding_window_pattern", "no_rope_layer_interval"):
        if config.get(pattern):
            layers[pattern] = 2  # every second layer is of the rarer kind
    if config.get("no_rope_layers"):
        layers["no_rope_layers"] = [1, 0]
    return layers
