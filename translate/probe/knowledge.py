"""Whether a model knows the language at all, however it is prompted: does it find sentences likelier than their words in disorder?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log
from random import Random

from kielo.errors import GenerationError
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.languages.pack import Shot
from translate.engines import Hand
from translate.probe.measures import SEED, Measure, share

FEWEST_INNER_WORDS = 3
DISORDERS = 3
"""Of each sentence: against one alone, chance is right every second time, and many sentences are needed to tell."""
_NOTHING_MADE = Sampling(1)


def knowledge(hand: Hand, pairs: Sequence[Shot]) -> tuple[Measure, float | None]:
    """Measure the share of sentences whose own order is the likeliest, and the bits per byte of the language's texts.

    Chance is one in DISORDERS + 1. An engine that gives no probabilities of given texts leaves both unmeasured.
    """
    orders = [(pair.target, *others) for pair in pairs if (others := disordered(pair.target))]
    try:
        made = hand.complete(
            [Request("", _NOTHING_MADE, logprob=True, given=text) for order in orders for text in order]
        )
    except GenerationError as error:
        return Measure("knows_order", None, detail=f"the engine gives no probabilities ({error})"), None
    found = [_nats(each) for each in made]
    told = _whole(zip(*(found[place :: DISORDERS + 1] for place in range(DISORDERS + 1)), strict=True))
    size = sum(
        len(text.encode()) for (text, *_), own in zip(orders, found[:: DISORDERS + 1], strict=True) if own is not None
    )
    nats = sum(own for own in found[:: DISORDERS + 1] if own is not None)
    best = sum(own > max(others) for own, *others in told)
    said = (
        ""
        if told
        else "the engine gave no probabilities of them"
        if orders
        else "no sentence has enough words between blanks"
    )
    return share("knows_order", best, len(told), said), -nats / log(2) / size if size else None


def disordered(text: str) -> tuple[str, ...]:
    """Shuffle the words between the first and the last, which capitals and full stops give away; nothing for too few words."""
    words = text.split()
    inner = words[1:-1]
    if len(set(inner)) < FEWEST_INNER_WORDS:
        return ()
    draw, others = Random(f"{SEED}/{text}"), dict[str, None]()
    while len(others) < DISORDERS:
        drawn = draw.sample(inner, len(inner))
        if drawn != inner:
            others[" ".join([words[0], *drawn, words[-1]])] = None
    return tuple(others)


def _whole(rows: Iterable[Sequence[float | None]]) -> list[list[float]]:
    """Keep the sentences of which the engine read every order."""
    kept = [[each for each in row if each is not None] for row in rows]
    return [row for row in kept if len(row) == DISORDERS + 1]


def _nats(completion: Completion) -> float | None:
    """Give the log-probability of a whole text; None where the engine refused it."""
    return None if completion.logprob is None else completion.logprob * completion.completion_tokens
