"""Trial translations by several prompters in one batch, so that a model's prompt and sentinels can be chosen by what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kielo.errors import GenerationError
from kielo.generation.protocol import Completion, Request
from translate.prompting.prompter import Prompter

Complete = Callable[[Sequence[Request]], Sequence[Completion]]
"""Makes or finds completions, in the order of their requests (see kielo.generation.store.complete)."""


def try_out(trials: Sequence[tuple[Prompter, Sequence[str]]], complete: Complete) -> list[list[str]]:
    """Give each prompter's translations of its texts; nothing where the engine refuses a prompt.

    Raises:
        GenerationError: a request failed, so that a choice now would not be the choice of the next run.
    """
    requests = [prompter.request(text) for prompter, texts in trials for text in texts]
    completions = complete(requests)
    failed = [made.error or made.finish_reason for made in completions if made.finish_reason == "error"]
    if failed:
        raise GenerationError(
            f"{len(failed)} of {len(requests)} trial translations got no answer (the first: {failed[0]}); run the same command again: it asks only for these."
        )
    rest = iter(completions)
    return [[prompter.answer(next(rest).text, text) for text in texts] for prompter, texts in trials]
