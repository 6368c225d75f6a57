"""The `hf` engine: transformers in this process, on one device; a few-shot prefix is computed once for all that share it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from kielo.errors import GenerationError
from kielo.generation.hf_given import batch_of, given_texts, read_batch
from kielo.generation.hf_plain import generate_batch
from kielo.generation.hf_probe import rows_agree
from kielo.generation.hf_queue import Queue
from kielo.generation.hf_rows import (
    NO_PREFIX,
    Forward,
    Prefix,
    Rows,
    Task,
    combine,
    common_length,
    compute_prefix,
    of_like_length,
    prefill,
    step,
)
from kielo.generation.hf_sampling import choose, logprobs_of, shares_of, uniforms
from kielo.generation.hf_text import Reader, encode
from kielo.generation.order import prefix_text
from kielo.generation.protocol import Completion, Request, completion_key, cut, mean_logprob, seed_of
from kielo.models import loading, model_identity

_SHORTEST_PREFIX = 16  # tokens; copying fewer gains nothing
_FREED_SHARE = 0.25  # of a batch's rows finished before it is rebuilt, a copy that costs about two steps


class HfGenerator:
    """A model and tokenizer in memory; a batch holds at most `batch_tokens` prompt and completion tokens."""

    def __init__(self, path: str, revision: str | None = None, dtype: str = "auto", batch_tokens: int = 16384) -> None:
        """Load a model onto the GPU if there is one (CUDA or ROCm), else the CPU.

        Raises:
            RecipeError: there is no causal language model at `path`.
        """
        self.model = model_identity(path, revision)
        self.batch_tokens = batch_tokens
        device = "cuda" if torch.cuda.is_available() else "cpu"  # ROCm's devices are called cuda, too
        if dtype == "auto":
            dtype = "bfloat16" if device == "cuda" else "float32"
        self._tokenizer, self._network = _load(path, revision, getattr(torch, dtype))
        self._network.to(device).eval()
        self._reader = Reader(self._tokenizer)
        self._context = _context_tokens(self._network.config, self._tokenizer)
        self._end_tokens = _end_tokens(self._network, self._tokenizer)
        self._forward = Forward(self._network)
        self._prefix: tuple[str, Prefix] = ("", NO_PREFIX)
        self.shares_rows = rows_agree(self._forward, self._network)
        if not self.shares_rows:
            print(f"{path}: a {self._network.config.model_type} model cannot share the cache of a prompt prefix; every "
                  "prompt is computed in full.", file=sys.stderr)  # fmt: skip

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield (index, completion) as they finish; long prompts first, and rows that finish make room for others.

        Raises:
            GenerationError: a single request does not fit into the device's memory.
        """
        made = [index for index, request in enumerate(requests) if request.given is None]
        for place, completion in self._generated([requests[index] for index in made]):
            yield made[place], completion
        yield from self._read_given(requests, [i for i, request in enumerate(requests) if request.given is not None])

    def _generated(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        queue = Queue(requests, partial(self._tasks, requests))
        run = self._run_rows if self.shares_rows else self._run_plainly
        finished = False
        while not finished:
            try:
                for task in run(queue):
                    queue.finish(task)
                    yield task.index, self._completion(task)
                finished = True
            except torch.cuda.OutOfMemoryError as error:
                self._halve_batch(error)
            yield from queue.refused()
            queue.put_back()
            self._free()

    def _read_given(self, requests: Sequence[Request], places: Sequence[int]) -> Iterator[tuple[int, Completion]]:
        """Yield the log-probabilities of given texts, the longest first."""
        waiting = sorted(given_texts(self._tokenizer, requests, places), key=lambda text: -text.length)
        while waiting:
            longest = waiting[0]
            if longest.length > self._context:
                reason = f"prompt and text of {longest.length} tokens exceed context {self._context}"
                yield longest.index, Completion("", "refused", len(longest.prompt), 0, reason)
                waiting = waiting[1:]
                continue
            count = batch_of(waiting, self.batch_tokens, self._network.config.get_text_config().vocab_size)
            try:
                found = list(read_batch(self._network, waiting[:count], bool(self._forward.fixed)))
            except torch.cuda.OutOfMemoryError as error:
                self._halve_batch(error)
                self._free()
                continue
            yield from found
            waiting = waiting[count:]

    def close(self) -> None:
        """Free the model's memory."""
        self._network = None
        self._forward.release()
        self._prefix = ("", NO_PREFIX)
        self._free()

    def _free(self) -> None:
        if torch.cuda.is_available():
            gc.collect()
            torch.cuda.empty_cache()

    def _halve_batch(self, error: torch.cuda.OutOfMemoryError) -> None:
        if self.batch_tokens < 64:
            raise GenerationError("The device's memory holds not even one request; use a smaller model, a shorter "
                                  "prompt, or engine kind vllm-server over several devices.") from error  # fmt: skip
        self.batch_tokens //= 2
        print(f"Out of GPU memory; going on with batch_tokens {self.batch_tokens}.", file=sys.stderr)

    def _tasks(self, requests: Sequence[Request], window: list[int]) -> list[Task | tuple[int, Completion]]:
        """Turn a window of requests into tasks, refusing those longer than the model's context."""
        made: list[Task | tuple[int, Completion]] = []
        for index, prompt in zip(window, encode(self._tokenizer, [requests[index] for index in window]), strict=True):
            sampling, room = requests[index].sampling, self._context - len(prompt)
            if room < 1 or not prompt:
                reason = f"prompt of {len(prompt)} tokens exceeds context {self._context}" if prompt else "empty prompt"
                made.append((index, Completion("", "refused", len(prompt), 0, reason)))
                continue
            task = Task(index, prompt, sampling, min(sampling.max_tokens, room))
            task.wants_logprob, task.options = requests[index].logprob, requests[index].options
            if sampling.temperature > 0:
                task.uniforms = uniforms(seed_of(completion_key(self.model, requests[index])), task.limit).tolist()
            task.shared = prefix_text(requests[index])
            made.append(task)
        return made

    def _run_rows(self, queue: Queue) -> Iterator[Task]:
        """Run the queue in one batch whose rows change."""
        rows: Rows | None = None
        while True:
            alive = rows.alive() if rows else []
            if rows and len(alive) > len(rows.tasks) * (1 - _FREED_SHARE):
                logits = step(self._forward, rows)
                rows.next_tokens = self._choose(rows.tasks, logits)
                yield from self._advance(rows.tasks, rows.next_tokens.tolist())
                continue
            joining = queue.take([rows.tasks[row] for row in alive] if rows else [], self.batch_tokens)
            parts = [(rows, alive)] if rows and alive else []
            if not parts and not joining:
                return
            prefix = self._prefix_of(joining[0]) if joining else NO_PREFIX
            together = of_like_length(joining, prefix)
            for tasks in together:
                alone = not parts and len(together) == 1  # else its cache is copied into a wider one
                started, finished = self._start(tasks, prefix, max(task.limit for task in tasks) if alone else 0)
                yield from finished
                parts.append((started, started.alive()))
            rows = combine(self._forward, parts)

    def _start(self, tasks: list[Task], prefix: Prefix, room: int) -> tuple[Rows, list[Task]]:
        """Begin rows of one prefix group with their first tokens; return the tasks that end with those, too."""
        rows, logits = prefill(self._forward, tasks, prefix, room)
        rows.next_tokens = self._choose(tasks, logits)
        return rows, self._advance(tasks, rows.next_tokens.tolist())

    def _prefix_of(self, task: Task) -> Prefix:
        """Compute the prefix that a task's group shares, or give the one computed last."""
        if task.shared != self._prefix[0]:
            tokens = self._tokenizer(task.shared)["input_ids"][: self._context]
            shared = tokens[: common_length(tokens, task.prompt)]
            self._prefix = (task.shared, NO_PREFIX)  # frees the last one before the next is made
            if len(shared) >= _SHORTEST_PREFIX:
                self._prefix = (task.shared, compute_prefix(self._forward, shared))
        return self._prefix[1]

    def _run_plainly(self, queue: Queue) -> Iterator[Task]:
        """Run the queue in static batches."""
        while tasks := queue.take([], self.batch_tokens):
            generate_batch(self._network, tasks, partial(self._choose, tasks), self._advance)
            yield from tasks

    def _choose(self, tasks: list[Task], logits: Tensor) -> Tensor:
        """Choose each row's next token; note its log-probability where it is asked for."""
        chosen = self._pick(tasks, logits)
        for row, task in enumerate(tasks):
            if task.options and not task.made:
                task.shares = shares_of(logits[row], task.options, self._reader.spellings)
        if any(task.wants_logprob for task in tasks):
            for task, logprob in zip(tasks, logprobs_of(logits, chosen).tolist(), strict=True):
                if task.wants_logprob and task.finish is None:
                    task.logprobs.append(logprob)
        return chosen

    def _pick(self, tasks: list[Task], logits: Tensor) -> Tensor:
        if not any(task.uniforms for task in tasks):
            return logits.argmax(-1)
        draws = [task.uniforms[min(len(task.made), task.limit - 1)] if task.uniforms else 0.0 for task in tasks]
        return choose(logits, [task.sampling for task in tasks], draws)

    def _advance(self, tasks: list[Task], tokens: list[int]) -> list[Task]:
        """Note a new token in every task that is not finished; return those that now are."""
        finished = []
        for task, token in zip(tasks, tokens, strict=True):
            if task.finish is not None:
                continue
            task.made.append(token)
            stop = task.sampling.stop
            if token in self._end_tokens or (stop and self._reader.reached_stop(task.prompt, task.made, stop)):
                task.finish = "stop"
            elif len(task.made) == task.limit:
                task.finish = "length"
            if task.finish is not None:
                finished.append(task)
        return finished

    def _completion(self, task: Task) -> Completion:
        assert task.finish is not None
        ended = task.made[-1] in self._end_tokens
        text, _ = cut(self._reader.text(task.prompt, task.made[:-1] if ended else task.made), task.sampling.stop)
        logprob = mean_logprob(task.logprobs)
        return Completion(text, task.finish, len(task.prompt), len(task.made), logprob=logprob, options=task.shares)


def _load(path: str, revision: str | None, dtype: torch.dtype) -> tuple[Any, Any]:
    with loading(path):
        tokenizer = AutoTokenizer.from_pretrained(path, revision=revision)
        return tokenizer, AutoModelForCausalLM.from_pretrained(path, revision=revision, dtype=dtype)


def _context_tokens(config: Any, tokenizer: Any) -> int:
    """Find how many tokens a model can hold; models without learned or rotary positions name no limit of their own."""
    settings = config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len"):
        if isinstance(limit := getattr(settings, name, None), int):
            return limit
    return int(min(tokenizer.model_max_length, sys.maxsize))


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Collect the tokens that end an answer, as the model's generation settings and its tokenizer name them."""
    named = model.generation_config.eos_token_id
    listed = named if isinstance(named, list) else [named]
    return frozenset(token for token in (*listed, tokenizer.eos_token_id) if token is not None)
