"""Reads IFEval prompts and a model's answers from JSONL, and brings each answer to its prompt; nothing is lost unseen."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.ifeval.arguments import read_arguments
from eval.ifeval.registry import find_instruction, instructions
from eval.stored_answers import StoredAnswer, read_named_answers
from kielo.errors import SourceError, at
from kielo.records import Prompt, from_json, read_jsonl, refuse_half_characters


@dataclass(frozen=True)
class Answer:
    """One row of a responses file; `text` is None where the file has null, `key` where it has none, `prompt` then never empty."""

    prompt: str
    text: str | None
    key: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Matching:
    """Each prompt's answer (None if there is none), and the answers that belong to no prompt.

    `other_prompt_text` lists the keys whose answer was given to a prompt of that key but of another wording.
    """

    answers: tuple[Answer | None, ...]
    unmatched: tuple[Answer, ...]
    other_prompt_text: tuple[int, ...]


def read_prompts(path: Path, language: str, mode: str = "compat") -> list[Prompt]:
    """Read prompts as Google publishes them (key, prompt, instruction_id_list, kwargs) or as Kielo's own records.

    Raises:
        SourceError: a row is malformed, an instruction id is unknown, a key is there twice, or there are no rows.
    """
    prompts = read_unchecked_prompts(path, language)
    for prompt in prompts:
        check_prompt(prompt, f"{path}, key {prompt.key}", mode)
    return prompts


def read_unchecked_prompts(path: Path, language: str) -> list[Prompt]:
    """Read prompts whatever their instructions are, for the linter: it says of each what is wrong with it.

    Raises:
        SourceError: a row has not the shape of a prompt, a key is there twice, or there are no rows.
    """
    prompts = [_read_prompt(row, at(path, number), language) for number, row in read_jsonl(path)]
    if not prompts:
        raise SourceError(f"{path}: holds no prompts.")
    twice = [key for key, count in Counter(prompt.key for prompt in prompts).items() if count > 1]
    if twice:
        raise SourceError(f"{path}: key {twice[0]} is there more than once; every prompt needs its own key.")
    return prompts


def check_prompt(prompt: Prompt, place: str, mode: str) -> None:
    """Check ids and arguments of a prompt's instructions.

    Raises:
        SourceError: one of them is malformed; the sentence names `place`, the instruction and the field.
    """
    if len(prompt.arguments) != len(prompt.instruction_ids):
        counts = f"{len(prompt.instruction_ids)} instructions but {len(prompt.arguments)} kwargs"
        raise SourceError(f"{place}: {counts}; each instruction needs one mapping, empty if it takes no arguments.")
    for instruction_id, kwargs in zip(prompt.instruction_ids, prompt.arguments, strict=True):
        instruction = find_instruction(instructions(mode), instruction_id, place)
        read_arguments(kwargs, instruction.fields, f"{place}, {instruction_id}")


def read_responses(path: Path) -> list[Answer]:
    """Read a model's answers to IFEval prompts, in any of the formats of `eval/stored_answers.py`.

    Raises:
        SourceError: a row is malformed or answers several turns, or there are no rows.
    """
    return [_answer(stored, path) for stored in read_named_answers(path)]


def match(prompts: Sequence[Prompt], answers: Iterable[Answer]) -> Matching:
    """Bring answers to prompts: by key where the row has one, else by the prompt's exact text, the first row first."""
    waiting: dict[int | str, deque[Answer]] = defaultdict(deque)
    for answer in answers:
        waiting[answer.prompt if answer.key is None else answer.key].append(answer)
    taken = tuple(_take(waiting, prompt) for prompt in prompts)
    left = sorted((answer for queue in waiting.values() for answer in queue), key=lambda answer: answer.line or 0)
    other = (p.key for p, answer in zip(prompts, taken, strict=True) if answer and answer.prompt not in ("", p.text))
    return Matching(taken, tuple(left), tuple(other))


def _take(waiting: Mapping[int | str, deque[Answer]], prompt: Prompt) -> Answer | None:
    for name in (prompt.key, prompt.text):
        if waiting.get(name):
            return waiting[name].popleft()
    return None


def _read_prompt(row: Mapping[str, Any], place: str, language: str) -> Prompt:
    refuse_half_characters(row, place)
    if "instruction_ids" in row:
        prompt = from_json("ifeval", row, place)
        assert isinstance(prompt, Prompt)
        if prompt.language != language:
            raise SourceError(f"{place}: the prompt is in language {prompt.language!r}, and {language!r} is asked for.")
    else:
        for name in ("key", "prompt", "instruction_id_list", "kwargs"):
            _need(row, name, place)
        ids, kwargs = _list(row, "instruction_id_list", place), _list(row, "kwargs", place)
        prompt = Prompt(f"ifeval/{row['key']}", language, row["key"], row["prompt"], ids, kwargs)
    if not isinstance(prompt.key, int) or isinstance(prompt.key, bool):
        raise SourceError(f"{place}: `key` must be a whole number; this is {prompt.key!r}.")
    if not isinstance(prompt.text, str):
        raise SourceError(f"{place}: the prompt must be a text; this is {prompt.text!r}.")
    if not prompt.instruction_ids or not all(isinstance(name, str) for name in prompt.instruction_ids):
        raise SourceError(f"{place}: a prompt needs a list of one or more instruction ids.")
    if not all(isinstance(kwargs, Mapping) for kwargs in prompt.arguments):
        raise SourceError(f"{place}: every item of the kwargs must be a JSON object.")
    return prompt


def _answer(stored: StoredAnswer, path: Path) -> Answer:
    if len(stored.texts) != 1:
        raise SourceError(
            f"{at(path, stored.line)}: answers to {len(stored.texts)} turns; an IFEval prompt has one answer."
        )
    return Answer(stored.prompt or "", stored.texts[0], stored.key, stored.line)


def _need(row: Mapping[str, Any], name: str, place: str) -> None:
    if name not in row:
        raise SourceError(f"{place}: has no `{name}`; it has {', '.join(row) or 'nothing'}.")


def _list(row: Mapping[str, Any], name: str, place: str) -> tuple[Any, ...]:
    if not isinstance(row[name], list):
        raise SourceError(f"{place}: `{name}` must be a list.")
    return tuple(row[name])
