"""Model weights in and out of a training: rows for added tokens, adapters, and the folder that evaluation and dpo load."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from align.tokens.token_file import TOKENIZER
from align.training.job import Job
from align.training.parallel import Parallel, leave
from kielo.errors import MissingExtraError, RecipeError
from kielo.models import loading, model_file

MODEL = "model"


def load_model(job: Job, tokenizer: Any, dtype: str, to_merge: bool = False) -> Any:
    """Load the model to start from; tokens it did not have begin as the mean of those it had.

    A quantised model is loaded so for training, and as it is `to_merge` adapters into.

    Raises:
        RecipeError: the model cannot be loaded, or not be run with the attention that the recipe names.
        MissingExtraError: quantised weights are asked for without bitsandbytes.
    """
    import torch
    from transformers import AutoModelForCausalLM

    quantise = None if to_merge or job.lora is None else job.lora.get("quantise")
    quantised = _quantised(job, quantise) if quantise else {}
    attention = job.trainer.get("attn_implementation")
    with loading(job.model):
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                job.model,
                revision=job.revision,
                dtype=getattr(torch, dtype),
                attn_implementation=attention,
                **quantised,
            )
        except (ValueError, ImportError) as error:
            if attention is None:
                raise
            raise RecipeError(f"{job.kind}.trainer.attn_implementation: {error}") from error
    for part in _of_images(model).values():
        part.requires_grad_(False)  # text gives it no gradients, and DDP would wait for them
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    if job.added_token_ids:
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            _set_to_mean(layer, job.added_token_ids)
    if quantise:
        from peft import prepare_model_for_kbit_training

        # activation checkpointing is set by the trainer's arguments
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    return model


def _quantised(job: Job, bits: str) -> dict[str, Any]:
    """Describe the quantisation to transformers: QLoRA's own (NF4, quantised twice), or LLM.int8."""
    if find_spec("bitsandbytes") is None:
        raise MissingExtraError(
            f"{job.kind}.lora.quantise: {bits} needs the package bitsandbytes; pip install -e '.[qlora]', or leave the key out."
        )
    import torch
    from transformers import BitsAndBytesConfig

    on_gpu = torch.cuda.is_available()
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=bits == "4bit", load_in_8bit=bits == "8bit", bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16 if on_gpu else torch.float32,
    )  # fmt: skip
    return {"quantization_config": config, "device_map": {"": torch.cuda.current_device() if on_gpu else "cpu"}}


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

    targets, beside = job.lora["target_modules"], "|".join(_of_images(model))
    return LoraConfig(
        r=job.lora["r"], lora_alpha=job.lora["lora_alpha"], lora_dropout=job.lora["lora_dropout"],
        target_modules=targets if isinstance(targets, str) else list(targets), task_type="CAUSAL_LM",
        trainable_token_indices=_rows_to_train(job, model), exclude_modules=rf".*\b({beside})\b.*" if beside else None,
    )  # fmt: skip


def _of_images(model: Any) -> dict[str, Any]:
    """Find the parts of a model that stand beside its decoder and read images, by name."""
    if getattr(model.config, "vision_config", None) is None:
        return {}
    decoder = model.get_decoder()
    return {name: part for name, part in model.model.named_children() if part is not decoder}


def _rows_to_train(job: Job, model: Any) -> dict[str, list[int]] | None:
    """Name the layers in which added tokens have rows: the input embedding, and the output layer where it has its own."""
    if not job.added_token_ids:
        return None
    names = {id(module): name.rpartition(".")[2] for name, module in model.named_modules()}
    layers = [model.get_input_embeddings()]
    if not model.config.get_text_config().tie_word_embeddings:
        layers.append(model.get_output_embeddings())
    return {names[id(layer)]: list(job.added_token_ids) for layer in layers}


def save_model(trainer: Any, job: Job, shared: Parallel) -> None:
    """Write the trained model to `model/`, whole and in the number format that it is kept in.

    Every process must call it: sharded weights are gathered; the first process writes aside, then renames.
    """
    kept = _kept_format(job)
    state = _gathered(trainer, shared, kept if job.lora is None else None)
    if not trainer.is_world_process_zero():
        return
    aside, part = job.folder / ".trained", job.folder / f".{MODEL}.part"
    for folder in (aside, part):
        shutil.rmtree(folder, ignore_errors=True)
    trained = trainer.accelerator.unwrap_model(trainer.model)
    trained.save_pretrained(str(aside), state_dict=state)
    del state
    leave(shared)
    _write_final(aside, part, job, trainer.processing_class, kept)
    shutil.rmtree(job.folder / MODEL, ignore_errors=True)
    part.rename(job.folder / MODEL)
    shutil.rmtree(aside)


def _kept_format(job: Job) -> Any:
    """Choose the number format of the finished model: the 16-bit one that the recipe asks for, else the start model's."""
    import torch
    from transformers import AutoConfig

    asked = job.trainer.get("dtype")
    if asked in ("bfloat16", "float16"):
        return getattr(torch, asked)
    return AutoConfig.from_pretrained(job.model, revision=job.revision).dtype or torch.float32


def _gathered(trainer: Any, shared: Parallel, kept: Any) -> dict[str, Any]:
    """Gather what was trained on the first process, tensor by tensor, so that no other one holds the whole model.

    `kept`: the format to gather in, half the memory of what was trained; None: as trained, and adapters alone.
    """
    import torch

    first, adapters_alone = trainer.is_world_process_zero(), kept is None
    if shared.kind == "zero3":
        engine = trainer.model_wrapped
        state = engine._zero3_consolidated_16bit_state_dict(exclude_frozen_parameters=adapters_alone)
        return dict(state or {})
    model = trainer.accelerator.unwrap_model(trainer.model)
    frozen = _frozen(model) if adapters_alone else set()
    found = {}
    for name, value in model.state_dict().items():
        if name in frozen:
            continue
        whole = value.full_tensor() if hasattr(value, "full_tensor") else value
        if first:
            found[name] = whole.detach().to("cpu", kept if kept and torch.is_floating_point(whole) else None)
    return found


def _frozen(model: Any) -> set[str]:
    """Name the parameters that are not trained, as a state dict does: without the wrapper of activation checkpointing."""
    names = (name for name, value in model.named_parameters() if not value.requires_grad)
    return {name.replace("_checkpoint_wrapped_module.", "") for name in names}


def _write_final(trained: Path, final: Path, job: Job, tokenizer: Any, kept: Any) -> None:
    """Load what was trained in the format it is kept in, merge adapters, say where generation stops, and write it."""
    from transformers import AutoModelForCausalLM

    if job.lora is None:
        model = AutoModelForCausalLM.from_pretrained(str(trained), dtype=kept)
    else:
        from peft import PeftModel

        base = load_model(job, tokenizer, "float32", to_merge=True)  # in 32 bits, rounded once
        model = PeftModel.from_pretrained(base, str(trained)).merge_and_unload().to(kept)
    model.config.use_cache = True
    stops = model.generation_config.eos_token_id
    own = stops if isinstance(stops, list) else [stops if stops is not None else tokenizer.eos_token_id]
    model.generation_config.eos_token_id = list(dict.fromkeys(i for i in (job.stop_token_id, *own) if i is not None))
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(str(final))
    for file in (*(Path(job.tokens) / TOKENIZER).iterdir(), *_image_files(job)):
        shutil.copy2(file, final / file.name)
    for weights in final.glob("*.safetensors"):  # safetensors lets nobody else read them, whatever the umask
        shutil.copymode(final / "config.json", weights)


def _image_files(job: Job) -> Iterator[Path]:
    """Find how images are prepared, where a model takes them, too: servers do not load it without."""
    found = (
        model_file(job.model, name, job.revision) for name in ("preprocessor_config.json", "processor_config.json")
    )
    return (file for file in found if file is not None)
