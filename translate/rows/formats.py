"""Rows of published data sets (OASST, message lists, HelpSteer2, IFEval, sentence pairs, open questions) read into records; pure, ids come later."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kielo.errors import SourceError, at
from kielo.questions import questions
from kielo.records import Conversation, Message, PreferencePair, Prompt, Record, Role, SentencePair
from kielo.row_values import Row, shown, text_of
from translate.rows.oasst import oasst_conversations, oasst_messages, oasst_preferences, tree_messages

ROLES: Mapping[str, Role] = {
    "system": "system", "user": "user", "human": "user", "prompter": "user", "assistant": "assistant", "gpt": "assistant",
}  # fmt: skip
HELPSTEER_TURN = "<extra_id_1>"


@dataclass
class Source:
    """The rows of one data set with what is needed to read them; `dropped` counts, by reason, what gives no record."""

    file: str
    rows: Sequence[tuple[int, Row]]
    language: str
    score: str = "helpfulness"
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Format:
    """One published row format: the columns it is known by, and its reader."""

    name: str
    kind: str
    columns: frozenset[str]
    read: Callable[[Source], Iterator[Record]]


def read_rows(kind: str, source: Source) -> Iterator[Record]:
    """Read rows into records of `kind`, with empty ids; the format is recognised by the columns of the first row.

    Raises:
        SourceError: no rows, columns of no known format, or a malformed row; the sentence names file, line and fix.
    """
    if not source.rows:
        raise SourceError(f"{source.file}: holds no rows; a data set needs at least one.")
    line, first = source.rows[0]
    formats = [format_ for format_ in FORMATS if format_.kind == kind]
    for format_ in formats:
        if format_.columns <= set(first):
            return format_.read(source)
    known = "; ".join(f"{', '.join(sorted(format_.columns))} ({format_.name})" for format_ in formats)
    raise SourceError(
        f"{at(source.file, line)}: columns {', '.join(first) or '(none)'} are no known format of {kind}; "
        f"rename columns with `fields:`. Known: {known}."
    )


def _messages(value: Any, place: str, column: str) -> tuple[Message, ...]:
    """Read [{role, content}] or [{from, value}]: an optional system turn, then user and assistant in turn."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise SourceError(f"{place}: '{column}' needs a list of messages, this is {shown(value)}; mend the row.")
    turns = tuple(_message(turn, f"{place}, {column}[{index}]") for index, turn in enumerate(value))
    expected: Role = "user"
    for index, turn in enumerate(turns):
        if index == 0 and turn.role == "system":
            continue
        if turn.role != expected:
            raise SourceError(
                f"{place}: {column}[{index}] is a turn of '{turn.role}' where '{expected}' must speak; after an optional "
                "system turn, user and assistant alternate."
            )
        expected = "assistant" if expected == "user" else "user"
    return turns


def _message(turn: Any, place: str) -> Message:
    if not isinstance(turn, Mapping):
        raise SourceError(f"{place}: a message with role and content is needed, this is {shown(turn)}.")
    written, column = (turn.get("from"), "value") if "from" in turn else (turn.get("role"), "content")
    role = ROLES.get(written) if isinstance(written, str) else None
    if role is None:
        raise SourceError(f"{place}: role {shown(written)} is unknown; use one of {', '.join(ROLES)}.")
    return Message(role, text_of(turn, column, place))


def _message_lists(column: str) -> Callable[[Source], Iterator[Record]]:
    def read(source: Source) -> Iterator[Record]:
        for line, row in source.rows:
            place = at(source.file, line)
            turns = _messages(row.get(column), place, column)
            if turns[-1].role == "user":
                source.dropped["last user turn has no answer"] += 1
                turns = turns[:-1]
            if any(turn.role == "assistant" for turn in turns):
                yield Conversation("", source.language, turns)
            else:
                source.dropped["conversation without an assistant turn"] += 1

    return read


def _helpsteer(source: Source) -> Iterator[Record]:
    """Read HelpSteer2: two consecutive rows answer one prompt, `score` says which is better (arXiv 2406.08673)."""
    waiting: tuple[str, Row] | None = None
    for line, row in source.rows:
        place = at(source.file, line)
        text_of(row, "prompt", place)
        if waiting is None or waiting[1]["prompt"] != row["prompt"]:
            source.dropped["prompt with one answer only"] += waiting is not None
            waiting = (place, row)
            continue
        yield from _better_first(source, waiting, (place, row))
        waiting = None
    source.dropped["prompt with one answer only"] += waiting is not None


def _better_first(source: Source, first: tuple[str, Row], second: tuple[str, Row]) -> Iterator[Record]:
    scores = [_score(row, source.score, place) for place, row in (first, second)]
    if scores[0] == scores[1]:
        source.dropped["tie"] += 1
        return
    better, worse = (first, second) if scores[0] > scores[1] else (second, first)
    chosen, rejected = text_of(better[1], "response", better[0]), text_of(worse[1], "response", worse[0])
    yield PreferencePair("", source.language, _helpsteer_turns(first[1]["prompt"], first[0]), chosen, rejected)


def _score(row: Row, column: str, place: str) -> float:
    value = row.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        instead = "mend the row" if column in SCORES else "set `score:` to another column or mend the row"
        raise SourceError(f"{place}: '{column}' needs a number, this is {shown(value)}; {instead}.")
    return float(value)


def _helpsteer_turns(prompt: str, place: str) -> tuple[Message, ...]:
    """Split a prompt of several turns, `<extra_id_1>User` or `<extra_id_1>Assistant` and a new line before each."""
    turns = []
    for index, part in enumerate(prompt.split(HELPSTEER_TURN)):
        role, _, text = part.partition("\n") if index else ("User", "", part)
        turns.append({"role": role.strip().lower(), "content": text.strip() if HELPSTEER_TURN in prompt else text})
    return _ends_with_user(_messages(turns, place, "prompt"), place)


def _ends_with_user(turns: tuple[Message, ...], place: str) -> tuple[Message, ...]:
    if turns[-1].role != "user":
        raise SourceError(
            f"{place}: the prompt of a preference pair must end with a user turn; mend or remove the row."
        )
    return turns


def _chosen_rejected(source: Source) -> Iterator[Record]:
    """Read prompt, chosen, rejected: texts, messages, or message lists that may repeat the prompt (TRL, UltraFeedback)."""
    for line, row in source.rows:
        place = at(source.file, line)
        (before, chosen), (other, rejected) = (_answer(row.get(side), place, side) for side in ("chosen", "rejected"))
        if before != other:
            source.dropped["chosen and rejected answer different prompts"] += 1
            continue
        prompt, margin = _ends_with_user(_prompt_column(row, place) or before, place), _margin(row, place)
        if margin is not None and margin < 0:
            source.dropped["rejected answer has the higher score"] += 1
        else:
            yield PreferencePair("", source.language, prompt, chosen, rejected, margin)


def _margin(row: Row, place: str) -> float | None:
    """Tell how much the chosen answer's score leads; None where the row has no scores."""
    if all(row.get(column) is None for column in SCORES):
        return None
    chosen, rejected = (_score(row, column, place) for column in SCORES)
    return chosen - rejected


def _answer(value: Any, place: str, side: str) -> tuple[tuple[Message, ...], str]:
    """Split a side into the turns it repeats of its prompt and its answer."""
    if isinstance(value, str):
        return (), text_of({side: value}, side, place)
    if isinstance(value, Mapping):
        return (), _message(value, f"{place}, {side}").content
    if isinstance(value, Sequence) and len(value) == 1:
        return (), _message(value[0], f"{place}, {side}[0]").content
    turns = _messages(value, place, side)
    if turns[-1].role != "assistant":
        raise SourceError(f"{place}: '{side}' must end with the assistant's answer; mend or remove the row.")
    return turns[:-1], turns[-1].content


def _prompt_column(row: Row, place: str) -> tuple[Message, ...]:
    for column in ("prompt", "conversations", "messages"):
        value = row.get(column)
        if isinstance(value, str):
            return (Message("user", text_of(row, column, place)),)
        if value is not None:
            return _messages(value, place, column)
    if isinstance(row["chosen"], str | Mapping) or len(row["chosen"]) < 2:
        raise SourceError(f"{place}: a preference pair needs a 'prompt'; rename its column with `fields:`.")
    return ()


def _ifeval(source: Source) -> Iterator[Record]:
    """Read Google's IFEval rows; nulls in kwargs are the Hub's padding and go."""
    for line, row in source.rows:
        place = at(source.file, line)
        ids, kwargs, key = (row.get(name) for name in ("instruction_id_list", "kwargs", "key"))
        if not isinstance(ids, list) or not isinstance(kwargs, list) or len(ids) != len(kwargs) or not ids:
            raise SourceError(f"{place}: 'instruction_id_list' and 'kwargs' must be lists of one length; mend the row.")
        if not isinstance(key, int) or not all(isinstance(each, str) for each in ids):
            raise SourceError(f"{place}: 'key' must be a whole number and every instruction id a text; mend the row.")
        arguments = tuple(_without_padding(each, place) for each in kwargs)
        yield Prompt("", source.language, key, text_of(row, "prompt", place), tuple(ids), arguments)


def _without_padding(arguments: Any, place: str) -> dict[str, Any]:
    if not isinstance(arguments, Mapping | None):
        raise SourceError(
            f"{place}: every item of 'kwargs' must be an object, this is {shown(arguments)}; mend the row."
        )
    return {name: value for name, value in (arguments or {}).items() if value is not None}


def _sentences(source: Source) -> Iterator[Record]:
    for line, row in source.rows:
        place = at(source.file, line)
        yield SentencePair("", source.language, text_of(row, "source", place), text_of(row, "target", place))


def _questions(source: Source) -> Iterator[Record]:
    return questions(source.rows, source.file, source.language)


def _oasst(kind: str, flatten: bool) -> Callable[[Source], Iterator[Record]]:
    def read(source: Source) -> Iterator[Record]:
        rows = tree_messages(source.rows, source.file) if flatten else source.rows
        messages = oasst_messages(rows, source.file, source.language, source.dropped)
        make = oasst_conversations if kind == "conversations" else oasst_preferences
        return make(messages, source.language, source.dropped)

    return read


def _columns(*names: str) -> frozenset[str]:
    return frozenset(names)


SCORES = ("score_chosen", "score_rejected")  # UltraFeedback's; others by `fields:`
OASST_COLUMNS = _columns("message_id", "parent_id", "role", "text")
FORMATS: tuple[Format, ...] = (
    Format("OASST messages", "conversations", OASST_COLUMNS, _oasst("conversations", False)),
    Format("OASST trees", "conversations", _columns("message_tree_id", "prompt"), _oasst("conversations", True)),
    Format("messages", "conversations", _columns("messages"), _message_lists("messages")),
    Format("conversations", "conversations", _columns("conversations"), _message_lists("conversations")),
    Format("OASST messages", "preferences", OASST_COLUMNS, _oasst("preferences", False)),
    Format("OASST trees", "preferences", _columns("message_tree_id", "prompt"), _oasst("preferences", True)),
    Format("chosen and rejected", "preferences", _columns("chosen", "rejected"), _chosen_rejected),
    Format("HelpSteer2", "preferences", _columns("prompt", "response"), _helpsteer),
    Format("IFEval", "ifeval", _columns("key", "prompt", "instruction_id_list", "kwargs"), _ifeval),
    Format("sentence pairs", "sentences", _columns("source", "target"), _sentences),
    Format("questions", "questions", _columns("turns"), _questions),
    Format("prompts", "questions", _columns("prompt"), _questions),
)
