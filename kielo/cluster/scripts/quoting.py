"""Values in scripts: each printed as one word that nothing evaluates, in a command for bash, in a directive for Slurm."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined

from kielo.cluster.profiles.reading import PROFILES
from kielo.errors import UsageError

_PLAIN = re.compile(r"[A-Za-z0-9_./@%+=:,-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Directive:
    """A line that sbatch reads; `value` is None for an option that takes none."""

    key: str
    value: str | None


@dataclass(frozen=True)
class Late:
    """A shell expression that the job itself fills in, such as `$SLURM_JOB_ID`; it comes from us, never from data."""

    expression: str


@dataclass(frozen=True)
class Filled:
    """A text of the profile with its placeholders replaced: pieces of data, and what only the job knows."""

    pieces: tuple[str | Late, ...]


def fill(written: str, known: Mapping[str, str | Late | None]) -> Filled:
    """Put values in the place of `{user}` and the other placeholders; what a value holds is not looked at again.

    Raises:
        UsageError: a placeholder has no value.
    """
    return Filled(tuple(_pieces(written, known)))


def _pieces(written: str, known: Mapping[str, str | Late | None]) -> Iterator[str | Late]:
    for place, part in enumerate(_PLACEHOLDER.split(written)):
        if place % 2 == 0:
            yield part
            continue
        value = known[part]
        if value is None:
            raise UsageError(f"the profile has {{{part}}} in '{written}' and no {part}; give --{part}.")
        yield value


def word(value: str) -> str:
    """Quote a text for bash as one word on one line.

    Raises:
        UsageError: there is a NUL in it, which no command line can hold.
    """
    if "\0" in value:
        raise UsageError(
            f"{value!r}: a NUL character cannot stand in a script; take it out of the profile or the path."
        )
    if not _CONTROL.search(value):
        return shlex.quote(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", escaped) + "'"


def directive_line(directive: Directive) -> str:
    """Write a line for sbatch, which evaluates nothing but takes blanks, `#` and quotes for its own.

    Raises:
        UsageError: there is a control character in the value.
    """
    value = directive.value
    if value is None:
        return f"#SBATCH --{directive.key}"
    if _CONTROL.search(value):
        raise UsageError(f"{value!r}: control characters cannot stand in a job's {directive.key}; use another name.")
    if not _PLAIN.fullmatch(value):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"#SBATCH --{directive.key}={value}"


def printed(value: Any) -> str:
    """Give what stands in a script for a value of a template: there is no way to print one unquoted."""
    if isinstance(value, Undefined):
        return str(value)  # which raises and names it
    if isinstance(value, bool) or not isinstance(value, str | int | Path | Filled | Directive | Sequence):
        raise TypeError(f"a {type(value).__name__} cannot stand in a script")
    if isinstance(value, Directive):
        return directive_line(value)
    if isinstance(value, Filled):
        return "".join(_piece(piece) for piece in value.pieces if piece) or "''"
    if isinstance(value, str | int | Path):
        return word(str(value))
    return " ".join(printed(each) for each in value)


def _piece(piece: str | Late) -> str:
    return f'"{piece.expression}"' if isinstance(piece, Late) else word(piece)


def environment() -> Environment:
    """Make the reader of slurm/templates; its comments are `<# #>`, since bash has `{#` of its own."""
    return Environment(
        loader=FileSystemLoader(PROFILES / "templates"), undefined=StrictUndefined, finalize=printed,
        comment_start_string="<#", comment_end_string="#>", keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
