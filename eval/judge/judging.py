"""Asks every judge of a trial and writes what they said: judgements.jsonl in their own words, scores.json in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from eval.judge.cases import Case
from eval.judge.document import trial_document
from eval.judge.games import Judged
from eval.judge.trial import Trial, Verdicts, read_verdicts
from kielo.errors import GenerationError
from kielo.generation.protocol import Generator, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.records import Message, write_json, write_jsonl
from kielo.run_folder import KEPT, SCORES

JUDGEMENTS = "judgements.jsonl"
Judges = Mapping[str, Callable[[], AbstractContextManager[Generator]]]
"""Judge's name -> how it is opened; they are opened one after the other."""


def judge(trial: Trial, judges: Judges, folder: Path) -> dict[str, Any]:
    """Ask all judges and write judgements.jsonl and scores.json into `folder`; return the latter's document.

    Raises:
        GenerationError: a judge cannot be reached, or gave no completion for some prompts; what it gave stays in the store.
    """
    by_judge: dict[str, Verdicts] = {}
    with CompletionStore(folder / KEPT) as store:
        for name, opened in judges.items():
            with opened() as generator:
                judged = _ask(trial, generator, store, name)
            by_judge[name] = read_verdicts(trial, judged)
    write_jsonl(folder / JUDGEMENTS, _rows(trial, by_judge))
    document = trial_document(trial, by_judge)
    write_json(folder / SCORES, document)
    return document


def _ask(trial: Trial, generator: Generator, store: CompletionStore, name: str) -> Judged:
    prompts = trial.prompts
    requests = [Request((Message("user", prompt),), Sampling(trial.max_tokens)) for prompt in prompts]
    completions = complete(generator, requests, store, f"judge {name}")
    errors = [made.error or "no reason given" for made in completions if made.finish_reason == "error"]
    if errors:
        raise GenerationError(
            f"{store.folder}: judge {name} left {len(errors)} of {len(completions)} prompts without an answer (the first: "
            f"{errors[0]}); run the same command again: it asks only for these."
        )
    return dict(zip(prompts, completions, strict=True))


def _rows(trial: Trial, by_judge: Mapping[str, Verdicts]) -> Iterator[dict[str, Any]]:
    """List every judgement in the judge's own words, in the order of judges, models and questions."""
    for name, verdicts in by_judge.items():
        for model, held in verdicts.pairwise.items():
            for each in held:
                for game in each.games:
                    yield {
                        "mode": "pairwise", "judge": name, "model": model, "baseline": trial.baseline, **_named(each.case),
                        "first": "model" if game.ours_first else "baseline", "result": game.result, "why": game.why,
                        "judgement": game.judgement,
                    }  # fmt: skip
        for model, rated in verdicts.single.items():
            for mark in rated:
                if mark.by == "judge":
                    yield {
                        "mode": "single", "judge": name, "model": model, **_named(mark.case), "rating": mark.value,
                        "why": mark.why, "judgement": mark.judgement,
                    }  # fmt: skip


def _named(case: Case) -> dict[str, Any]:
    return {"key": case.key, "turn": case.turn, "category": case.category}
