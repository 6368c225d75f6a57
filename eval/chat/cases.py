"""What models are compared on: the rows of a benchmark or a file of prompts, and how many of them are drawn."""

from __future__ import annotations

import random
from pathlib import Path

from eval.chat.models import RunModel
from eval.responses import Asked, read_answers, read_rows, responses_file
from kielo.errors import SourceError, UsageError, at
from kielo.plan.evaluation import benchmarks
from kielo.plan.steps import rows_step
from kielo.recipe.reading import nearest
from kielo.records import Prompt, Question, QuestionResponse, Response, read_jsonl

Row = Prompt | Question
_TEXTS = ("prompt", "instruction", "question", "text")


def cases_of_benchmark(model: RunModel, name: str | None) -> Asked:
    """Read the rows of one of the run's benchmarks; without a name the first in the target language.

    Raises:
        UsageError: the run has no such benchmark.
        SourceError: its rows are not made yet.
    """
    there = {each.name: each for each in benchmarks(model.recipe)}
    own = [each.name for each in there.values() if each.language == model.recipe.language]
    chosen = name or next(iter([*own, *there]), None)
    if chosen is None:
        raise UsageError(f"{model.run.path}: its recipe has no benchmark; give prompts by --prompts FILE.")
    if chosen not in there:
        raise UsageError(f"--benchmark {chosen}: the run has none of this name; {nearest(chosen, list(there))}")
    benchmark = there[chosen]
    folder = model.run.folder(rows_step(model.recipe, benchmark.dataset, benchmark.language))
    if not folder.is_dir():
        raise SourceError(f"{folder}: is not made yet; run `kielo eval` first, or give prompts by --prompts FILE.")
    return Asked(chosen, tuple(read_rows(benchmark.kind, folder)), benchmark.max_tokens)


def cases_of_file(path: Path, language: str, max_tokens: int) -> Asked:
    """Read prompts: a line each of a text file, or rows {prompt} or {turns} of a .jsonl file.

    Raises:
        SourceError: the file is missing, holds no prompts, or a row has none.
    """
    rows = _json_turns(path) if ".jsonl" in path.suffixes else [(line,) for line in _lines(path)]
    if not rows:
        raise SourceError(f"{path}: holds no prompts; write one on each line.")
    questions = [Question(f"{path.stem}/{number}", language, number, "", turns) for number, turns in enumerate(rows, 1)]
    return Asked(path.stem, tuple(questions), max_tokens)


def drawn(asked: Asked, count: int, seed: int) -> Asked:
    """Draw some of the rows, in their order; the same for the same seed."""
    if len(asked.rows) <= count:
        return asked
    places = sorted(random.Random(seed).sample(range(len(asked.rows)), count))
    return Asked(asked.name, tuple(asked.rows[place] for place in places), asked.max_tokens)


def stored(model: RunModel, asked: Asked) -> dict[str, tuple[str, ...]]:
    """Find the answers that a model has given already in the run, by the id of the row: those to the same turns."""
    path = model.run.folder(f"responses/{model.name}") / responses_file(asked.name)
    if not path.is_file() or model.run.record(f"responses/{model.name}") is None:
        return {}
    turns = {row.id: turns_of(row) for row in asked.rows}
    answers = {each.id: _said(each) for each in read_answers(path) if turns.get(each.id) == _asked_turns(each)}
    return {row.id: answers[row.id] for row in asked.rows if row.id in answers}


def turns_of(row: Row) -> tuple[str, ...]:
    """Give the turns of a row."""
    return (row.text,) if isinstance(row, Prompt) else row.turns


def _asked_turns(each: Response | QuestionResponse) -> tuple[str, ...]:
    return (each.prompt,) if isinstance(each, Response) else each.turns


def _said(each: Response | QuestionResponse) -> tuple[str, ...]:
    return (each.response,) if isinstance(each, Response) else each.responses


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; convert the file with iconv.") from error
    except (FileNotFoundError, IsADirectoryError) as error:
        raise SourceError(f"{path}: no such file; name one with a prompt on each line.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _json_turns(path: Path) -> list[tuple[str, ...]]:
    return [_turns(row, at(path, number)) for number, row in read_jsonl(path)]


def _turns(row: dict[str, object], place: str) -> tuple[str, ...]:
    turns = row.get("turns")
    if isinstance(turns, list) and turns and all(isinstance(turn, str) and turn.strip() for turn in turns):
        return tuple(turns)
    text = None if turns is not None else next((row[name] for name in _TEXTS if isinstance(row.get(name), str)), None)
    if not isinstance(text, str) or not text.strip():
        raise SourceError(f"{place}: a row needs a `prompt` (a text) or `turns` (a list of texts); mend the row.")
    return (text,)
