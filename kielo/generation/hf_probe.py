"""Whether a model can run in shared rows: tried on the model itself when the `hf` engine starts, not looked up by name."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kielo.generation.hf_rows import NO_PREFIX, Forward, Task, combine, compute_prefix, prefill, step
from kielo.generation.protocol import Sampling

_REFUSALS = (TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError)
"""How models whose state is no plain key-value cache refuse ours; running out of memory is none of these reasons."""


def rows_agree(forward: Forward, model: Any) -> bool:
    """Compare shared-prefix rows that join and leave with plain uncached calls, to the precision of the weights."""
    vocabulary = model.config.get_text_config().vocab_size
    prompts = [[(7919 * place + 13) % vocabulary for place in range(24)] for _ in range(3)]
    prompts = [
        prompt + [(104729 * place + row) % vocabulary for place in range(1, 5 + 3 * row)]
        for row, prompt in enumerate(prompts)
    ]
    try:
        found = _shared_rows(forward, prompts)
    except torch.cuda.OutOfMemoryError:
        raise
    except _REFUSALS:
        return False
    tolerance = 1e-3 if model.dtype == torch.float32 else 0.05
    return all(
        bool((mine - plain).norm() <= tolerance * plain.norm())
        for mine, plain in zip(found, _plainly(model, prompts), strict=True)
    )


def _shared_rows(forward: Forward, prompts: list[list[int]]) -> list[Tensor]:
    """Cache all but the last token of each prompt, in two groups that are then joined, and feed that last token."""
    prefix = compute_prefix(forward, prompts[0][:24])
    first, _ = prefill(forward, [_task(prompt) for prompt in prompts[:2]], prefix, room=2)
    late, _ = prefill(forward, [_task(prompts[2])], NO_PREFIX, room=2)
    rows = combine(forward, [(first, [0, 1]), (late, [0])])
    assert rows is not None
    rows.next_tokens = torch.tensor([prompt[-1] for prompt in prompts], device=forward.device)
    return list(step(forward, rows).float())


def _task(prompt: list[int]) -> Task:
    return Task(0, prompt[:-1], Sampling(max_tokens=2), limit=2)


@torch.inference_mode()
def _plainly(model: Any, prompts: list[list[int]]) -> list[Tensor]:
    return [
        model(input_ids=torch.tensor([prompt], device=model.device), use_cache=False).logits[0, -1].float()
        for prompt in prompts
    ]
