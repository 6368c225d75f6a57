"""Step `translate`: source records become records of the target language, each accepted or rejected with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import GenerationError, KieloError
from kielo.generation.protocol import Completion, Generator, Request
from kielo.languages import language
from kielo.plan import Outcome, Workplace
from kielo.records import Record, Rejection, SentencePair, read_records, to_json, write_jsonl, write_records
from kielo.schema import Engine
from translate.checks import Direction, check_all
from translate.few_shot import few_shot_prefix, load_shots
from translate.record_texts import Work, plan_work, rebuild
from translate.segments import split
from translate.texts import Text, translate_texts
from translate.translators import (
    Answer,
    Completer,
    Failure,
    FewShotTranslator,
    InTurn,
    Memory,
    Translated,
    Translator,
    read_memory,
)

OUTPUTS = ("accepted.jsonl", "rejected.jsonl", "translations.jsonl")
COMPLETIONS = "completions"


@dataclass(frozen=True)
class Result:
    """What became of one text: its answer, and every (reason, evidence) against it."""

    text: Text
    answer: Answer
    failures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Verdict:
    """What became of one record: itself in the target language, or the failure that rejects it and where."""

    work: Work
    results: tuple[Result, ...]
    record: Record | None
    failure: Failure | None = None
    where: str = ""


def run(place: Workplace) -> Outcome:
    """Translate one data set; `accepted.jsonl`, `rejected.jsonl` and `translations.jsonl` are in the source's order.

    Completions are kept under `completions/`, so that an interrupted step goes on where it was.

    Raises:
        KieloError: no record was accepted; the sentence counts the reasons.
    """
    name = place.step.name.partition("/")[2]
    dataset = place.recipe.translate.datasets[name]
    records = read_records(dataset.kind, place.inputs[f"source/{name}"] / "rows.jsonl")
    with _translators(place, name) as (direction, memory, translator):
        works = plan_work(records, direction, memory, translator)
        texts = list(dict.fromkeys(text for work in works for text in work.texts if work.failure is None))
        answers = translate_texts(texts, memory, translator)
    _refuse_unanswered(answers, place.folder)
    results = {text: _result(text, answer, direction) for text, answer in zip(texts, answers, strict=True)}
    verdicts = [_judge(work, results, direction) for work in works]
    _write(place.folder, verdicts)
    counts = _counts(verdicts, memory)
    if not counts["accepted"]:
        reasons = ", ".join(f"{reason}: {number}" for reason, number in counts["rejected"].items())
        raise KieloError(
            f"{place.folder / 'rejected.jsonl'}: none of {len(verdicts)} records of {name} was accepted ({reasons}); see there, then check the engine, its shots and the memory."
        )
    return Outcome(OUTPUTS, counts)


def _refuse_unanswered(answers: Sequence[Answer], folder: Path) -> None:
    """Refuse to call texts untranslatable that the engine never answered: they would be lost for good."""
    failed = [answer.detail for answer in answers if isinstance(answer, Failure) and answer.reason == "engine-error"]
    if failed:
        raise GenerationError(
            f"{folder}: {len(failed)} of {len(answers)} texts got no answer (the first: {failed[0]}); run the same command again: it asks only for these."
        )


@contextmanager
def _translators(place: Workplace, name: str) -> Iterator[tuple[Direction, Memory | None, Translator]]:
    """Open who translates a data set: its memory, and its engine or the recipe's."""
    recipe, dataset = place.recipe, place.recipe.translate.datasets[name]
    settings, engine = dataset.memory or recipe.translate.memory, dataset.engine or recipe.translate.engine
    memory = read_memory(recipe.path(settings.file), settings.source, settings.target) if settings else None
    before: tuple[Translator, ...] = (memory,) if memory else ()
    source, target = language(recipe.source_language), language(recipe.language)
    if engine is None:
        yield Direction(source, target), memory, InTurn(before)
        return
    shots = load_shots(recipe)
    with _completer(engine, place) as complete_all:
        prefix = few_shot_prefix(shots, source, target)
        few_shot = FewShotTranslator(complete_all, prefix, source, target, recipe.translate.max_tokens_ratio)
        yield Direction(source, target, shots), memory, InTurn((*before, few_shot))


@contextmanager
def _completer(engine: Engine, place: Workplace) -> Iterator[Completer]:
    """Open an engine at the first request, so that a data set that the memory covers loads no model."""
    from kielo.generation.store import CompletionStore, complete

    recipe = place.recipe
    with ExitStack() as stack:
        opened: list[Generator] = []
        store = stack.enter_context(CompletionStore(place.folder / COMPLETIONS))

        def complete_all(requests: Sequence[Request]) -> Sequence[Completion]:
            if not opened:
                from kielo.generation.engines import open_generator

                opened.append(
                    stack.enter_context(
                        open_generator(engine, recipe.model_path, recipe.revision, place.folder / "logs")
                    )
                )
            return complete(opened[0], requests, store, place.step.name)

        yield complete_all


def _result(text: Text, answer: Answer, direction: Direction) -> Result:
    if isinstance(answer, Failure):
        return Result(text, answer, ((answer.reason, answer.detail),))
    unchecked = answer.origin == "copy"
    return Result(text, answer, () if unchecked else tuple(check_all(text.source, answer.text, direction)))


def _judge(work: Work, known: Mapping[Text, Result], direction: Direction) -> Verdict:
    if work.failure is not None:
        return Verdict(work, (), None, work.failure, "arguments")
    results = tuple(known[text] for text in work.texts)
    translations = {result.text.where: result.answer.text for result in results}
    if not isinstance(work.record, SentencePair):  # translation is measured on all sentences, the bad ones too
        for result in results:
            if result.failures:
                reason, detail = result.failures[0]
                return Verdict(work, results, None, Failure(reason, detail), result.text.where)
    rebuilt = rebuild(work, direction.target.code, translations)
    if isinstance(rebuilt, Failure):
        return Verdict(work, results, None, rebuilt, "record")
    return Verdict(work, results, rebuilt)


def _write(folder: Path, verdicts: Sequence[Verdict]) -> None:
    write_records(folder / "accepted.jsonl", (verdict.record for verdict in verdicts if verdict.record is not None))
    write_records(folder / "rejected.jsonl", (rejection for verdict in verdicts for rejection in _rejections(verdict)))
    write_jsonl(folder / "translations.jsonl", (row for verdict in verdicts for row in _side_by_side(verdict)))


def _rejections(verdict: Verdict) -> Iterator[Rejection]:
    if verdict.failure is not None:
        record = verdict.work.record
        evidence = {
            "source": to_json(record),
            "translations": {result.text.where: result.answer.text for result in verdict.results},
        }
        yield Rejection(record.id, verdict.failure.reason, verdict.where, verdict.failure.detail, evidence)


def _side_by_side(verdict: Verdict) -> Iterator[dict[str, Any]]:
    for source, target in verdict.work.forms.items():
        yield {
            "id": verdict.work.record.id,
            "where": "argument",
            "source": source,
            "translation": target,
            "origin": "argument",
            "failures": [],
        }
    for result in verdict.results:
        yield {
            "id": verdict.work.record.id, "where": result.text.where, "source": result.text.source,
            "translation": result.answer.text, "origin": _origin(result), "failures": [list(failure) for failure in result.failures],
        }  # fmt: skip


def _origin(result: Result) -> str:
    return result.answer.origin if isinstance(result.answer, Translated) else "none"


def _counts(verdicts: Sequence[Verdict], memory: Memory | None) -> Mapping[str, Any]:
    results = [result for verdict in verdicts for result in verdict.results]
    pieces = {piece.text for result in results for piece in result.text.pieces}
    origins = Counter(map(_origin, results))
    rejected = Counter(verdict.failure.reason for verdict in verdicts if verdict.failure is not None)
    failed = Counter(reason for result in results for reason in {reason for reason, _ in result.failures})
    return {
        "records": len(verdicts), "accepted": sum(verdict.record is not None for verdict in verdicts),
        "rejected": dict(sorted(rejected.items())), "texts": len(results),
        "segments": sum(len(split(piece).segments) for piece in pieces), "from_memory": origins["memory"],
        "from_engine": origins["engine"], "copied": origins["copy"], "failed_checks": dict(sorted(failed.items())),
        "memory_conflicts": memory.conflicts if memory else 0,
    }  # fmt: skip
