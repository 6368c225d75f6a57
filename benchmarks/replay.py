"""A model for timing translations: it computes everything and then says the known translation, so that work and text are real.

The weights are random, as no published model lies beside the project; the tokenizer is trained on the texts themselves,
so that they have as many tokens as a real model's. Each next token is computed, and then the one that the reference has
in that place is taken (teacher forcing): completions have their real lengths, and the stage's checks see real Finnish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.tokenizer import byte_level_tokenizer
from kielo.generation.hf import HfGenerator
from kielo.generation.hf_rows import NO_PREFIX, Task
from kielo.generation.protocol import Completion, Request

_VOCABULARY, _CONTEXT = 8000, 8192


@dataclass
class Work:
    """What a model was fed, padding aside: prompt tokens computed and tokens made, in how many steps of how many rows."""

    prefilled: int = 0
    decoded: int = 0
    steps: int = 0
    rows: int = 0

    def note(self, _: Any, __: Any, given: dict[str, Any]) -> None:
        """Count one call of the model."""
        rows, columns = given["input_ids"].shape
        mask = given.get("attention_mask")  # none where nothing is padded
        fed = rows * columns if mask is None else int(mask[:, -columns:].sum())
        if columns == 1:
            self.decoded, self.steps, self.rows = self.decoded + fed, self.steps + 1, self.rows + rows
        else:
            self.prefilled += fed


class Replaying(HfGenerator):
    """The hf engine, whose model says what `reference` knows for each request."""

    def __init__(self, path: str, reference: Callable[[Request], str]) -> None:
        """Load a model; `reference` gives the whole completion of a request, its stop string included."""
        super().__init__(path, dtype="float32")
        self._reference = reference
        self._script: list[list[int]] = []

    def begin(self, plain: bool, batch_tokens: int) -> Work:
        """Prepare for another way: by transformers' `generate` or by this engine's rows, and with nothing cached."""
        self.shares_rows, self.batch_tokens, self._prefix = not plain, batch_tokens, ("", NO_PREFIX)
        work = Work()
        self._network._forward_pre_hooks.clear()
        self._network.register_forward_pre_hook(work.note, with_kwargs=True)
        return work

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield (index, completion) as they finish."""
        self._script = self._tokenizer([self._reference(request) for request in requests])["input_ids"]
        yield from super().generate(requests)

    def room(self, requests: Sequence[Request]) -> int:
        """Count the tokens that a batch of these requests must have room for: rows times the longest that one may become."""
        prompts = self._tokenizer([request.prompt for request in requests])["input_ids"]
        return len(requests) * (max(map(len, prompts)) + max(request.sampling.max_tokens for request in requests))

    def _pick(self, tasks: list[Task], logits: Tensor) -> Tensor:
        chosen = super()._pick(tasks, logits)
        scripts = [self._script[task.index] for task in tasks]
        said = [script[min(len(task.made), len(script) - 1)] for task, script in zip(tasks, scripts, strict=True)]
        return torch.tensor(said, dtype=chosen.dtype, device=chosen.device)


def make_model(folder: Path, texts: Iterable[str], hidden_size: int, layers: int) -> Path:
    """Make a Llama of random weights whose tokenizer is trained on `texts`."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    named = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    tokenizer = byte_level_tokenizer(texts, _VOCABULARY, **named)
    tokenizer.save_pretrained(folder)
    heads = max(1, hidden_size // 32)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden_size, intermediate_size=3 * hidden_size, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=_CONTEXT, bos_token_id=0, eos_token_id=1,
        pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
