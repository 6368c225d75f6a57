"""The `hf` engine's answer to given text: how likely a model finds every token of it after its prompt, many texts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kielo.generation.protocol import Completion, Request, mean_logprob

_LOGITS = 2**28  # most values in one call's logits: 512 MiB of bfloat16


@dataclass(frozen=True)
class GivenText:
    """One text as tokens, and those of the prompt before it, each taken apart alone: the same tokens after any prompt."""

    index: int
    prompt: list[int]
    tokens: list[int]

    @property
    def length(self) -> int:
        """Count the tokens of both."""
        return len(self.prompt) + len(self.tokens)

    @property
    def first(self) -> int:
        """Say where the first token stands that something comes before."""
        return max(1, len(self.prompt))


def given_texts(tokenizer: Any, requests: Sequence[Request], places: Sequence[int]) -> list[GivenText]:
    """Turn the given texts at some places of a list into tokens; the prompt, even an empty one, gets the special tokens."""
    if not places:
        return []
    prompts = tokenizer([str(requests[place].prompt) for place in places], verbose=False)["input_ids"]
    texts = [requests[place].given or "" for place in places]
    tokens = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return [GivenText(*each) for each in zip(places, map(list, prompts), map(list, tokens), strict=True)]


def batch_of(texts: Sequence[GivenText], budget_tokens: int, vocabulary: int) -> int:
    """Count how many of some texts, the longest first, are computed together."""
    width, kept, count = texts[0].length, 0, 0
    for text in texts:
        kept = max(kept, width - text.first + 1)
        if count and ((count + 1) * width > budget_tokens or (count + 1) * kept * vocabulary > _LOGITS):
            break
        count += 1
    return count


@torch.inference_mode()
def read_batch(network: Any, texts: Sequence[GivenText], keeps_some: bool) -> Iterator[tuple[int, Completion]]:
    """Yield (index, completion) of texts that are computed together, padded behind, where no token looks."""
    width, rows = max(text.length for text in texts), range(len(texts))
    tokens = torch.zeros((len(texts), width), dtype=torch.long)
    for row, text in zip(rows, texts, strict=True):
        tokens[row, : text.length] = torch.tensor(text.prompt + text.tokens)
    lengths = torch.tensor([text.length for text in texts])
    mask = (torch.arange(width)[None] < lengths[:, None]).long()
    tokens, mask = tokens.to(network.device), mask.to(network.device)
    skipped = min(text.first for text in texts) - 1 if keeps_some else 0
    kept = {"logits_to_keep": width - skipped} if keeps_some else {}
    logits = network(input_ids=tokens, attention_mask=mask, use_cache=False, **kept).logits
    for row, text in zip(rows, texts, strict=True):
        found = _logprobs(
            logits[row, text.first - 1 - skipped : text.length - 1 - skipped], tokens[row, text.first : text.length]
        )
        yield text.index, Completion("", "stop", len(text.prompt), len(found), logprob=mean_logprob(found))


def _logprobs(logits: Tensor, tokens: Tensor) -> list[float]:
    wide = logits.float()
    found: list[float] = (wide.gather(-1, tokens[:, None])[:, 0] - wide.logsumexp(-1)).tolist()
    return found
