"""NEFTune: noise on the input embeddings while training, scaled by each document's own length as the paper has it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def noise(embeddings: torch.Tensor, mask: torch.Tensor | None, alpha: float) -> torch.Tensor:
    """Draw uniform noise of at most alpha / sqrt(L * d), L being the tokens of each row and d the width.

    NEFTune (Jain et al. 2024, algorithm 1) means the length of the sequence; transformers uses the padded one, so its
    noise depends on the batch (transformers#34659). Padding gets none. `mask` is (rows, tokens), 1 on real tokens.
    """
    import torch

    rows, tokens, width = embeddings.shape
    if mask is None:
        mask = torch.ones(rows, tokens, device=embeddings.device)
    real = mask.to(torch.float32)
    scale = alpha / torch.sqrt(real.sum(dim=1).clamp(min=1) * width)
    uniform = torch.rand(embeddings.shape, device=embeddings.device, dtype=torch.float32) * 2 - 1
    return (uniform * scale[:, None, None] * real[:, :, None]).to(embeddings.dtype)


def attach(model: Any, alpha: float) -> Callable[[], None]:
    """Add NEFTune to a model's training passes (not to evaluation or a reference pass); returns how to take it off.

    Raises:
        ValueError: alpha is no positive number.
    """
    import torch

    if not (math.isfinite(alpha) and alpha > 0):
        raise ValueError(f"neftune_noise_alpha must be a positive number, not {alpha}")
    current: dict[str, Any] = {}

    def remember(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        current["mask"] = kwargs.get("attention_mask")

    def add(module: Any, args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor:
        # A reference pass runs the policy itself under no_grad when adapters are trained.
        if not (module.training and torch.is_grad_enabled()):
            return output
        return output + noise(output, current.get("mask"), alpha)

    hooks = (
        model.register_forward_pre_hook(remember, with_kwargs=True),
        model.get_input_embeddings().register_forward_hook(add),
    )

    def detach() -> None:
        for hook in hooks:
            hook.remove()

    return detach
