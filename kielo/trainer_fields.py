"""The trainer keys a recipe may set: TRL's own names (a test holds them against the installed TRL) and three of ours."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Scheduler = Literal[
    "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "inverse_sqrt",
    "reduce_lr_on_plateau", "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay", "greedy",
]  # fmt: skip
OURS = ("global_batch_size", "warmup_ratio", "dtype")
DPO_ONLY = (
    "loss_type", "loss_weights", "label_smoothing", "precompute_ref_log_probs", "precompute_ref_batch_size", "ld_alpha",
    "f_divergence_type", "disable_dropout", "sync_ref_model", "ref_model_mixup_alpha", "ref_model_sync_steps",
)  # fmt: skip


class Trainer(BaseModel):
    """Keys of `sft.trainer` and `dpo.trainer`; an absent key leaves the field to the level above, then to TRL's default."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    global_batch_size: int | None = Field(
        None,
        gt=0,
        description="conversations (or pairs) per optimiser step over all devices; gradient accumulation follows from it",
    )
    warmup_ratio: float | None = Field(
        None, ge=0, lt=1, description="share of the steps that warm up (TRL now spells it as a float warmup_steps)"
    )
    dtype: str | None = Field(
        None,
        pattern="^(float32|bfloat16|float16)$",
        description="number format the weights are loaded in; default float32 (under bf16 autocast on GPUs), bfloat16 for LoRA on GPUs",
    )
    learning_rate: float | None = Field(None, gt=0)
    num_train_epochs: float | None = Field(None, gt=0)
    max_steps: int | None = Field(None, gt=0)
    per_device_train_batch_size: int | None = Field(
        None, gt=0, description="conversations (or pairs) in one device's memory at once"
    )
    max_length: int | None = Field(None, gt=0, description="tokens; longer rows are cut and counted")
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
    fsdp: str | None = None
    fsdp_config: dict[str, Any] | None = None
    deepspeed: str | None = None
    ddp_timeout: int | None = Field(None, gt=0, description="seconds")
    logging_steps: float | None = Field(None, gt=0)
    save_steps: float | None = Field(None, gt=0)
    save_total_limit: int | None = Field(None, gt=0)
    dataloader_num_workers: int | None = Field(None, ge=0)
    report_to: str | list[str] | None = None
    activation_offloading: bool | None = None
    loss_type: str | list[str] | None = None
    loss_weights: list[float] | None = None
    label_smoothing: float | None = Field(None, ge=0, lt=0.5)
    precompute_ref_log_probs: bool | None = None
    precompute_ref_batch_size: int | None = Field(None, gt=0)
    ld_alpha: float | None = Field(None, ge=0, le=1)
    f_divergence_type: str | None = None
    disable_dropout: bool | None = None
    sync_ref_model: bool | None = None
    ref_model_mixup_alpha: float | None = None
    ref_model_sync_steps: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one_length(self) -> Trainer:
        if self.max_steps is not None and self.num_train_epochs is not None:
            raise ValueError("give num_train_epochs or max_steps, not both")
        return self

    def set_keys(self) -> dict[str, Any]:
        """List only the keys that the recipe sets."""
        return self.model_dump(exclude_unset=True, exclude_none=True)
