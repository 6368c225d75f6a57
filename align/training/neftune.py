"""NEFTune: noise on the input embeddings while training, scaled by each document's own length as the paper has it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def noise(embeddings: torch.Tensor, lengths: torch.Tensor, alpha: float) -> torch.Tensor:
    """Draw uniform noise of at most alpha / sqrt(L * d), L being the length of each token's document and d the width.

    NEFTune (Jain et al. 2024, algorithm 1) means the length of the sequence; transformers uses that of the padded or
    flattened row, so its noise depends on the batch (transformers#34659). `lengths` is (rows, tokens), 0 on padding,
    which gets none.
    """
    import torch

    known = lengths.to(torch.float32)
    scale = alpha / torch.sqrt(known.clamp(min=1) * embeddings.shape[-1]) * (known > 0)
    uniform = torch.rand(embeddings.shape, device=embeddings.device, dtype=torch.float32) * 2 - 1
    return (uniform * scale[:, :, None]).to(embeddings.dtype)


def document_lengths(
    shape: tuple[int, int], mask: torch.Tensor | None, positions: torch.Tensor | None
) -> torch.Tensor:  # fmt: skip
    """Tell of every token how long its document is: (rows, tokens), 0 on padding.

    A row is one document, its tokens those of the mask; without a mask, a document begins at every position 0, and one
    of a single token is padding (`align/batches/collate.py`).
    """
    import torch

    if mask is not None:
        return mask.sum(dim=1, keepdim=True) * mask
    if positions is None:
        return torch.full(shape, shape[1])
    numbers = (positions.expand(shape) == 0).cumsum(dim=1)
    counts = torch.zeros(shape[0], shape[1] + 1, dtype=torch.long, device=positions.device)
    counts.scatter_add_(1, numbers, torch.ones_like(numbers))
    lengths = counts.gather(1, numbers)
    return lengths * (lengths > 1)


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
        current.update({name: kwargs.get(name) for name in ("attention_mask", "position_ids")})

    def add(module: Any, args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor:
        # A reference pass runs the policy itself under no_grad when adapters are trained.
        if not (module.training and torch.is_grad_enabled()):
            return output
        shape = (output.shape[0], output.shape[1])
        lengths = document_lengths(shape, current.get("attention_mask"), current.get("position_ids"))
        return output + noise(output, lengths.to(output.device), alpha)

    hooks = (
        model.register_forward_pre_hook(remember, with_kwargs=True),
        model.get_input_embeddings().register_forward_hook(add),
    )

    def detach() -> None:
        for hook in hooks:
            hook.remove()

    return detach
