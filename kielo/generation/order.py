"""The order in which requests are worked on: those that share a prefix stand together, and the longest come first."""

from __future__ import annotations

from collections.abc import Sequence

from kielo.generation.protocol import Request


def work_order(requests: Sequence[Request]) -> list[int]:
    """Order the indices of requests so that an engine is never short of work and reuses what prompts share.

    Longest first, the slots of an engine empty at about the same time at the end (Graham's rule for parallel machines);
    prompts with one prefix follow each other, so that the engine's prefix cache holds it.
    """
    group = groups_of(requests)
    return sorted(range(len(requests)), key=lambda index: (group[index], *_shortness(requests[index])))


def groups_of(requests: Sequence[Request]) -> list[int]:
    """Number the prefix group of every request; groups count from the one with the longest request."""
    longest: dict[str, tuple[int, int]] = {}
    for request in requests:
        prefix, shortness = prefix_text(request), _shortness(request)
        longest[prefix] = min(longest.get(prefix, shortness), shortness)
    number = {prefix: place for place, prefix in enumerate(sorted(longest, key=longest.__getitem__))}
    return [number[prefix_text(request)] for request in requests]


def prefix_text(request: Request) -> str:
    """Give the text that a request shares with others, or nothing."""
    return request.prompt[: request.shared_prefix] if isinstance(request.prompt, str) else ""


def _shortness(request: Request) -> tuple[int, int]:
    prompt = request.prompt
    characters = len(prompt) if isinstance(prompt, str) else sum(len(turn.content) for turn in prompt)
    return -characters, -request.sampling.max_tokens
