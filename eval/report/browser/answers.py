"""Gathers what the report's browser shows: by benchmark and prompt the answers of all models, with their verdicts in both modes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.ifeval.registry import MODES
from eval.report.browser.judged import Judged, judgements
from eval.report.browser.packing import Cut, cut_at, pack
from eval.report.collect import Answered, Run, name_of
from eval.report.document import Browser, Packed
from eval.report.scored import Evaluation
from eval.responses import read_answers
from kielo.records import QuestionResponse, Response

One = Evaluation | Answered
Row = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What one model answered to a benchmark (key -> answer), and what was found out about it (key -> fields)."""

    one: One
    answers: Mapping[int, Response | QuestionResponse]
    found: Mapping[int, Row]


def browser(run: Run) -> Browser | None:
    """Pack every prompt with all answers and verdicts; None where nothing was answered.

    Raises:
        SourceError: a file of answers is damaged.
    """
    grouped: dict[tuple[str, str], list[One]] = {}
    every: tuple[One, ...] = (*run.evaluations, *run.further, *run.questions)
    for one in every:
        grouped.setdefault((one.benchmark, one.language), []).append(one)
    told = {names: [_told(one) for one in ones if one.responses.is_file()] for names, ones in grouped.items()}
    missing = sum(not one.responses.is_file() for ones in grouped.values() for one in ones)
    judged = {names: judgements(run, *names) for names in told}
    texts = [*_texts(told.values()), *_judges_texts(judged.values())]
    cut = Cut(cut_at(map(len, texts)))
    packed = [_packed(run, names, found, judged[names], cut) for names, found in told.items() if found]
    return Browser(tuple(packed), tuple(_notes(cut, missing))) if packed else None


def _told(one: One) -> Told:
    answers = {row.key: row for row in read_answers(one.responses) if row.key is not None}
    rows = one.document["prompts"] if isinstance(one, Evaluation) else one.document["questions"]
    scored = _verdicts if isinstance(one, Evaluation) else _measures
    spoken = (one.document["response_language"] or {}).get("by_prompt", {})
    return Told(one, answers, {row["key"]: scored(row, spoken) for row in rows})


def _verdicts(row: Row, spoken: Mapping[str, Row]) -> Row:
    """Shorten the verdicts on an answer: a row of 0 and 1 by instruction for each way to score it."""
    bits: Row = {
        mode: {way: _bits(row[mode].get(way, ())) for way in ("strict", "loose", "unstable")} for mode in MODES
    }
    differences = [[each["instruction"], each["why"]] for each in row["differences"]]
    language = {**_language(spoken.get(str(row["key"]))), "language": row["language"]}
    return {**bits, "differences": differences, "spoken": [language]}


def _bits(verdicts: Iterable[bool]) -> str:
    return "".join("01"[verdict] for verdict in verdicts)


def _measures(row: Row, spoken: Mapping[str, Row]) -> Row:
    """Keep what was measured of the answers to a question's turns, and their languages."""
    turns = range(1, len(row["turns"]) + 1)
    measures = [{name: value for name, value in turn.items() if name != "language"} for turn in row["turns"]]
    return {"spoken": [_language(spoken.get(f"{row['key']}/{turn}")) for turn in turns], "measures": measures}


def _language(found: Mapping[str, Any] | None) -> Row:
    if found is None:
        return {}
    return {
        "language": found["lines"], "evidence": found["evidence"],
        "langdetect": found["langdetect"], "folded": found["folded"],
    }  # fmt: skip


def _texts(told: Iterable[Iterable[Told]]) -> Iterator[str]:
    for found in told:
        for each in found:
            for answer in each.answers.values():
                yield from _said(answer)


def _judges_texts(judged: Iterable[Judged]) -> Iterator[str]:
    for found in judged:
        for rows in found.values():
            yield from (said["text"] for row in rows for said in row["said"])


def _said(answer: Response | QuestionResponse) -> tuple[str, ...]:
    return (answer.response,) if isinstance(answer, Response) else answer.responses


def _packed(run: Run, names: tuple[str, str], told: Sequence[Told], judged: Judged, cut: Cut) -> Packed:
    benchmark, code = names
    name, first = f"{benchmark}-{code}", told[0].one
    keys = dict.fromkeys(key for each in told for key in each.answers)
    tags = _tags(told)
    document = {
        "name": name, "kind": "ifeval" if isinstance(first, Evaluation) else "questions",
        "code": code, "language": name_of(code), "source": name_of(run.recipe.source_language),
        "models": [each.one.model for each in told], "baseline": _baseline(run, benchmark, code),
        "prompts": [_prompt(key, told, tags, judged, cut) for key in keys],
    }  # fmt: skip
    return Packed(name, f"{benchmark} in {name_of(code)}", pack(document))


def _baseline(run: Run, benchmark: str, code: str) -> str | None:
    found = (one for one in run.judged.values() if (one["benchmark"], one["language"]) == (benchmark, code))
    return next((str(one["baseline"]) for one in found), None)


def _tags(told: Iterable[Told]) -> dict[int, list[str]]:
    """Say what a prompt is filed under: the types of its instructions, or the category of a question."""
    tags: dict[int, list[str]] = {}
    for each in told:
        if isinstance(each.one, Evaluation):
            tags |= {row["key"]: row["instruction_id_list"] for row in each.one.document["prompts"]}
        else:
            tags |= {key: [row.category] for key, row in each.answers.items() if isinstance(row, QuestionResponse)}
    return tags


def _prompt(key: int, told: Sequence[Told], tags: Mapping[int, list[str]], judged: Judged, cut: Cut) -> Row:
    asked = next(each.answers[key] for each in told if key in each.answers)
    turns = (asked.prompt,) if isinstance(asked, Response) else asked.turns
    return {
        "key": str(key), "id": asked.id, "turns": [cut.shown(turn) for turn in turns], "tags": tags.get(key, []),
        "answers": [_answer(each, key, judged, cut) for each in told],
    }  # fmt: skip


def _answer(told: Told, key: int, judged: Judged, cut: Cut) -> Row | None:
    answer = told.answers.get(key)
    if answer is None:
        return None
    ends = (answer.finish_reason,) if isinstance(answer, Response) else answer.finish_reasons
    found = [
        {**row, "said": [{**said, "text": cut.shown(said["text"])} for said in row["said"]]}
        for row in judged.get((told.one.model, key), ())
    ]
    return {
        "turns": [cut.answer(text) for text in _said(answer)], "ends": ends, **told.found.get(key, {}),
        **({"judged": found} if found else {}),
    }  # fmt: skip


def _notes(cut: Cut, missing: int) -> Iterator[str]:
    yield "Every prompt with the answers of all models and each verdict on them; a link to a prompt is the address of this page with it open."
    if cut.cut:
        yield f"Texts longer than {cut.longest:,} characters are cut there, to keep the page quick: {cut.cut:,} of {cut.texts:,}; the whole ones are in the run folder under responses/."
    if missing:
        yield f"The answers of {missing} evaluations are no longer in the run folder and are not shown."
