"""The batch of the `hf` engine: rows of one rectangular KV cache that are filled, stepped, dropped and joined by others.

A row's tokens end at the batch's current column and begin where they may (left padding), so rows of any length share
one rectangle, a finished row can leave it, and a new one can join at any step. A few-shot prefix is computed once: its
keys and values are copied into the columns of every row, and where a row is shorter than its neighbours the tokens
computed again are the end of the prefix instead of padding, so the attention mask stays one of plain left padding.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from kielo.generation.protocol import FinishReason, Sampling

_LIKE_LENGTH = 1.5  # prompts computed together differ in length by this factor at most,
_CALL_TOKENS = 16  # and these tokens: computing so few more costs less than another call


@dataclass
class Task:
    """One request under way: the tokens of its prompt, and those made so far."""

    index: int
    prompt: list[int]
    sampling: Sampling
    limit: int
    """Most tokens to make: the request's own limit or what the model's context leaves."""
    shared: str = ""
    """The text that its prompt begins with and others' prompts, too."""
    uniforms: list[float] | None = None
    """One number in [0, 1) per token to sample, from the request's own seed, so that its neighbours do not matter."""
    wants_logprob: bool = False
    options: tuple[str, ...] = ()
    shares: dict[str, float] | None = None
    """The probability of each option, once its first token is chosen."""
    made: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    """Of the tokens made, if the request asks for them."""
    finish: FinishReason | None = None

    @property
    def cached(self) -> int:
        """Count its tokens in the cache: the last one made is yet to be fed."""
        return len(self.prompt) + max(0, len(self.made) - 1)

    @property
    def left(self) -> int:
        """Count the tokens that it may still make."""
        return self.limit - len(self.made)

    def start_anew(self) -> None:
        """Forget what was made."""
        self.made, self.logprobs, self.shares, self.finish = [], [], None, None


class Columns(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, [rows, heads, capacity, head size], in buffers made once and filled from the left.

    The library's own dynamic layer joins tensors at every token, which copies the whole cache each time.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.capacity, self.filled = capacity, 0
        self.buffers: tuple[Tensor, Tensor] = (torch.empty(0), torch.empty(0))

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Make the buffers at the first keys and values, whose shapes they take."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self.buffers = _widened(key_states, self.capacity), _widened(value_states, self.capacity)
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write the next columns; return views of all that are filled."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        keys, values = self.buffers
        start, self.filled = self.filled, self.filled + key_states.shape[-2]
        keys[:, :, start : self.filled] = key_states
        values[:, :, start : self.filled] = value_states
        return keys[:, :, : self.filled], values[:, :, : self.filled]

    def get_seq_length(self) -> int:
        """Count the filled columns."""
        return self.filled


def _widened(like: Tensor, capacity: int) -> Tensor:
    return like.new_empty((like.shape[0], like.shape[1], capacity, like.shape[3]))


@dataclass(frozen=True)
class Prefix:
    """Tokens that many prompts begin with, and their keys and values per layer, [1, heads, tokens, head size]."""

    tokens: list[int]
    layers: list[tuple[Tensor, Tensor]]


NO_PREFIX = Prefix([], [])


@dataclass
class Rows:
    """A batch under way: one task per row, their cache, its mask [rows, capacity], and the tokens to feed next."""

    tasks: list[Task]
    layers: list[Columns]
    mask: Tensor
    column: int
    next_tokens: Tensor

    def alive(self) -> list[int]:
        """List the rows whose tasks are not finished."""
        return [row for row, task in enumerate(self.tasks) if task.finish is None]


class Forward:
    """Calls the model with the arguments its architecture knows."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model: Any = model
        self.device = model.device
        self.layer_count: int = model.config.get_text_config().num_hidden_layers
        named = inspect.signature(model.forward).parameters
        self.takes_positions = "position_ids" in named
        self.fixed: Mapping[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in named else {}

    def release(self) -> None:
        """Let go of the model."""
        self.model = None

    def new_layers(self, capacity: int) -> list[Columns]:
        """Make an empty cache of so many columns; its rows come with the first tokens."""
        return [Columns(capacity) for _ in range(self.layer_count)]

    @torch.inference_mode()
    def __call__(self, tokens: Tensor, mask: Tensor, layers: list[Columns]) -> Tensor:
        """Feed tokens [rows, n], the last n of the mask's columns; return the logits after the last, [rows, vocabulary]."""
        positions = {}
        if self.takes_positions:
            positions["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        out = self.model(
            input_ids=tokens, attention_mask=mask, past_key_values=Cache(layers=[*layers]), use_cache=True,
            **positions, **self.fixed,
        )  # fmt: skip
        logits: Tensor = out.logits[:, -1]
        return logits


def compute_prefix(forward: Forward, tokens: list[int]) -> Prefix:
    """Run a prefix through the model once and keep its keys and values."""
    layers = forward.new_layers(len(tokens))
    fed = torch.tensor([tokens], device=forward.device)
    forward(fed, torch.ones_like(fed), layers)
    return Prefix(tokens, [layer.buffers for layer in layers])


def common_length(tokens: Sequence[int], prefix: Sequence[int]) -> int:
    """Count the leading tokens that two sequences share."""
    shortest = min(len(tokens), len(prefix))
    if tokens[:shortest] == prefix[:shortest]:
        return shortest
    return next(place for place in range(shortest) if tokens[place] != prefix[place])


def of_like_length(tasks: list[Task], prefix: Prefix) -> list[list[Task]]:
    """Part tasks of one prefix group, so that a short prompt is not computed at the width of one much longer."""
    parts: list[list[Task]] = []
    for task in sorted(tasks, key=lambda task: -len(task.prompt)):
        longest = len(parts[-1][0].prompt) - len(prefix.tokens) if parts else 0
        if not parts or longest > _LIKE_LENGTH * (len(task.prompt) - len(prefix.tokens)) + _CALL_TOKENS:
            parts.append([])
        parts[-1].append(task)
    return parts


def prefill(forward: Forward, tasks: list[Task], prefix: Prefix, room: int) -> tuple[Rows, Tensor]:
    """Start a batch: cache every prompt, copying the prefix instead of computing it; return it and its first logits.

    `room` is how many columns to leave for the tokens to come.
    """
    width = max(len(task.prompt) for task in tasks)
    shared = min(min(common_length(task.prompt, prefix.tokens), len(task.prompt) - 1) for task in tasks)
    padding = torch.tensor([width - len(task.prompt) for task in tasks], device=forward.device)
    tokens = torch.tensor([_right_aligned(task.prompt, width - shared) for task in tasks], device=forward.device)
    capacity = width + room
    mask = torch.ones((len(tasks), capacity), dtype=torch.long, device=forward.device)
    mask[:, :width] = torch.arange(width, device=forward.device)[None] >= padding[:, None]
    layers = forward.new_layers(capacity)
    if shared:
        # Row i's columns hold the prefix from its own start on; masked columns take any finite value.
        source = (torch.arange(shared, device=forward.device)[None] - padding[:, None]).clamp(min=0)
        for layer, (keys, values) in zip(layers, prefix.layers, strict=True):
            layer.update(_copied(keys, source), _copied(values, source))
    logits = forward(tokens, mask[:, :width], layers)
    return Rows(tasks, layers, mask, width, tokens[:, -1]), logits


def _right_aligned(tokens: list[int], width: int) -> list[int]:
    return [0] * (width - len(tokens)) + tokens[max(0, len(tokens) - width) :]


def _copied(states: Tensor, source: Tensor) -> Tensor:
    """Copy columns of a prefix's states into rows: [1, heads, n, size], [rows, m] -> [rows, heads, m, size]."""
    picked = states[0].index_select(1, source.flatten().to(states.device))
    return picked.view(states.shape[1], *source.shape, states.shape[3]).transpose(0, 1)


def step(forward: Forward, rows: Rows) -> Tensor:
    """Feed the next tokens and return the logits after them."""
    rows.column += 1
    return forward(rows.next_tokens[:, None], rows.mask[:, : rows.column], rows.layers)


@torch.inference_mode()
def combine(forward: Forward, parts: list[tuple[Rows, list[int]]]) -> Rows | None:
    """Make one batch of the rows picked from others, no wider and no longer than they need; the others are used up."""
    parts = [(part, picked) for part, picked in parts if picked]
    if not parts:
        return None
    if len(parts) == 1 and len(parts[0][1]) == len(parts[0][0].tasks):
        return parts[0][0]
    tasks = [part.tasks[row] for part, picked in parts for row in picked]
    width = max(task.cached for task in tasks)
    capacity = width + max(task.left for task in tasks)
    mask = torch.zeros((len(tasks), capacity), dtype=torch.long, device=forward.device)
    mask[:, width:] = 1
    picks = [(part, torch.tensor(picked, device=forward.device)) for part, picked in parts]
    start = 0
    for part, picked in picks:
        end, take = start + len(picked), min(width, part.column)
        mask[start:end, width - take : width] = part.mask[picked, part.column - take : part.column]
        start = end
    layers = forward.new_layers(capacity)
    for number, layer in enumerate(layers):
        _join(layer, [(part.layers[number], part.column, picked) for part, picked in picks], width)
    return Rows(tasks, layers, mask, width, torch.cat([part.next_tokens[picked] for part, picked in picks]))


def _join(layer: Columns, parts: list[tuple[Columns, int, Tensor]], width: int) -> None:
    """Fill a layer with the picked rows of other layers, right-aligned, and free those."""
    rows = sum(len(picked) for _, _, picked in parts)
    keys, values = (buffer[:1].expand(rows, -1, -1, -1) for buffer in parts[0][0].buffers)
    layer.lazy_initialization(keys, values)
    layer.filled, start = width, 0
    for source, column, picked in parts:
        end, take = start + len(picked), min(width, column)
        for mine, theirs in zip(layer.buffers, source.buffers, strict=True):
            mine[start:end, :, : width - take] = 0
            kept = theirs[:, :, column - take : column]
            # Rows that just began are all alive: copying them into place is enough.
            mine[start:end, :, width - take : width] = (
                kept if len(picked) == len(kept) else kept.index_select(0, picked)
            )
        source.buffers = torch.empty(0), torch.empty(0)
        start = end
