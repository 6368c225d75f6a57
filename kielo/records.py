"""The records that travel between stages, one id each from source row to score, and their JSONL files."""

from __future__ import annotations

import codecs
import dataclasses
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from kielo.errors import RunFolderError, SourceError, at

Role = Literal["system", "user", "assistant"]
JSON = Any  # a value that json.dumps writes; spelled out where a function needs more than that


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Conversation:
    """A conversation that ends with an assistant turn (SFT data)."""

    id: str
    language: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class PreferencePair:
    """Two answers to one prompt, the first preferred (DPO data); `prompt` ends with a user turn."""

    id: str
    language: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    margin: float | None = None
    """By how much the publisher's score of the chosen answer leads; None: it gives none."""


@dataclass(frozen=True)
class Prompt:
    """An IFEval prompt: its text, the instructions in it and their arguments (Google's row format)."""

    id: str
    language: str
    key: int
    text: str
    instruction_ids: tuple[str, ...]
    arguments: tuple[Mapping[str, JSON], ...]


@dataclass(frozen=True)
class SentencePair:
    """A sentence and its reference translation, to measure translation with."""

    id: str
    language: str
    source: str
    target: str


@dataclass(frozen=True)
class Rejection:
    """Why a record did not pass: the check's name, where in the record, and the evidence."""

    id: str
    reason: str
    where: str
    detail: str
    record: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """A model's answer to a prompt."""

    id: str
    key: int | None
    language: str
    prompt: str
    response: str
    finish_reason: str


@dataclass(frozen=True)
class Question:
    """An open question of one or more turns, as MT-Bench has them; `references` are right answers by turn, where there are any."""

    id: str
    language: str
    key: int
    category: str
    turns: tuple[str, ...]
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuestionResponse:
    """A model's answers to the turns of a question, each given with those before it in view."""

    id: str
    key: int
    language: str
    category: str
    turns: tuple[str, ...]
    responses: tuple[str, ...]
    finish_reasons: tuple[str, ...]


Record = Conversation | PreferencePair | Prompt | SentencePair | Question
KINDS: Mapping[str, type[Record]] = {
    "conversations": Conversation, "preferences": PreferencePair, "ifeval": Prompt, "sentences": SentencePair, "questions": Question,
}  # fmt: skip


def to_json(record: Any) -> dict[str, JSON]:
    """Turn a record (a frozen dataclass) into plain JSON values."""
    return dataclasses.asdict(record)


def from_json(kind: str, row: Mapping[str, JSON], place: str) -> Record:
    """Build the record of `kind` from a row of our own files.

    Raises:
        SourceError: a field is missing, unknown or of the wrong shape; the sentence names `place`.
    """
    values: dict[str, JSON] = dict(row)
    try:
        for name in ("messages", "prompt"):
            if isinstance(values.get(name), list):
                values[name] = tuple(Message(role=turn["role"], content=turn["content"]) for turn in values[name])
        for name in ("instruction_ids", "arguments", "turns", "references"):
            if name in values:
                values[name] = tuple(values[name])
        return KINDS[kind](**values)
    except (TypeError, KeyError) as error:
        raise SourceError(f"{place}: not a row of {kind} as Kielo writes it ({error}).") from error


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, JSON]]]:
    """Yield (line number, row) of a .jsonl or .jsonl.gz file; blank lines are skipped.

    Raises:
        SourceError: the file is missing, not UTF-8, or a line is not a JSON object.
    """
    if not path.is_file():
        raise SourceError(f"{path}: no such file; check the path in the recipe or on the command line.")
    with _open_bytes(path) as stream:
        try:
            yield from _rows(path, stream)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise SourceError(f"{path}: not a complete gzip file ({error}); fetch it again.") from error


def _rows(path: Path, stream: IO[bytes]) -> Iterator[tuple[int, dict[str, JSON]]]:
    for number, line in enumerate(stream, 1):
        line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{at(path, number)}: not UTF-8 at byte {error.start}; convert the file with iconv."
            ) from error
        except json.JSONDecodeError as error:
            raise SourceError(f"{at(path, number)}: not JSON ({error.msg} at column {error.colno}).") from error
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
            raise SourceError(f"{at(path, number)}: cannot be read ({error}); remove or mend this row.") from error
        if not isinstance(row, dict):
            raise SourceError(f"{at(path, number)}: a JSON object is needed, this is a {type(row).__name__}.")
        yield number, row


def refuse_half_characters(row: Mapping[str, JSON], place: str) -> None:
    """Refuse a row that spells half a character, which JSON can and no file can hold.

    Raises:
        SourceError: it does; the sentence names `place`.
    """
    if _HALF.search(json.dumps(row, ensure_ascii=False)):
        raise SourceError(f"{place}: the row holds half a character (a lone surrogate), which no file can; mend it.")


_HALF = re.compile("[\ud800-\udfff]")


def _open_bytes(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.open(path, "rb"))
    return path.open("rb")


def read_json(path: Path) -> dict[str, JSON] | None:
    """Read a JSON object that Kielo wrote; None where there is no such file.

    Raises:
        RunFolderError: it is damaged.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise RunFolderError(
            f"{path}: a part of this path is a file, not a folder; name another run folder with --run."
        ) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, or not JSON
        raise RunFolderError(f"{path}: damaged ({error}); remove this file, its step is then made again.") from error
    if not isinstance(value, dict):
        raise RunFolderError(
            f"{path}: damaged (a JSON object is needed); remove this file, its step is then made again."
        )
    return value


def read_records(kind: str, path: Path) -> list[Record]:
    """Read a file of records as `write_records` wrote it."""
    return [from_json(kind, row, at(path, number)) for number, row in read_jsonl(path)]


def dump_row(row: Mapping[str, JSON]) -> str:
    """Write one JSONL line, without its end: keys in their order, text as itself, no NaN."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, JSON]]) -> int:
    """Write rows aside and rename them into place; returns how many. A full disk leaves the old file as it was."""
    count = 0
    with replacing(path) as stream:
        for row in rows:
            stream.write(dump_row(row).encode("utf-8") + b"\n")
            count += 1
    return count


def write_records(path: Path, records: Iterable[Any]) -> int:
    """Write records (frozen dataclasses) as JSONL; returns how many."""
    return write_jsonl(path, (to_json(record) for record in records))


def write_json(path: Path, value: JSON) -> None:
    """Write one JSON document for people and programs: indented, aside first, then renamed."""
    with replacing(path) as stream:
        stream.write(json_text(value).encode("utf-8"))


def json_text(value: JSON) -> str:
    """Spell a JSON document as `write_json` does."""
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


class replacing:
    """Open `path` for writing aside; on success fsync and rename into place, on any failure remove what was written."""

    def __init__(self, path: Path) -> None:
        self.path, self.aside = path, path.with_name(f".{path.name}{_ASIDE}")

    def __enter__(self) -> IO[bytes]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.stream = self.aside.open("wb")
        return self.stream

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        done = False
        try:
            if kind is None:
                self.stream.flush()
                os.fsync(self.stream.fileno())
                os.replace(self.aside, self.path)
                done = True
        finally:
            if not done:
                self.aside.unlink(missing_ok=True)
            # Closing flushes once more; after a failed write there is nothing left to save.
            with suppress(OSError):
                self.stream.close()


_ASIDE = ".part"
