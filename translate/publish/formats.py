"""The rows of records in the formats that trainers and benchmarks read, and the columns of their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kielo.errors import SourceError
from kielo.records import Conversation, Message, PreferencePair, Prompt, Question, Record, SentencePair

TASKS: Mapping[str, str] = {
    "conversations": "text-generation", "preferences": "text-generation", "ifeval": "text-generation",
    "sentences": "translation", "questions": "text-generation",
}  # fmt: skip
"""The Hub's task category of each kind of data set."""
FORMATS: Mapping[str, str] = {
    "conversations": "`messages`: a list of turns with `role` and `content`, as TRL's SFTTrainer reads it",
    "preferences": "`prompt`, `chosen`, `rejected`: lists of turns, as TRL's DPOTrainer reads them; `margin`: by how much the score of the chosen answer led, where the publisher gives scores",
    "ifeval": "`key`, `prompt`, `instruction_id_list`, `kwargs`, as google/IFEval has them",
    "sentences": "`source`, `target`: a sentence and its translation",
    "questions": "`question_id`, `category`, `turns`, `reference`, as MT-Bench has them",
}
_ARGUMENTS = {
    "num_highlights": "int64", "relation": "string", "num_words": "int64", "num_placeholders": "int64",
    "prompt_to_repeat": "string", "num_bullets": "int64", "section_spliter": "string", "num_sections": "int64",
    "capital_relation": "string", "capital_frequency": "int64", "keywords": "list", "num_paragraphs": "int64",
    "language": "string", "let_relation": "string", "letter": "string", "let_frequency": "int64", "end_phrase": "string",
    "forbidden_words": "list", "keyword": "string", "frequency": "int64", "num_sentences": "int64",
    "postscript_marker": "string", "first_word": "string", "nth_paragraph": "int64",
}  # fmt: skip
"""The arguments of IFEval's 25 types, in the columns that google/IFEval has."""


def published_row(record: Record) -> dict[str, Any]:
    """Write a record as one row."""
    match record:
        case Conversation():
            return {"id": record.id, "messages": _turns(record.messages)}
        case PreferencePair():
            answers = {name: [{"role": "assistant", "content": text}] for name, text in _answers(record)}
            margin = {} if record.margin is None else {"margin": record.margin}
            return {"id": record.id, "prompt": _turns(record.prompt), **answers, **margin}
        case Prompt():
            kwargs = [dict(each) for each in record.arguments]
            return {"key": record.key, "prompt": record.text, "instruction_id_list": list(record.instruction_ids), "kwargs": kwargs}  # fmt: skip
        case SentencePair():
            return {"id": record.id, "source": record.source, "target": record.target}
        case Question():
            return {
                "id": record.id, "question_id": record.key, "category": record.category, "turns": list(record.turns),
                "reference": list(record.references),
            }  # fmt: skip


def _answers(record: PreferencePair) -> tuple[tuple[str, str], ...]:
    return ("chosen", record.chosen), ("rejected", record.rejected)


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def arrow_schema(kind: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    """Describe the columns of a table (a pyarrow.Schema); only IFEval's arguments depend on the rows.

    Raises:
        SourceError: an argument has values of several types, which no column holds.
    """
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    turns = pa.list_(pa.struct([("role", text), ("content", text)]))
    columns: dict[str, list[tuple[str, Any]]] = {
        "conversations": [("id", text), ("messages", turns)],
        "preferences": [("id", text), ("prompt", turns), ("chosen", turns), ("rejected", turns)],
        "sentences": [("id", text), ("source", text), ("target", text)],
        "questions": [
            ("id", text), ("question_id", pa.int64()), ("category", text), ("turns", texts), ("reference", texts),
        ],
    }  # fmt: skip
    if kind == "ifeval":
        arguments = pa.list_(pa.struct(_argument_columns(rows)))
        return pa.schema([("key", pa.int64()), ("prompt", text), ("instruction_id_list", texts), ("kwargs", arguments)])
    margin = [("margin", pa.float64())] if any("margin" in row for row in rows) else []
    return pa.schema([*columns[kind], *margin])


def _argument_columns(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]]:
    """Choose the type of every argument: the benchmark's own, else what its values are."""
    import pyarrow as pa

    known = {"int64": pa.int64(), "string": pa.string(), "list": pa.list_(pa.string())}
    values: dict[str, list[Any]] = {name: [] for name in _ARGUMENTS}
    for row in rows:
        for arguments in row["kwargs"]:
            for name, value in arguments.items():
                values.setdefault(name, []).append(value)
    columns = []
    for name, given in values.items():
        try:
            own = known[_ARGUMENTS[name]] if name in _ARGUMENTS else pa.infer_type(given)
            pa.array(given, own)
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"IFEval argument '{name}' has values that no one column holds ({error}); mend the rows."
            ) from error
        except pa.ArrowTypeError as error:
            raise SourceError(
                f"IFEval argument '{name}' has values of another type ({error}); mend the rows."
            ) from error
        columns.append((name, own))
    return columns
