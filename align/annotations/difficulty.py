"""Instruction-following difficulty (IFD, arXiv 2308.12032): how little a prompt helps the base model to the answer.

IFD = mean loss of the answer's tokens after the prompt / mean loss of the same tokens alone. Of several turns, each answer
follows all that was said before it, and the losses are averaged over the tokens of all answers. Turns are joined by blank
lines: a base model knows no roles. Above 1 the prompt does not help. Where a tokenizer sets no token at the beginning, the
first token of an answer alone has nothing before it, and is left out there.
"""

from __future__ import annotations

from collections.abc import Sequence

from align.annotations.asking import Unread
from align.annotations.rows import Row
from kielo.errors import GenerationError
from kielo.generation.protocol import Completion, Generator, Request, Sampling
from kielo.generation.store import CompletionStore, complete

_NOTHING_MADE = Sampling(1)


def ask_difficulty(generator: Generator, store: CompletionStore, rows: Sequence[Row]) -> list[float | Unread]:
    """Measure every row's difficulty by the generator's model.

    Raises:
        GenerationError: the engine cannot tell log-probabilities of a given text, or cannot go on.
    """
    requests = [request for row in rows for request in _requests(row)]
    made = complete(generator, requests, store, "difficulty")
    errors = [each.error or "no reason given" for each in made if each.finish_reason == "error"]
    if errors:
        raise GenerationError(
            f"{store.folder}: {len(errors)} of {len(made)} texts were not measured (the first: {errors[0]}); "
            "run the same command again: it asks only for these."
        )
    found: list[float | Unread] = []
    start = 0
    for row in rows:
        end = start + 2 * len(row.turns)
        found.append(difficulty_of(made[start:end:2], made[start + 1 : end : 2]))
        start = end
    return found


def _requests(row: Row) -> list[Request]:
    """Make two requests for every answer: after all before it, and alone."""
    requests = []
    for place, turn in enumerate(row.messages):
        if turn.role == "assistant":
            before = "".join(f"{each.content}\n\n" for each in row.messages[:place])
            requests += [Request(text, _NOTHING_MADE, given=turn.content) for text in (before, "")]
    return requests


def difficulty_of(after: Sequence[Completion], alone: Sequence[Completion]) -> float | Unread:
    """Divide the mean loss of answers after their prompts by that of the answers alone."""
    if any(made.finish_reason == "refused" for made in (*after, *alone)):
        return Unread("longer than the model's context")
    losses = _mean_loss(after), _mean_loss(alone)
    if not losses[0] or not losses[1]:
        return Unread("too short an answer to measure")
    return round(losses[0] / losses[1], 4)


def _mean_loss(made: Sequence[Completion]) -> float:
    told = [(each.logprob, each.completion_tokens) for each in made if each.logprob is not None]
    tokens = sum(count for _, count in told)
    return -sum(logprob * count for logprob, count in told) / tokens if tokens else 0.0
