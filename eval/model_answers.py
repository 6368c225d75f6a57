"""The stored answers of several models, prompt by prompt, with the options of the tools that lay them side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.named_files import named_files
from eval.stored_answers import FORMATS, StoredAnswer, read_stored_answers
from eval.thinking import strip_thinking
from kielo.errors import SourceError, at
from kielo.options.values import positive

ModelAnswers = dict[str, dict[str, tuple[str, ...]]]
"""Model -> prompt -> its answers turn by turn, without those that are null."""


@dataclass(frozen=True)
class Reading:
    """Which answers count: of one turn or of all, of one language or of any, with their thoughts or without."""

    turn: int | None = None
    language: str | None = None
    without_thoughts: bool = False


def add_answer_options(parser: argparse.ArgumentParser, turn: int | None, files: str) -> None:
    """Add the files, --turn, --language and --strip-thinking; `turn` is the one that counts by default, None for all."""
    parser.add_argument("answers", nargs=files, metavar="[NAME=]FILE", help=FORMATS)
    parser.add_argument(
        "--turn", type=positive, default=turn, metavar="N", help=f"count this turn alone (default: {turn or 'all'})"
    )
    parser.add_argument(
        "--language", metavar="CODE", help="leave out rows that say another language (default: all count)"
    )
    parser.add_argument("--strip-thinking", action="store_true", help="leave out <think> blocks")


def reading(arguments: argparse.Namespace) -> Reading:
    """Give what these options ask for."""
    return Reading(arguments.turn, arguments.language, arguments.strip_thinking)


def read_models(given: Sequence[str], wanted: Reading) -> tuple[ModelAnswers, list[str]]:
    """Read a file for every model; give also sentences that say what was left out.

    Raises:
        SourceError: a file is no file of answers, or has none that count; or a row does not say what it answers.
        UsageError: two files have one name.
    """
    found: ModelAnswers = {}
    notes: list[str] = []
    for name, path in named_files(given).items():
        found[name] = _read(path, wanted, len(given) > 1, notes)
    return found, notes


def _read(path: Path, wanted: Reading, several: bool, notes: list[str]) -> dict[str, tuple[str, ...]]:
    rows = read_stored_answers(path)
    kept = [each for each in rows if not wanted.language or each.language in (None, wanted.language)]
    found = {
        _prompt(each, path, several): _counted(each, wanted) for each in kept
    }  # of two rows the later, as FastChat
    unsaid = sum(each.language is None for each in kept)
    missing = sum(not texts for texts in found.values())
    for count, what in (
        (len(rows) - len(kept), f"rows are of another language than {wanted.language}"),
        (unsaid if wanted.language else 0, f"rows do not say their language and are taken for {wanted.language}"),
        (len(kept) - len(found), "rows answer a prompt that a later row answers; the later ones count"),
        (missing, "prompts have no answer" + (f" in turn {wanted.turn}" if wanted.turn else "")),
    ):
        notes += [f"{path}: {count} {what}."] if count else []
    if missing == len(found):
        raise SourceError(f"{path}: no answer of {len(rows)} rows counts; look at --language and --turn.")
    return {key: texts for key, texts in found.items() if texts}


def _prompt(answer: StoredAnswer, path: Path, several: bool) -> str:
    """Name what a row answers: by its key or id, or by the text of its prompt."""
    if answer.key is not None:
        return str(answer.key)
    if answer.prompt is None and answer.name != str(answer.line):
        return answer.name
    if answer.prompt is None and several:
        raise SourceError(
            f"{at(path, answer.line)}: this row has no `key`, id or `prompt`, so that nothing says what other models' answers it goes with; mend the row."
        )
    return answer.prompt or answer.name


def _counted(answer: StoredAnswer, wanted: Reading) -> tuple[str, ...]:
    texts = answer.texts if wanted.turn is None else answer.texts[wanted.turn - 1 : wanted.turn]
    return tuple(strip_thinking(text) if wanted.without_thoughts else text for text in texts if text is not None)
