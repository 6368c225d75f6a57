"""The output layer for training on CPU: trained positions only, ordinary autograd; the same numbers as TRL's, sooner."""

from __future__ import annotations

import functools
import types
from typing import Any

_RESCALES_LOGITS = (
    "final_logit_softcapping",
    "logit_scale",
    "output_multiplier",
    "lm_head_multiplier",
    "logits_scaling",
)


def fits(model: Any) -> bool:
    """Tell whether a model's logits are its output layer's values as they are, with no auxiliary loss."""
    config = model.config.get_text_config()
    rescaled = any(getattr(config, name, None) not in (None, 1, 1.0) for name in _RESCALES_LOGITS)
    return not rescaled and not hasattr(config, "output_router_logits")


def attach(model: Any) -> None:
    """Answer TRL's `fused_lm_head=True` calls of a model on CPU.

    TRL's own fused head is made for Triton. On CPU it scores every position, trained or not, and multiplies by the
    output layer again in the backward pass: a training step of the pocket model takes 1.7 times as long.
    """
    fused = model.forward

    @functools.wraps(type(model).forward)
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Any = None, **kwargs: Any) -> Any:
        if not fused_lm_head or labels is None or kwargs.get("shift_labels") is not None:
            return fused(*args, fused_lm_head=fused_lm_head, labels=labels, **kwargs)
        kwargs.pop("num_items_in_batch", None)
        hidden = self.base_model(*args, **{**kwargs, "use_cache": False}).last_hidden_state[:, :-1]
        return _score(self.get_output_embeddings(), hidden, labels[:, 1:])

    model.forward = types.MethodType(forward, model)


def _score(output_layer: Any, hidden: Any, labels: Any) -> Any:
    """Compute, of every trained position, what TRL's losses and metrics read; zero elsewhere. hidden: (rows, tokens, width)."""
    import torch
    from trl.trainer.utils import FusedCausalLMOutput

    mask = labels != -100
    targets = labels[mask]
    logits = output_layer(hidden[mask]).float()
    log_probs = -torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    with torch.no_grad():
        # log p(target) = its logit - log of the partition; entropy = log of the partition - the expected logit
        partition = logits.gather(1, targets[:, None])[:, 0] - log_probs
        entropy = partition - torch.linalg.vecdot(torch.exp(logits - partition[:, None]), logits)
        values = {"entropy": entropy, "mean_logits": logits.mean(dim=-1), "is_top1": logits.argmax(dim=-1) == targets}
    spread = {name: value.new_zeros(mask.shape).masked_scatter(mask, value) for name, value in values.items()}
    scored = log_probs.new_zeros(mask.shape).masked_scatter(mask, log_probs)
    return FusedCausalLMOutput(
        loss=-log_probs.sum() / mask.sum().clamp(min=1), log_probs=scored, label_mask=mask, **spread
    )
