"""From a job to TRL's arguments: batch arithmetic, precision, steps, and everything that the result depends on made explicit."""

from __future__ import annotations

import math
from typing import Any

from align.batches.arithmetic import plan_batches
from align.machine import Machine
from align.training.job import CHECKPOINTS, Job
from align.training.reporting import report_arguments
from kielo.errors import RecipeError
from kielo.schema.trainer import OURS

_CHECKPOINTS_PER_RUN, _MOST_LOGS = 10, 100


def weights_dtype(job: Job, machine: Machine) -> str:
    """Choose the number format the weights are trained in.

    Full training keeps 32-bit weights under 16-bit arithmetic: with bfloat16 weights and no 32-bit copy, updates at
    preference-tuning rates (5e-7) are lost in rounding (trl#5138). Adapters are 32-bit by themselves.
    """
    written = job.trainer.get("dtype")
    return str(written) if written else "bfloat16" if job.lora and machine.bf16 else "float32"


def _count(steps: float, total: int) -> int:
    """Read a number of steps as TRL does: below 1 it is a share of all steps."""
    return math.ceil(steps * total) if steps < 1 else int(steps)


def trainer_arguments(job: Job, machine: Machine) -> dict[str, Any]:
    """Spell out the arguments of SFTConfig or DPOConfig.

    Raises:
        RecipeError: the batch sizes do not divide, or a key is not for this machine.
    """
    batches = plan_batches(job, machine)
    written = {key: value for key, value in job.trainer.items() if key not in OURS}
    if written.get("activation_offloading") and machine.device == "cpu":
        raise RecipeError(
            f"{job.kind}.trainer.activation_offloading moves to the CPU, where this training is; leave it out."
        )
    logging_steps = _count(written.get("logging_steps") or max(1, min(10, batches.steps // _MOST_LOGS)), batches.steps)
    between_saves = math.ceil(batches.steps / _CHECKPOINTS_PER_RUN / logging_steps) * logging_steps
    precision = {"bf16": machine.bf16 and not written.get("fp16"), "use_cpu": machine.device == "cpu"}
    own = {
        "output_dir": str(job.folder / CHECKPOINTS), "seed": job.seed, "data_seed": job.seed,
        "gradient_accumulation_steps": batches.accumulation, "num_train_epochs": 3.0,
        "warmup_steps": job.trainer.get("warmup_ratio", 0.0), "average_tokens_across_devices": True,
        "gradient_checkpointing": machine.device != "cpu", "dataloader_pin_memory": machine.device != "cpu",
        "ddp_find_unused_parameters": False, "disable_tqdm": True, "log_level": "warning",
        "logging_nan_inf_filter": False, "save_strategy": "steps", "push_to_hub": False,
    }  # fmt: skip
    # checkpoints.mark removes old ones once the new one is whole; transformers would do so before that is known
    fixed = {
        "save_total_limit": None,
        "max_length": None,
        "per_device_train_batch_size": batches.per_device,
        "logging_steps": logging_steps,
        **report_arguments(job),
    }
    if job.kind == "sft":
        fixed |= {"packing": False}
    else:
        own |= {"beta": job.beta}
    return {**own, **precision, "save_steps": between_saves, **written, **fixed}
