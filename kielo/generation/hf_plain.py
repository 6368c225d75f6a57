"""The slow road of the `hf` engine: static batches through `model.generate`, for architectures that keep another kind of cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from kielo.generation.hf_rows import Task


class _Choice(LogitsProcessor):
    """Leaves one token possible per row, so that sampling is by each request's own numbers here, too."""

    def __init__(self, choose: Callable[[Tensor], Tensor]) -> None:
        self.choose = choose

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        chosen = self.choose(scores)
        return torch.full_like(scores, float("-inf")).scatter(1, chosen[:, None], 0.0)


class _Advance(StoppingCriteria):
    """Hands every row's new token to the engine, and ends the batch when all rows are done."""

    def __init__(self, tasks: list[Task], advance: Callable[[list[Task], list[int]], object]) -> None:
        self.tasks, self.advance = tasks, advance

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        self.advance(self.tasks, input_ids[:, -1].tolist())
        return torch.tensor([task.finish is not None for task in self.tasks], device=input_ids.device)


def generate_batch(
    model: Any,
    tasks: list[Task],
    choose: Callable[[Tensor], Tensor],
    advance: Callable[[list[Task], list[int]], object],
) -> None:
    """Run one left-padded batch to its end; `choose` picks tokens from logits, `advance` notes them in the tasks."""
    width = max(len(task.prompt) for task in tasks)
    tokens = torch.tensor([[0] * (width - len(task.prompt)) + task.prompt for task in tasks], device=model.device)
    padding = torch.tensor([width - len(task.prompt) for task in tasks], device=model.device)
    mask = (torch.arange(width, device=model.device)[None] >= padding[:, None]).long()
    # A fresh configuration: the model's own may hold a temperature or a repetition penalty that nobody asked for.
    settings = GenerationConfig(max_new_tokens=max(task.limit for task in tasks), do_sample=False, pad_token_id=0)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        model.generate(
            input_ids=tokens, attention_mask=mask, generation_config=settings,
            logits_processor=LogitsProcessorList([_Choice(choose)]),
            stopping_criteria=StoppingCriteriaList([_Advance(tasks, advance)]),
        )  # fmt: skip
