"""Questions on the terminal for `kielo profile new`, and how their answers are read; every reader raises ValueError with what it wants."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kielo.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Asker:
    """Asks on the terminal; the default stands in brackets, and an empty answer takes it."""

    silent: bool

    def __call__(self, question: str, default: T | None, read: Callable[[str], T]) -> T:
        """Ask until the answer can be read.

        Raises:
            UsageError: the input ends, or nobody may be asked and there is no default.
        """
        if self.silent:
            if default is None:
                raise UsageError(f"--yes: {question} is not known here; run it without --yes on a login node.")
            return default
        while True:
            print(f"{question}{'' if default is None else f' [{default}]'}: ", end="", flush=True)
            answer = sys.stdin.readline()
            if not answer:
                print()
                raise UsageError("the input ended before the last question; nothing was written.")
            if not answer.strip() and default is not None:
                return default
            try:
                return read(answer.strip())
            except ValueError as error:
                print(f"  {error}")


def one_word(written: str) -> str:
    """Read a name, or `-`."""
    if not written or any(letter.isspace() or not letter.isprintable() for letter in written):
        raise ValueError("one word without blanks, or '-'")
    return written


def a_file(written: str) -> str:
    """Read the path of a file that is there, or `-`."""
    return written if written == "-" else _absolute(written, Path.is_file, "file")


def a_folder(written: str) -> str:
    """Read the path of a folder that is there, or `-`."""
    return written if written == "-" else _absolute(written, Path.is_dir, "folder")


def _absolute(written: str, is_one: Callable[[Path], bool], what: str) -> str:
    if "{" in written or not Path(written).is_absolute() or not is_one(Path(written)):
        raise ValueError(f"'{written}' is no {what} here; give its whole path, or '-'")
    return written


def count(written: str) -> int:
    """Read a whole number above 0."""
    value = amount(written)
    if value == 0:
        raise ValueError("a whole number above 0")
    return value


def amount(written: str) -> int:
    """Read a whole number."""
    if not (written.isascii() and written.isdecimal()):
        raise ValueError("a whole number")
    return int(written)


def positive(written: str) -> float:
    """Read a number above 0."""
    try:
        value = float(written)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise ValueError("a number above 0")
    return value
