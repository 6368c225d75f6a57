"""What became of every record, text and segment of a data set: the verdicts, the files of the step, its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kielo.records import PreferencePair, Record, Rejection, SentencePair, to_json, write_jsonl, write_records
from translate.answers import Failure, Translated
from translate.checks import Finding
from translate.repair import Outcome
from translate.review.verdicts import Verdicts
from translate.texts import Assembly, Made, Text
from translate.works import Work, rebuild

OUTPUTS = ("accepted.jsonl", "rejected.jsonl", "translations.jsonl", "segments.jsonl")


@dataclass(frozen=True)
class Result:
    """What became of one record: itself in the target language, or the failure that rejects it and where."""

    work: Work
    made: tuple[Made, ...]
    record: Record | None
    failure: Failure | None = None
    where: str = ""
    repaired: bool = False
    """Whether it was rejected at first, and what its prompt lost was won back by asking around it."""


def judge(work: Work, made: Sequence[Made], language: str) -> Result:
    """Decide on a record: every text must pass, then the record as a whole.

    A record kept in the source language keeps that language, too.
    """
    if work.failure is not None:
        return Result(work, (), None, work.failure, "record")
    if work.kept:
        return Result(work, tuple(map(_kept, work.texts)), work.record)
    made = tuple(made)
    if not isinstance(work.record, SentencePair):  # translation is measured on all sentences, the bad ones too
        for each in made:
            if each.failure is not None:
                return Result(work, made, None, each.failure, each.text.where)
    rebuilt = rebuild(work, language, {each.text.where: each.translation for each in made})
    rebuilt = _uneven(work.record, made) or rebuilt
    if isinstance(rebuilt, Failure):
        return Result(work, made, None, rebuilt, "record")
    return Result(work, made, rebuilt)


def _kept(text: Text) -> Made:
    return Made(text, text.source, (Outcome(Translated(text.source, "kept", "kept")),))


def reviewed(made: Made, record_id: str, verdicts: Verdicts) -> Made:
    """Apply a reviewer's verdict to a text: their word counts more than a check's."""
    verdict = verdicts.of(record_id, made.text.where, made.text.source)
    if verdict is None:
        return made
    if verdict.refuses(made.translation):
        finding = Finding("reviewer", verdict.comment or "rejected by a reviewer", fatal=True)
        return replace(made, findings=(*made.findings, finding))
    if verdict.vouched is None:
        return made
    if any("\ud800" <= letter <= "\udfff" for letter in verdict.vouched):
        finding = Finding("encoding", "the reviewer's text holds half a character, which no file can", fatal=True)
        return replace(made, findings=(*made.findings, finding))
    return Made(made.text, verdict.vouched, (Outcome(Translated(verdict.vouched, "reviewer", "reviewer")),))


def _uneven(record: Record, made: Sequence[Made]) -> Failure | None:
    """Find a record whose every segment stayed as it was, and a pair whose answers differ in who made them."""
    makers = {each.text.where: {answer.engine for answer in each.answers} - {"memory", "reviewer"} for each in made}
    if set().union(*makers.values()) == {"source"} and all(each.answers for each in made):
        return Failure("untranslated", "every segment was kept as it is in the source")
    if not isinstance(record, PreferencePair) or makers["chosen"] == makers["rejected"]:
        return None
    if "source" not in makers["chosen"] ^ makers["rejected"] and not (makers["chosen"] and makers["rejected"]):
        return None
    names = [", ".join(sorted(makers[side])) or "memory" for side in ("chosen", "rejected")]
    return Failure("translation-noise", f"'chosen' was made by {names[0]}, 'rejected' by {names[1]}")


def write_results(folder: Path, results: Sequence[Result]) -> None:
    """Write the step's files, in the order of the source."""
    write_records(folder / "accepted.jsonl", (result.record for result in results if result.record is not None))
    write_records(folder / "rejected.jsonl", (rejection for result in results for rejection in _rejections(result)))
    write_jsonl(folder / "translations.jsonl", (row for result in results for row in _text_rows(result)))
    write_jsonl(folder / "segments.jsonl", _segment_rows(results))


def _rejections(result: Result) -> Iterator[Rejection]:
    if result.failure is not None:
        record = result.work.record
        translations = {made.text.where: made.translation for made in result.made}
        evidence = {"source": to_json(record), "translations": translations}
        yield Rejection(record.id, result.failure.reason, result.where, result.failure.detail, evidence)


def _text_rows(result: Result) -> Iterator[dict[str, Any]]:
    """Give the rows of a record's texts; what stands fixed in them comes first."""
    name = result.work.record.id
    for source, target in result.work.forms.items():
        yield {**_row(name, "argument", source, target), "engine": "argument", "rung": "argument", "accepted": True}
    for made in result.made:
        row = _row(name, made.text.where, made.text.source, made.translation)
        failure = made.failure
        findings = [finding for outcome in made.outcomes for finding in outcome.findings] + list(made.findings)
        yield {
            **row, **_makers(made), "findings": _plain(findings), "accepted": failure is None,
            "reason": failure.reason if failure else None,
        }  # fmt: skip


def _row(name: str, where: str, source: str, translation: str) -> dict[str, Any]:
    return {
        "id": name, "where": where, "source": source, "translation": translation, "engine": "none", "rung": "none",
        "logprob": None, "findings": [], "accepted": False, "reason": None,
    }  # fmt: skip


def _makers(made: Made) -> dict[str, Any]:
    """Name who made a text, on which rungs, and the lowest log-probability of its segments."""
    answers = made.answers
    logprobs = [answer.logprob for answer in answers if answer.logprob is not None]
    nobody = "none" if made.failure else "copy"
    return {
        "engine": ", ".join(dict.fromkeys(answer.engine for answer in answers)) or nobody,
        "rung": ", ".join(dict.fromkeys(answer.rung for answer in answers)) or nobody,
        "logprob": min(logprobs, default=None),
    }


def _plain(findings: Sequence[Finding]) -> list[list[Any]]:
    return [[finding.check, finding.detail, finding.fatal] for finding in dict.fromkeys(findings)]


def _segment_rows(results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    """Give a row for every distinct segment, and for every other translation that was taken of it."""
    outcomes = (outcome for result in results for made in result.made for outcome in made.outcomes)
    for outcome in dict.fromkeys(outcome for outcome in outcomes if outcome.segment is not None):
        segment, answer, failure = outcome.segment, outcome.answer, outcome.failure
        assert segment is not None
        made = answer if isinstance(answer, Translated) else Translated(answer.text, "none", "none")
        yield {
            "source": segment.text, "kind": segment.kind, "translation": made.text, "engine": made.engine, "rung": made.rung,
            "logprob": made.logprob, "findings": _plain(outcome.findings), "reason": failure.reason if failure else None,
        }  # fmt: skip


def counts_of(results: Sequence[Result], assembly: Assembly) -> dict[str, Any]:
    """Count what the report tells of the step."""
    texts = [made for result in results for made in result.made]
    makers = Counter(_maker(made) for made in texts)
    rejected = Counter(result.failure.reason for result in results if result.failure is not None)
    failed = Counter(failure.reason for failure in assembly.ladder.failed_first.values())
    failed.update(each.check for made in texts for each in made.findings if each.fatal)
    changes: dict[str, Counter[str]] = {}
    for change in (result.work.change for result in results):
        if change is not None:
            changes.setdefault(change.rule, Counter())[change.action] += 1
    return {
        "records": len(results), "accepted": sum(result.record is not None for result in results),
        "accepted_without_repair": sum(map(lambda result: _at_once(result, assembly), results)),
        "rejected": _sorted(rejected), "texts": len(texts), "segments": len(assembly.outcomes),
        "from_memory": makers["memory"], "from_engine": makers["engine"], "copied": makers["copy"],
        "failed_checks": _sorted(failed), "rungs": assembly.ladder.tally.rows(), "task_changes": {rule: _sorted(changes[rule]) for rule in sorted(changes)},
        "calibration": dict(assembly.ladder.checker.calibration),
    }  # fmt: skip


def _sorted(counter: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _maker(made: Made) -> str:
    engines = {answer.engine for answer in made.answers}
    if engines - {"memory", "source", "reviewer", "kept"}:
        return "engine"
    return next(iter(sorted(engines)), "none" if made.failure else "copy")


def _at_once(result: Result, assembly: Assembly) -> bool:
    """Say whether a record would be accepted, too, if every failure rejected it: what dropping keeps."""
    if result.record is None or result.repaired:
        return False
    sampled = any(answer.rung == "answers-samples" for made in result.made for answer in made.answers)
    return not sampled and not any(assembly.failed_at_first(made.text) for made in result.made)
