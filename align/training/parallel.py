"""How several processes share one training: DDP, FSDP2 or DeepSpeed ZeRO-3, spelled out for the model's own layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from align.machine import Machine
from align.training.job import Job
from kielo.errors import MissingExtraError, RecipeError
from kielo.records import write_json

Kind = Literal["alone", "ddp", "fsdp2", "zero3"]
FILE = "parallel.json"


@dataclass(frozen=True)
class Parallel:
    """The way that was chosen, as transformers' TrainingArguments and the libraries' environment have it."""

    kind: Kind
    arguments: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Read by transformers when it loads a model: the Trainer's own arguments come too late for that."""


def choose(job: Job, machine: Machine) -> Kind:
    """Choose how the processes share the model; a recipe's `trainer.parallel` holds wherever there are several.

    Raises:
        RecipeError: quantised weights cannot be shared out.
    """
    if machine.processes == 1:
        return "alone"
    quantised = bool(job.lora and job.lora.get("quantise"))
    written = job.trainer.get("parallel")
    if quantised and written in ("fsdp2", "zero3"):
        raise RecipeError(
            f"{job.kind}.trainer.parallel: {written} cannot share out weights of {job.lora and job.lora['quantise']}; use ddp, or leave lora.quantise out."
        )
    return written or ("ddp" if machine.device == "cpu" or quantised else "fsdp2")


def render(job: Job, machine: Machine, given: Mapping[str, Any]) -> Parallel:
    """Spell out the trainer's arguments for the way that is chosen; `given` are those that do not depend on it.

    Raises:
        RecipeError: quantised weights cannot be shared out.
        MissingExtraError: ZeRO-3 is asked for without DeepSpeed.
    """
    kind = choose(job, machine)
    off = {"fsdp": None, "fsdp_config": None, "deepspeed": None}
    if kind == "fsdp2":
        config = fsdp2(job, bool(given["gradient_checkpointing"])) | dict(job.trainer.get("fsdp_config") or {})
        loading = str(config["cpu_ram_efficient_loading"]).lower()
        # gradients that wait for the next micro-batch would be whole ones, on every process: no 34B model has room for that
        shared_out = {"gradient_accumulation_kwargs": {"sync_each_batch": True}}
        return Parallel(
            kind,
            # FSDP checkpoints whole layers itself; both at once would compute them three times
            {
                **off,
                "fsdp": True,
                "fsdp_config": config,
                "gradient_checkpointing": False,
                "accelerator_config": shared_out,
            },
            {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_CPU_RAM_EFFICIENT_LOADING": loading},
        )
    if kind == "zero3":
        _need_deepspeed(job)
        config = merged(zero3(job, machine, given), job.trainer.get("deepspeed") or {})
        on_cpu = {"use_cpu": False, "accelerator_config": {"use_configured_state": True}}
        return Parallel(
            kind,
            {**off, "deepspeed": config, **(on_cpu if machine.device == "cpu" else {})},
            {"ACCELERATE_USE_DEEPSPEED": "true"},
        )
    return Parallel(kind, off)


def fsdp2(job: Job, activation_checkpointing: bool) -> dict[str, Any]:
    """Render FSDP2: the first process alone loads the model, checkpoints are written by every process for its part."""
    return {
        "version": 2, "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "transformer_layer_cls_to_wrap": layer_classes(job.model, job.revision), "reshard_after_forward": True,
        "cpu_offload": False, "cpu_ram_efficient_loading": True, "state_dict_type": "SHARDED_STATE_DICT",
        "activation_checkpointing": activation_checkpointing,
    }  # fmt: skip


def zero3(job: Job, machine: Machine, given: Mapping[str, Any]) -> dict[str, Any]:
    """Render ZeRO-3 with every number spelled out: `auto` is filled in by whoever launches, and differently."""
    from transformers import AutoConfig

    width = AutoConfig.from_pretrained(job.model, revision=job.revision).get_text_config().hidden_size
    micro, accumulation = given["per_device_train_batch_size"], given["gradient_accumulation_steps"]
    return {
        "train_batch_size": micro * accumulation * machine.processes, "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": accumulation, "gradient_clipping": given.get("max_grad_norm", 1.0),
        "bf16": {"enabled": bool(given.get("bf16"))}, "fp16": {"enabled": bool(given.get("fp16"))},
        "zero_optimization": {
            "stage": 3, "overlap_comm": True, "contiguous_gradients": True,
            "offload_optimizer": {"device": "none"}, "offload_param": {"device": "none"},
            "sub_group_size": 1_000_000_000, "reduce_bucket_size": width * width,
            "stage3_prefetch_bucket_size": width * width * 9 // 10, "stage3_param_persistence_threshold": 10 * width,
            "stage3_max_live_parameters": 1_000_000_000, "stage3_max_reuse_distance": 1_000_000_000,
            "stage3_gather_16bit_weights_on_model_save": True,
        },
        "zero_allow_untested_optimizer": True, "steps_per_print": 1_000_000_000, "wall_clock_breakdown": False,
    }  # fmt: skip


def _need_deepspeed(job: Job) -> None:
    if find_spec("deepspeed") is None:
        raise MissingExtraError(
            f"{job.kind}.trainer.parallel: zero3 needs the package deepspeed; pip install -e '.[zero3]', or use fsdp2."
        )


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Put one nested mapping over another."""
    return dict(base) | {
        key: merged(base[key], value) if isinstance(value, Mapping) and isinstance(base.get(key), Mapping) else value
        for key, value in over.items()
    }


def layer_classes(model: str, revision: str | None) -> list[str]:
    """Name the classes of a model's decoder layers, each of which is gathered as one; no weight is loaded."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        config = AutoConfig.from_pretrained(model, revision=revision)
        skeleton: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    present = {type(module).__name__ for module in skeleton.modules()}
    # some models name layers of a vision part, too, which the text model here does not have
    named = sorted(present & set(skeleton._no_split_modules or ()))
    lists = [module for module in skeleton.modules() if isinstance(module, torch.nn.ModuleList)]
    return named or sorted({type(layer).__name__ for layer in max(lists, key=len)})


def start(parallel: Parallel, machine: Machine, make: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Make the trainer's arguments, and with them the process group; a model is loaded after that."""
    os.environ.update(parallel.environment)
    if parallel.kind == "zero3" and machine.device == "cpu":
        from accelerate import PartialState

        PartialState(backend="gloo")  # TrainingArguments would ask DeepSpeed for no backend at all
    arguments = make(parallel.arguments)
    if parallel.kind == "fsdp2" and machine.device == "cpu":
        from accelerate.utils import DistributedType

        # accelerate 1.15 shards for every kind of process but MULTI_CPU, which it passes over without a word; nothing
        # in what it then does needs more than torch's own FSDP2, and that runs on gloo
        arguments.distributed_state.distributed_type = DistributedType.MULTI_GPU
    return arguments


def wait_for_all() -> None:
    """Wait until every process of the training has come this far."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.barrier()


def leave(parallel: Parallel) -> None:
    """Undo what `start` set, so that the first process can load a model by itself."""
    for name in parallel.environment:
        os.environ.pop(name, None)
    if parallel.kind == "zero3":
        from transformers.integrations.deepspeed import unset_hf_deepspeed_config

        unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]


def add_up_in_32_bits(trainer: Any, parallel: Parallel) -> None:
    """Let FSDP2 add gradients up over processes in 32 bits, as DDP does; accelerate would in the 16 of the arithmetic."""
    if parallel.kind != "fsdp2":
        return
    from dataclasses import replace

    import torch

    plugin = trainer.accelerator.state.fsdp_plugin
    if plugin.mixed_precision_policy is not None:
        plugin.mixed_precision_policy = replace(plugin.mixed_precision_policy, reduce_dtype=torch.float32)


def write_file(job: Job, machine: Machine, parallel: Parallel) -> None:
    """Write parallel.json beside the job, for a person to read what was used."""
    used = {"kind": parallel.kind, "processes": machine.processes, "device": machine.device}
    write_json(job.folder / FILE, {**used, "arguments": parallel.arguments, "environment": parallel.environment})
