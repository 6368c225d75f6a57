"""Asks a tuned model the prompts of a benchmark and keeps its answers as responses.jsonl: the first half of an eval step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kielo.errors import GenerationError, SourceError
from kielo.generation.engines import open_generator
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.records import Message, Prompt, Response, read_records, write_records
from kielo.schema import Engine

FILE, STORE = "responses.jsonl", "completions"


def read_prompts(folder: Path) -> list[Prompt]:
    """Read benchmark prompts from a data step's folder: what translation accepted, or the source rows.

    Raises:
        SourceError: neither file is there, or there are no prompts.
    """
    accepted = folder / "accepted.jsonl"
    path = accepted if accepted.is_file() else folder / "rows.jsonl"
    prompts = [record for record in read_records("ifeval", path) if isinstance(record, Prompt)]
    if not prompts:
        raise SourceError(f"{path}: holds no prompts, so there is nothing to evaluate; see the rejections beside it.")
    return prompts


def answer(prompts: Sequence[Prompt], model: Path, engine: Engine, max_tokens: int, folder: Path) -> list[Response]:
    """Have the model in `model` answer every prompt, greedily, in the order of the prompts; continues what was begun.

    Raises:
        GenerationError: the engine cannot go on, or failed to answer a prompt; the answers it gave stay in the store.
    """
    requests = [Request((Message("user", prompt.text),), Sampling(max_tokens)) for prompt in prompts]
    with (
        open_generator(engine, str(model), None, folder / "logs") as generator,
        CompletionStore(folder / STORE) as store,
    ):
        completions = complete(generator, requests, store, "responses")
    _refuse_errors(completions, folder)
    responses = [_response(prompt, made) for prompt, made in zip(prompts, completions, strict=True)]
    write_records(folder / FILE, responses)
    return responses


def _refuse_errors(completions: Sequence[Completion], folder: Path) -> None:
    """Refuse to score answers that were never made: they would count against the model."""
    errors = [made.error or "no reason given" for made in completions if made.finish_reason == "error"]
    if errors:
        raise GenerationError(
            f"{folder}: {len(errors)} of {len(completions)} prompts got no answer (the first: {errors[0]}); "
            "run the same command again: it asks only for these."
        )


def _response(prompt: Prompt, made: Completion) -> Response:
    text = made.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half an emoji is not UTF-8
    return Response(prompt.id, prompt.key, prompt.language, prompt.text, text, made.finish_reason)


def count_finish_reasons(responses: Sequence[Response]) -> dict[str, int]:
    """Count why the answers ended: stop, or length (cut at max_tokens)."""
    return dict(sorted(Counter(response.finish_reason for response in responses).items()))
