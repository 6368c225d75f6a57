"""A model's stored answers, whoever wrote them: Kielo's rows, FastChat's, lm-evaluation-harness's samples, or {prompt, response}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import SourceError, at
from kielo.questions import KEYS, numbered
from kielo.records import read_jsonl, refuse_half_characters

_RESPONSES = ("response", "answer", "output")
_PROMPTS = ("prompt", "instruction")
FORMATS = "answers, .jsonl or .jsonl.gz: Kielo's, rows {prompt, response}, FastChat's, or lm_eval's samples"
"""What `--help` says of such a file."""


@dataclass(frozen=True)
class StoredAnswer:
    """One row: which question it answers, and an answer a turn (None where the file has null)."""

    line: int
    name: str
    """The question's key or id as the row writes it, else the line number: a name within the file."""
    key: int | None
    prompt: str | None
    """The user's first turn."""
    texts: tuple[str | None, ...]
    language: str | None = None
    """What the row says it is; most files do not say."""


def read_stored_answers(path: Path) -> list[StoredAnswer]:
    """Read the answers of a .jsonl or .jsonl.gz file; of FastChat's choices the first counts.

    Raises:
        SourceError: a row is no answer, or there are none; the sentence names file and line.
    """
    found = [_stored(row, number, at(path, number)) for number, row in read_jsonl(path)]
    if not found:
        raise SourceError(f"{path}: holds no answers.")
    return found


def read_named_answers(path: Path) -> list[StoredAnswer]:
    """Read answers that each say what they answer, by a key or by the text of their prompt.

    Raises:
        SourceError: one does not, a row is no answer, or there are none.
    """
    found = read_stored_answers(path)
    nameless = next((each for each in found if each.key is None and each.prompt is None), None)
    if nameless:
        raise SourceError(
            f"{at(path, nameless.line)}: an answer needs a `key` (a whole number) or the text of its `prompt`; mend the row."
        )
    return found


def _stored(row: Mapping[str, Any], number: int, place: str) -> StoredAnswer:
    if "doc" in row and "resps" in row:
        row = _sample(row, place)
    texts = _texts(row, place)
    wrong = next((text for text in texts if text is not None and not isinstance(text, str)), None)
    if wrong is not None:
        raise SourceError(f"{place}: an answer must be a text or null; this is a {type(wrong).__name__}.")
    written = next((row[name] for name in KEYS if row.get(name) is not None), number)
    if not isinstance(written, int | str) or isinstance(written, bool):
        raise SourceError(f"{place}: the question's key must be a number or a text; this is {written!r:.60}.")
    prompt = _prompt(row)
    # Where there is a prompt, `id` may number rows and not questions.
    key = numbered(row, KEYS if prompt is None else KEYS[:-1])
    language = row.get("language")
    found = StoredAnswer(
        number, str(written), key, prompt, tuple(texts), language if isinstance(language, str) else None
    )
    refuse_half_characters({"name": found.name, "prompt": found.prompt, "texts": found.texts}, place)
    return found


def _prompt(row: Mapping[str, Any]) -> str | None:
    """Find the text of the first turn; a prompt in another shape is none, for rows with a key need none."""
    written = row.get("turns") or next((row[name] for name in _PROMPTS if row.get(name) is not None), None)
    first = written[0] if isinstance(written, list) and written else written
    return first if isinstance(first, str) else None


def _sample(row: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """Take the answer out of a row of lm-evaluation-harness's samples_*.jsonl: the one that its filter left, if any."""
    doc, answers = row["doc"], row.get("filtered_resps") or row["resps"]
    while isinstance(answers, list) and len(answers) == 1:
        answers = answers[0]
    if not isinstance(doc, Mapping) or isinstance(answers, list):
        raise SourceError(
            f"{place}: a sample of lm-evaluation-harness needs a `doc` and one answer in `filtered_resps`."
        )
    return {**{name: doc[name] for name in (*KEYS, *_PROMPTS, "turns") if name in doc}, "response": answers}


def _texts(row: Mapping[str, Any], place: str) -> list[Any]:
    """Find the answers of a row, one a turn: FastChat's first choice, Kielo's turns, or the one response."""
    chosen = _choice(row.get("choices"))
    if chosen:
        return chosen
    name = next((name for name in ("responses", *_RESPONSES) if name in row), None)
    if name is None and "choices" in row:
        raise SourceError(f"{place}: `choices` must be a list whose first item has a list of `turns`.")
    if name is None:
        there = f"{', '.join(row) or 'nothing':.200}"
        raise SourceError(f"{place}: no answer: has none of `response`, `responses`, `choices`; it has {there}.")
    if row[name] == []:
        raise SourceError(f"{place}: `{name}` is an empty list; a null stands for an answer that says nothing.")
    return row[name] if isinstance(row[name], list) else [row[name]]


def _choice(choices: Any) -> list[Any]:
    first = choices[0] if isinstance(choices, list) and choices else None
    turns = first.get("turns") if isinstance(first, Mapping) else None
    return turns if isinstance(turns, list) else []
