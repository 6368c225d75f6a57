"""The files that command-line options name for writing, checked before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from kielo.errors import UsageError


def output_file(option: str, out: Path | None, *inputs: Path) -> Path | None:
    """Check that a file can be written and is none of the inputs.

    Raises:
        UsageError: it cannot, or it is one.
    """
    if out and (out.is_dir() or not out.parent.is_dir() or (out.exists() and not out.is_file())):
        raise UsageError(f"{option} {out}: not a file that can be written; name a file in a folder that exists.")
    if out and out.suffix == ".gz":
        raise UsageError(
            f"{option} {out}: files are written uncompressed; name one without .gz, and compress it afterwards."
        )
    if out and any(out.exists() and given.exists() and out.samefile(given) for given in inputs):
        raise UsageError(f"{option} {out}: this file is an input; name another one.")
    return out


def output_folder(option: str, out: Path) -> Path:
    """Check that a folder is there or can be made: nothing on its path is a file.

    Raises:
        UsageError: something is.
    """
    there = next(path for path in (out, *out.parents) if os.path.lexists(path))
    if not there.is_dir():
        what = "a file" if there.exists() else "a link to nothing"
        raise UsageError(f"{option} {out}: {'this' if there == out else there} is {what}; name a folder.")
    return out
