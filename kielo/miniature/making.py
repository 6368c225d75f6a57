"""Makes a miniature: a model of random weights in a given architecture, with its tokenizer, in a folder like any model's."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from kielo.miniature.shape import config_of, miniature_of
from kielo.miniature.tokenizer import train_tokenizer
from kielo.records import read_json, write_json

RECORD = "miniature.json"
SEED = 0


def make_miniature(model: str, folder: Path, revision: str | None = None, chat_template: str | None = None) -> Path:
    """Make a miniature of a model (a Hub id or a folder) as a folder of its own below `folder`, and return that; one that is there stays.

    `chat_template`: the text of one to give it, for models that are asked in messages; default: the model's own, if it has one.

    Raises:
        RecipeError: nothing is known of the model's architecture or of its tokenizer.
    """
    config = config_of(model, revision)
    out = folder / _folder_name(model)
    made_of = {"miniature of": model, "revision": revision, "config": config, "chat_template": chat_template}
    if read_json(out / RECORD) == made_of:
        return out
    aside = folder / f".{out.name}.part"
    for place in (aside, out):
        shutil.rmtree(place, ignore_errors=True)
    tokenizer = train_tokenizer(model, revision)
    tokenizer.chat_template = chat_template or tokenizer.chat_template
    network = _random(miniature_of(config, len(tokenizer)), tokenizer)
    network.save_pretrained(str(aside))
    tokenizer.save_pretrained(str(aside))
    write_json(aside / RECORD, made_of)
    aside.rename(out)
    return out


def _folder_name(model: str) -> str:
    """Tell models of one name apart: by their owner on the Hub, or by the folder that they lie in."""
    if model.count("/") == 1 and not model.startswith((".", "/")):
        return model.replace("/", "--")
    return f"{Path(model).name}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def _random(config: dict[str, Any], tokenizer: Any) -> Any:
    """Make the network with random weights, in the number format of the model's own files."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    written = config.pop("dtype", None) or config.pop("torch_dtype", None) or "float32"
    ends = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    kind = config.pop("model_type")
    if "text_config" in config:
        config["text_config"] |= ends
    settings = AutoConfig.for_model(kind, **config, **ends)
    generator = torch.random.get_rng_state()
    torch.manual_seed(SEED)
    network: Any = AutoModelForCausalLM.from_config(settings)  # type: ignore[no-untyped-call]
    torch.random.set_rng_state(generator)
    network.generation_config = GenerationConfig(**ends)  # type: ignore[no-untyped-call]
    return network.to(getattr(torch, written))
