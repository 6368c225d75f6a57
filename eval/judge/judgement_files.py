"""Judgements made elsewhere: FastChat's pair files, AlpacaEval's annotations and plain win/lose logs, recognised by what is in them."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from eval.judge.alpaca_eval import read_annotations
from eval.judge.fastchat_pairs import read_pairs
from eval.judge.stored import Stored
from eval.judge.win_logs import read_log
from kielo.errors import SourceError


def read_judgements(path: Path, ours: str | None = None) -> list[Stored]:
    """Read a file of judgements; every two models and every judge in it become one entry.

    `ours` names the model to stand on; by default FastChat's model_1, AlpacaEval's generator_2, a log's winner.

    Raises:
        SourceError: the file is missing, or in no format that is known, or holds no comparison.
        UsageError: `ours` is none of its models.
    """
    text = _text(path)
    parsed = _json(text)
    if isinstance(parsed, list):
        found = read_annotations(parsed, path, ours)
    elif text.lstrip().startswith("{"):
        found = read_pairs(path, ours)
    else:
        found = read_log(text, path, ours)
    if not any(stored.comparisons for stored in found):
        raise SourceError(f"{path}: holds no comparison that can be read.")
    return found


def _text(path: Path) -> str:
    if not path.is_file():
        raise SourceError(f"{path}: no such file; check the path.")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not a whole file of UTF-8 text ({error}).") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
