"""The trainer keys a recipe may set: TRL's own names (a test holds them against the installed TRL) and some of ours."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from kielo.schema.parts import Part

Scheduler = Literal[
    "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt",
    "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay",
]  # fmt: skip
"""Those of transformers that ask for no evaluation while a training runs."""
Service = Literal["none", "tensorboard", "trackio", "wandb"]
DEFAULT_GLOBAL_BATCH_SIZE = 128
OURS = ("global_batch_size", "warmup_ratio", "dtype", "attn_implementation", "parallel", "packing")
DPO_ONLY = (
    "loss_type", "loss_weights", "label_smoothing", "ld_alpha",
    "f_divergence_type", "disable_dropout", "sync_ref_model", "ref_model_mixup_alpha", "ref_model_sync_steps",
)  # fmt: skip
SFT_ONLY = ("packing", "label_smoothing_factor")  # the latter is passed over by TRL's preference losses
RUNNING = (
    "per_device_train_batch_size", "parallel", "fsdp_config", "deepspeed", "gradient_checkpointing", "activation_offloading",
    "ddp_timeout", "dataloader_num_workers", "save_steps", "save_total_limit", "report_to",
)  # fmt: skip
"""They change how fast a training runs and how much memory it needs, not what comes out: a training that ran out of memory goes on with others."""


class Trainer(Part):
    """Keys of `sft.trainer` and `dpo.trainer`; an absent key leaves the field to the level above, then to TRL's default."""

    global_batch_size: int | None = Field(
        None,
        gt=0,
        description=f"conversations (or pairs) per optimiser step over all devices; gradient accumulation follows from it; default: {DEFAULT_GLOBAL_BATCH_SIZE}",
    )
    warmup_ratio: float | None = Field(
        None, ge=0, lt=1, description="share of the steps that warm up (TRL now spells it as a float warmup_steps)"
    )
    dtype: str | None = Field(
        None,
        pattern="^(float32|bfloat16|float16)$",
        description="number format the weights are loaded in; default float32 (under bf16 autocast on GPUs), bfloat16 for LoRA on GPUs",
    )
    attn_implementation: str | None = Field(
        None, description="of transformers, such as sdpa, eager or flash_attention_2; default: the model's"
    )
    parallel: Literal["ddp", "fsdp2", "zero3"] | None = Field(
        None,
        description="how several processes share the model: ddp: each holds all of it; fsdp2, zero3 (DeepSpeed): each holds a part; default: fsdp2 on GPUs, ddp on CPU",
    )
    packing: bool | None = Field(
        None,
        description="sft: put several conversations into one row where the model keeps them apart (a probe looks); the optimiser's steps hold the same conversations either way; default: where it is faster",
    )
    learning_rate: float | None = Field(None, gt=0)
    num_train_epochs: float | None = Field(None, gt=0)
    max_steps: int | None = Field(None, gt=0)
    per_device_train_batch_size: int | None = Field(
        None, gt=0, description="conversations (or pairs) in one device's memory at once"
    )
    max_length: int | None = Field(
        None, gt=0, description="tokens; longer rows are counted, and cut or dropped (sft.over_length, dpo.accept)"
    )
    lr_scheduler_type: Scheduler | None = None
    lr_scheduler_kwargs: dict[str, Any] | None = None
    weight_decay: float | None = Field(None, ge=0)
    max_grad_norm: float | None = Field(None, ge=0)
    optim: str | None = None
    optim_args: str | None = None
    adam_beta1: float | None = Field(None, ge=0, lt=1)
    adam_beta2: float | None = Field(None, ge=0, lt=1)
    adam_epsilon: float | None = Field(None, gt=0)
    label_smoothing_factor: float | None = Field(None, ge=0, lt=1)
    bf16: bool | None = None
    fp16: bool | None = None
    tf32: bool | None = None
    gradient_checkpointing: bool | None = None
    use_liger_kernel: bool | None = None
    torch_compile: bool | None = None
    fsdp_config: dict[str, Any] | None = Field(None, description="keys over those that Kielo writes for fsdp2")
    deepspeed: dict[str, Any] | None = Field(None, description="keys over those that Kielo writes for zero3")
    ddp_timeout: int | None = Field(None, gt=0, description="seconds")
    logging_steps: float | None = Field(None, gt=0)
    save_steps: float | None = Field(None, gt=0)
    save_total_limit: int | None = Field(None, gt=0)
    dataloader_num_workers: int | None = Field(None, ge=0)
    report_to: Service | list[Service] | None = Field(
        None,
        description="show the metrics there, too, beside metrics.jsonl (their packages are yours to install); default: none",
    )
    activation_offloading: bool | None = None
    loss_type: str | list[str] | None = Field(
        None, description="one of TRL's preference losses, or several that are added up"
    )
    loss_weights: list[float] | None = Field(None, description="of several losses, one for each")
    label_smoothing: float | None = Field(None, ge=0, lt=0.5)
    ld_alpha: float | None = Field(None, ge=0, le=1)
    f_divergence_type: str | None = None
    disable_dropout: bool | None = None
    sync_ref_model: bool | None = Field(
        None,
        description="let the reference follow the model (TR-DPO); it is then kept in memory, else its log-probabilities are made once, before",
    )
    ref_model_mixup_alpha: float | None = None
    ref_model_sync_steps: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _keys_agree(self) -> Trainer:
        if self.max_steps is not None and self.num_train_epochs is not None:
            raise ValueError("give num_train_epochs or max_steps, not both")
        for key, way in (("fsdp_config", "fsdp2"), ("deepspeed", "zero3")):
            if getattr(self, key) is not None and self.parallel not in (None, way):
                raise ValueError(f"{key} would do nothing with parallel {self.parallel}; leave one of them out")
        return self
