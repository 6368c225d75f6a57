"""What became of every prompt that was answered anew: the files of step `regenerate` and its counts, as step `translate` writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kielo.records import Conversation, Rejection, to_json, write_jsonl, write_records
from translate.answers import Failure, Translated
from translate.repair import Outcome
from translate.texts import Made

OUTPUTS = ("accepted.jsonl", "rejected.jsonl", "answers.jsonl")


@dataclass(frozen=True)
class Answered:
    """One answer: the samples it was chosen from, in the order they were asked for, and which was taken."""

    made: Made
    samples: tuple[Outcome, ...]
    finish_reasons: tuple[str, ...]

    @property
    def taken(self) -> int:
        """The number of the sample that was taken, from 1."""
        return self.samples.index(self.made.outcomes[0]) + 1

    @property
    def passing(self) -> int:
        """How many samples pass the checks."""
        return sum(outcome.passed for outcome in self.samples)


@dataclass
class Anew:
    """One prompt with its new answers, as far as they were made."""

    record: Conversation
    """With the answers that are replaced."""
    answers: list[Answered] = field(default_factory=list)
    turns: tuple[str, ...] = ()
    """Its turns as far as they have come."""

    @property
    def failed(self) -> Answered | None:
        """The answer that rejects it."""
        return next((each for each in self.answers if each.made.failure is not None), None)


def write_results(folder: Path, results: Sequence[Anew]) -> None:
    """Write the step's files, in the order of the prompts."""
    write_records(folder / "accepted.jsonl", (_accepted(each) for each in results if each.failed is None))
    write_records(folder / "rejected.jsonl", (rejection for each in results for rejection in _rejections(each)))
    write_jsonl(folder / "answers.jsonl", (row for each in results for row in _rows(each)))


def _accepted(result: Anew) -> Conversation:
    turns = zip(result.record.messages, result.turns, strict=True)
    messages = tuple(type(message)(message.role, content) for message, content in turns)
    return Conversation(result.record.id, result.record.language, messages)


def _rejections(result: Anew) -> Iterator[Rejection]:
    failed = result.failed
    if failed is not None:
        failure = failed.made.failure
        assert failure is not None
        answers = {each.made.text.where: each.made.translation for each in result.answers}
        evidence = {"source": to_json(result.record), "answers": answers}
        yield Rejection(result.record.id, failure.reason, failed.made.text.where, failure.detail, evidence)


def _rows(result: Anew) -> Iterator[dict[str, Any]]:
    """Give a row for every answer, with what was found in the sample that was taken."""
    for each in result.answers:
        outcome, failure = each.made.outcomes[0], each.made.failure
        logprob = outcome.answer.logprob if isinstance(outcome.answer, Translated) else None
        yield {
            "id": result.record.id, "language": result.record.language, "where": each.made.text.where,
            "answer": each.made.translation, "samples": len(each.samples), "passing": each.passing, "taken": each.taken,
            "finish_reason": each.finish_reasons[each.taken - 1], "logprob": logprob,
            "findings": [[found.check, found.detail, found.fatal] for found in outcome.findings],
            "accepted": failure is None, "reason": failure.reason if failure else None,
        }  # fmt: skip


def counts_of(results: Sequence[Anew]) -> dict[str, Any]:
    """Count what the report tells of the step; the checks' findings are those of every sample."""
    answers = [answer for each in results for answer in each.answers]
    samples = [outcome for answer in answers for outcome in answer.samples]
    failures = Counter(failure.reason for outcome in samples if (failure := outcome.failure) is not None)
    rejected = Counter(failure.reason for each in results if (failure := _failure(each)) is not None)
    taken = Counter(str(answer.taken) for answer in answers if answer.made.failure is None)
    return {
        "records": len(results), "accepted": sum(each.failed is None for each in results), "rejected": _sorted(rejected),
        "languages": {code: _of_language(results, code) for code in dict.fromkeys(each.record.language for each in results)},
        "answers": len(answers), "samples": len(samples), "passed_samples": sum(outcome.passed for outcome in samples),
        "taken": dict(sorted(taken.items(), key=lambda pair: int(pair[0]))), "failed_checks": _sorted(failures),
        "finish_reasons": _sorted(Counter(reason for answer in answers for reason in answer.finish_reasons)),
    }  # fmt: skip


def _failure(result: Anew) -> Failure | None:
    return result.failed.made.failure if result.failed else None


def _of_language(results: Sequence[Anew], code: str) -> dict[str, int]:
    own = [each for each in results if each.record.language == code]
    return {"records": len(own), "accepted": sum(each.failed is None for each in own)}


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
