"""The choice of the next token in the `hf` engine: the likeliest one, or one drawn by the request's own random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from kielo.generation.protocol import Sampling


def uniforms(seed: int, count: int) -> Tensor:
    """Draw a request's random numbers, one per token, on the CPU: the same ones on every device and in every batch."""
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def choose(logits: Tensor, samplings: list[Sampling], draws: list[float]) -> Tensor:
    """Choose a token per row of logits [rows, vocabulary]; `draws` holds a number in [0, 1) per row."""
    greedy = logits.argmax(-1)
    if all(sampling.temperature == 0 for sampling in samplings):
        return greedy
    temperature = logits.new_tensor([sampling.temperature for sampling in samplings], dtype=torch.float32)
    top_p = logits.new_tensor([sampling.top_p for sampling in samplings], dtype=torch.float32)
    draw = logits.new_tensor(draws, dtype=torch.float32)
    drawn = _draw((logits.float() / temperature.clamp(min=1e-5)[:, None]).softmax(-1), top_p, draw)
    return torch.where(temperature > 0, drawn, greedy)


@torch.inference_mode()
def logprobs_of(logits: Tensor, chosen: Tensor) -> Tensor:
    """Give the natural-log probability of one chosen token per row of logits [rows, vocabulary]; float32 [rows]."""
    wide = logits.float()
    picked: Tensor = wide.gather(-1, chosen[:, None])[:, 0] - wide.logsumexp(-1)
    return picked


@torch.inference_mode()
def shares_of(logits: Tensor, options: Sequence[str], spellings: Callable[[str], Sequence[int]]) -> dict[str, float]:
    """Give the probability of each option to be the next token, from the logits [vocabulary], in all its spellings."""
    shares = logits.float().softmax(-1)
    return {option: round(float(shares[list(spellings(option))].sum()), 4) for option in options}


def _draw(shares: Tensor, top_p: Tensor, draw: Tensor) -> Tensor:
    """Find where each row's cumulated shares pass its number, among the likeliest tokens that make up `top_p`."""
    order = None
    if bool((top_p < 1).any()):
        shares, order = shares.sort(descending=True, stable=True)
        shares = shares.where(shares.cumsum(-1) - shares < top_p[:, None], 0)
    total = shares.cumsum(-1)
    place = torch.searchsorted(total, (draw * total[:, -1])[:, None], right=True)
    last = shares.shape[-1] - 1 - (shares > 0).flip(-1).int().argmax(-1, keepdim=True)
    place = torch.minimum(place, last)
    return (place if order is None else order.gather(-1, place))[:, 0]
