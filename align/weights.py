"""Model weights in and out of a training: rows for added tokens, adapters, and the folder that evaluation and dpo load."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from align.job import TOKENIZER, Job

MODEL = "model"


def load_model(job: Job, tokenizer: Any, dtype: str) -> Any:
    """Load the model to start from; tokens it did not have begin as the mean of those it had."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(job.model, revision=job.revision, dtype=getattr(torch, dtype))
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    if job.added_token_ids:
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            _set_to_mean(layer, job.added_token_ids)
    return model


def _set_to_mean(layer: Any, ids: tuple[int, ...]) -> None:
    import torch

    for values in (layer.weight, getattr(layer, "bias", None)):
        if values is None:
            continue
        with torch.no_grad(), _whole(values):
            values[list(ids)] = values[: ids[0]].float().mean(dim=0).to(values.dtype)


def _whole(parameter: Any) -> contextlib.AbstractContextManager[Any]:
    """Gather a parameter that DeepSpeed ZeRO-3 has spread over the processes."""
    if not hasattr(parameter, "ds_id"):
        return contextlib.nullcontext()
    import deepspeed  # type: ignore[import-not-found]

    gathered: contextlib.AbstractContextManager[Any] = deepspeed.zero.GatheredParameters([parameter], modifier_rank=0)
    return gathered


def adapter_config(job: Job, model: Any) -> Any:
    """Describe the adapters of a LoRA training to peft; None for a full one. The rows of added tokens are trained with them."""
    if job.lora is None:
        return None
    from peft import LoraConfig

    targets = job.lora["target_modules"]
    return LoraConfig(
        r=job.lora["r"], lora_alpha=job.lora["lora_alpha"], lora_dropout=job.lora["lora_dropout"],
        target_modules=targets if isinstance(targets, str) else list(targets), task_type="CAUSAL_LM",
        trainable_token_indices=_rows_to_train(job, model),
    )  # fmt: skip


def _rows_to_train(job: Job, model: Any) -> dict[str, list[int]] | None:
    """Name the layers in which added tokens have rows: the input embedding, and the output layer where it has its own."""
    if not job.added_token_ids:
        return None
    names = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    layers = [model.get_input_embeddings()]
    if not model.config.get_text_config().tie_word_embeddings:
        layers.append(model.get_output_embeddings())
    return {names[id(layer)]: list(job.added_token_ids) for layer in layers}


def save_model(trainer: Any, job: Job) -> None:
    """Write the trained model to `model/`, whole and in the number format of the model it started from.

    Every process must call it: sharded weights are gathered; the first process writes aside, then renames.
    """
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not trainer.is_world_process_zero():
        return
    aside, part = job.folder / ".trained", job.folder / f".{MODEL}.part"
    for folder in (aside, part):
        shutil.rmtree(folder, ignore_errors=True)
    trained = trainer.accelerator.unwrap_model(trainer.model)
    trained.save_pretrained(str(aside), state_dict=state)
    _write_final(aside, part, job, trainer.processing_class)
    shutil.rmtree(job.folder / MODEL, ignore_errors=True)
    part.rename(job.folder / MODEL)
    shutil.rmtree(aside)


def _write_final(trained: Path, final: Path, job: Job, tokenizer: Any) -> None:
    """Load what was trained in the format it is kept in, merge adapters, say where generation stops, and write it."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kept = AutoConfig.from_pretrained(job.model, revision=job.revision).dtype or torch.float32
    if job.lora is None:
        model = AutoModelForCausalLM.from_pretrained(str(trained), dtype=kept)
    else:
        from peft import PeftModel

        base = load_model(job, tokenizer, "float32")  # merged in 32 bits, rounded once
        model = PeftModel.from_pretrained(base, str(trained)).merge_and_unload().to(kept)
    model.config.use_cache = True
    stops = model.generation_config.eos_token_id
    own = stops if isinstance(stops, list) else [stops if stops is not None else tokenizer.eos_token_id]
    model.generation_config.eos_token_id = list(dict.fromkeys(i for i in (job.stop_token_id, *own) if i is not None))
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(str(final))
    for file in (job.folder / TOKENIZER).iterdir():
        shutil.copy2(file, final / file.name)
