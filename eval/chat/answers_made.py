"""The answers of one model to the compared prompts: those of the run where there are any, the others made here and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eval.chat.cases import stored, turns_of
from eval.chat.models import RunModel, quiet_engine
from eval.responses import Asked, answer
from kielo.generation.engines import open_generator
from kielo.generation.protocol import Completion, Generator, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.run_folder import KEPT
from kielo.schema import Engine

FOLDER = "compare"
"""Of a run: the answers made for comparisons alone."""


@dataclass(frozen=True)
class Answers:
    """A model's answers, turn by turn, by the id of the row; `made` of them are no part of the run's evaluation."""

    model: str
    by_id: Mapping[str, tuple[str, ...]]
    made: int


def answers_of(model: RunModel, asked: Asked, engine: Engine) -> Answers:
    """Find or make a model's answers; what is made is greedy, as in evaluation, and kept in the run's folder.

    Raises:
        MissingExtraError: a model must be asked, and the engine's packages are not installed.
        GenerationError: it cannot answer.
        RunFolderError: the disk is full.
    """
    known = stored(model, asked)
    missing = Asked(asked.name, tuple(row for row in asked.rows if row.id not in known), asked.max_tokens)
    if not missing.rows:
        return Answers(model.name, known, 0)
    new = _made(model, missing, engine)
    return Answers(model.name, {**known, **new}, len(new))


def _made(model: RunModel, asked: Asked, engine: Engine) -> dict[str, tuple[str, ...]]:
    if engine.kind == "hf":
        quiet_engine()
    answered = model.run.folder(f"responses/{model.name}") / KEPT
    folder = model.run.folder(f"{FOLDER}/{model.name}")
    with (
        open_generator(engine, model.path, model.revision, folder / "logs") as generator,
        CompletionStore(folder / KEPT, (answered,)) as store,
    ):
        if not model.speaks_turns:
            return _continued(generator, asked, store)
        made = answer([asked], generator, store, model.recipe.eval.strip_thinking)
    return {row.id: tuple(map(_text, made[asked.name, row.id])) for row in asked.rows}


def _continued(generator: Generator, asked: Asked, store: CompletionStore) -> dict[str, tuple[str, ...]]:
    """Have a model without a chat template go on with each first turn."""
    requests = [Request(turns_of(row)[0], Sampling(asked.max_tokens)) for row in asked.rows]
    completions = complete(generator, requests, store, "continuations")
    return {row.id: (_text(made),) for row, made in zip(asked.rows, completions, strict=True)}


def _text(made: Completion) -> str:
    """Give an answer; one that was refused says why in its place."""
    return f"[no answer: {made.error}]" if made.finish_reason == "refused" else made.text
