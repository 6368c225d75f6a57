"""The step kind "responses": one tuned model answers the prompts and questions of all benchmarks; scores are made of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.thinking import strip_thinking
from kielo.errors import GenerationError, SourceError, at
from kielo.generation.engines import open_generator
from kielo.generation.protocol import Completion, Generator, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.plan import Outcome, Workplace
from kielo.records import (
    Message,
    Prompt,
    Question,
    QuestionResponse,
    Response,
    read_jsonl,
    read_records,
    write_records,
)
from kielo.run_folder import KEPT


@dataclass(frozen=True)
class Asked:
    """A benchmark as this step asks it: its rows, each with its turns, and the longest answer to one."""

    name: str
    rows: tuple[Prompt | Question, ...]
    max_tokens: int


def responses_file(benchmark: str) -> str:
    """Name the file of a model's answers to a benchmark, such as `ifeval-fi`."""
    return f"{benchmark}.jsonl"


def run(place: Workplace) -> Outcome:
    """Make `<benchmark>-<language>.jsonl` for every benchmark, with one loading of the model."""
    settings = place.step.settings["eval"]
    asked = [
        Asked(name, tuple(read_rows(each["kind"], place.inputs[each["rows"]])), each["max_tokens"])
        for name, each in settings["benchmarks"].items()
    ]
    model = place.inputs[place.step.inputs[0]] / "model"
    with (
        open_generator(place.recipe.eval.engine, str(model), None, place.folder / "logs") as generator,
        CompletionStore(place.folder / KEPT) as store,
    ):
        answers = answer(asked, generator, store, settings["strip_thinking"])
    counts = {}
    for each in asked:
        records = [_record(row, answers[each.name, row.id]) for row in each.rows]
        write_records(place.folder / responses_file(each.name), records)
        counts[each.name] = {"answers": len(records), "finish_reasons": finish_reasons(records)}
    return Outcome(tuple(responses_file(each.name) for each in asked), counts)


def read_rows(kind: str, folder: Path) -> list[Prompt | Question]:
    """Read a benchmark's rows from a data step's folder: what translation accepted, or the source rows.

    Raises:
        SourceError: neither file is there, or there are no rows.
    """
    accepted = folder / "accepted.jsonl"
    path = accepted if accepted.is_file() else folder / "rows.jsonl"
    rows = [record for record in read_records(kind, path) if isinstance(record, Prompt | Question)]
    if not rows:
        raise SourceError(f"{path}: holds no rows, so there is nothing to evaluate; see the rejections beside it.")
    return rows


def answer(
    asked: Iterable[Asked], generator: Generator, store: CompletionStore, without_thoughts: bool
) -> Mapping[tuple[str, str], tuple[Completion, ...]]:
    """Have a model answer turn by turn, greedily; every turn of all benchmarks is one batch. Keys: (benchmark, id of the row).

    With `without_thoughts` an earlier answer is shown to the model without its <think> block; the record keeps it whole.

    Raises:
        GenerationError: the engine cannot go on, or failed to answer; the answers it gave stay in the store.
    """
    rows = [(each.name, row, each.max_tokens) for each in asked for row in each.rows]
    made: dict[tuple[str, str], tuple[Completion, ...]] = {(name, row.id): () for name, row, _ in rows}
    for turn in range(max((len(_turns(row)) for _, row, _ in rows), default=0)):
        open_rows = [(name, row, most) for name, row, most in rows if turn < len(_turns(row))]
        requests = [
            Request(_conversation(_turns(row)[: turn + 1], made[name, row.id], without_thoughts), Sampling(most))
            for name, row, most in open_rows
        ]
        completions = complete(generator, requests, store, f"turn {turn + 1}" if turn else "responses")
        _refuse_errors(completions, store.folder)
        for (name, row, _), completion in zip(open_rows, completions, strict=True):
            made[name, row.id] = (*made[name, row.id], completion)
    return made


def _turns(row: Prompt | Question) -> tuple[str, ...]:
    return (row.text,) if isinstance(row, Prompt) else row.turns


def _conversation(turns: Sequence[str], answers: Sequence[Completion], without_thoughts: bool) -> tuple[Message, ...]:
    messages = []
    for turn, made in zip(turns, answers, strict=False):
        text = _writable(made.text)
        said = strip_thinking(text) if without_thoughts else text
        messages += [Message("user", turn), Message("assistant", said)]
    return (*messages, Message("user", turns[-1]))


def _refuse_errors(completions: Sequence[Completion], folder: Path) -> None:
    """Refuse to score answers that were never made: they would count against the model."""
    errors = [made.error or "no reason given" for made in completions if made.finish_reason == "error"]
    if errors:
        raise GenerationError(
            f"{folder}: {len(errors)} of {len(completions)} prompts got no answer (the first: {errors[0]}); "
            "run the same command again: it asks only for these."
        )


def _record(row: Prompt | Question, made: Sequence[Completion]) -> Response | QuestionResponse:
    texts, reasons = tuple(_writable(each.text) for each in made), tuple(each.finish_reason for each in made)
    if isinstance(row, Prompt):
        return Response(row.id, row.key, row.language, row.text, texts[0], reasons[0])
    return QuestionResponse(row.id, row.key, row.language, row.category, row.turns, texts, reasons)


def _writable(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half an emoji is not UTF-8


def finish_reasons(records: Iterable[Response | QuestionResponse]) -> dict[str, int]:
    """Count why the answers ended: stop, length (cut at max_tokens), or refused (too long a prompt)."""
    counts: Counter[str] = Counter()
    for record in records:
        counts.update((record.finish_reason,) if isinstance(record, Response) else record.finish_reasons)
    return dict(sorted(counts.items()))


def read_answers(path: Path) -> list[Response | QuestionResponse]:
    """Read a file of answers as this step wrote it.

    Raises:
        SourceError: the file is missing, or a row is no answer.
    """
    return [_read(row, at(path, number)) for number, row in read_jsonl(path)]


def _read(row: Mapping[str, Any], place: str) -> Response | QuestionResponse:
    try:
        if "turns" not in row:
            return Response(**row)
        lists = {name: tuple(row[name]) for name in ("turns", "responses", "finish_reasons")}
        return QuestionResponse(**{**row, **lists})
    except (TypeError, KeyError) as error:
        raise SourceError(f"{place}: not an answer as Kielo writes it ({error}); make its step again.") from error
