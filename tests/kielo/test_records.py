"""Records and their JSONL files: what is read back, what is refused and where, what a full disk leaves."""

from __future__ import annotations

import gzip

import pytest

from kielo.errors import SourceError
from kielo.records import (
    Conversation,
    Message,
    PreferencePair,
    Prompt,
    read_jsonl,
    read_records,
    replacing,
    write_jsonl,
    write_records,
)

RECORDS = {
    "conversations": Conversation("a/0", "fi", (Message("user", 'Hei \u2028 "sinä"'), Message("assistant", "No\nhei"))),
    "preferences": PreferencePair("a/1", "en", (Message("user", "q"),), "good", "bad"),
    "ifeval": Prompt("a/2", "en", 1000, "Write.", ("punctuation:no_comma",), ({},)),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_records_survive_their_file(tmp_path, kind):
    path = tmp_path / "rows.jsonl"
    assert write_records(path, [RECORDS[kind]]) == 1
    assert read_records(kind, path) == [RECORDS[kind]]


def test_gz_and_blank_lines(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n\n{"a": 2}\n'))
    assert list(read_jsonl(path)) == [(1, {"a": 1}), (3, {"a": 2})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": \n', r"line 2: not JSON"),
        (b'{"a": ' + b"[" * 100_000, r"line 1: cannot be read"),
        (b'{"a": ' + b"9" * 5000 + b"}", r"line 1: cannot be read"),
        (b'{"a": 1}\n["a"]\n', r"line 2: a JSON object is needed, this is a list"),
        ('{"a": "ä"}\n'.encode("latin-1"), r"line 1: not UTF-8 at byte 7"),
    ],
)
def test_bad_lines_are_named(tmp_path, content, message):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        list(read_jsonl(path))


def test_a_torn_gz_and_a_missing_file(tmp_path):
    torn = tmp_path / "rows.jsonl.gz"
    torn.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-10])
    with pytest.raises(SourceError, match="not a complete gzip file"):
        list(read_jsonl(torn))
    with pytest.raises(SourceError, match="no such file"):
        list(read_jsonl(tmp_path / "none.jsonl"))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1}])
    with pytest.raises(OSError, match="disk"), replacing(path) as stream:
        stream.write(b"half")
        raise OSError("disk full")
    with pytest.raises(KeyboardInterrupt), replacing(path) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b'{"a": 1}\n'
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_foreign_row_is_refused_with_its_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"id": "x"}])
    with pytest.raises(SourceError, match=r"rows\.jsonl, line 1: not a row of conversations"):
        read_records("conversations", path)
