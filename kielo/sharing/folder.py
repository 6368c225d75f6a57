"""The folder that is published: written aside, put in place as a whole, known again by its `publish.json`."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kielo.errors import FULL, UsageError
from kielo.options.out_files import output_folder
from kielo.provenance import digest
from kielo.records import read_json, write_json
from kielo.run_folder import NO_LOCKS

MARK = "publish.json"
"""What the folder is, of which run, and the digest of every file in it."""
CARD = "README.md"


def destination(option: str, folder: Path, what: str) -> Path:
    """Check a folder to publish into: new, empty, or an earlier publication of the same thing.

    Raises:
        UsageError: it is a file, holds other files or another publication, or somebody has worked on the card there.
    """
    output_folder(option, folder)
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    mark = read_json(folder / MARK)
    if there and mark is None:
        raise UsageError(
            f"{option} {folder}: it holds other files ({', '.join(there[:3])}); name a new or empty folder."
        )
    if mark is not None and mark.get("what") != what:
        raise UsageError(
            f"{option} {folder}: '{mark.get('what')}' was published there, not '{what}'; name another folder."
        )
    card, published = folder / CARD, _files(mark).get(CARD)
    if published and card.is_file() and digest(card) != published:
        raise UsageError(f"{card}: it was changed after it was published; move it away first, or name another folder.")
    return folder


@contextmanager
def aside(final: Path) -> Iterator[Path]:
    """Open a folder to write in, beside the final one and on the same disk; it is gone at the end.

    What a killed process left there is gone, too.

    Raises:
        UsageError: another process publishes into the same folder, or its disk is full.
    """
    made = final.parent / f".{final.name}.part"
    if made.is_symlink():
        raise UsageError(f"{made}: a link, where a folder to write in is needed; remove it.")
    made.mkdir(parents=True, exist_ok=True)
    held = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _hold(held, final)
        for path in made.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        try:
            yield made
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise UsageError(
                f"{final}: no space left on its disk; make room, or name a folder on another one with --to."
            ) from error
        finally:
            shutil.rmtree(made)
    finally:
        os.close(held)


def _hold(descriptor: int, final: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"{final}: another process publishes into it; wait for it or end it.") from error
    except OSError as error:
        if error.errno not in NO_LOCKS:  # a file system without locks: nothing guards it then
            raise


def seal(folder: Path, what: str, told: Mapping[str, Any]) -> None:
    """Write the mark: what this is, and its files with their digests."""
    files = {name: digest(folder / name) for name in files_in(folder) if name != MARK}
    write_json(folder / MARK, {"what": what, **told, "files": files})


def put_in_place(made: Path, final: Path) -> None:
    """Move what was written aside into the final folder, in place of the earlier publication; its mark comes last.

    Before that a mark without digests says whose the folder is: a process that is killed in between can be started again.
    """
    earlier, mark = _files(read_json(final / MARK)), read_json(made / MARK)
    final.mkdir(parents=True, exist_ok=True)
    write_json(final / MARK, {**(mark or {}), "files": dict.fromkeys([*earlier, *_files(mark)])})
    for name in earlier:
        if not (made / name).exists() and _is_within(final, name):
            (final / name).unlink(missing_ok=True)
    for name in sorted(files_in(made), key=lambda each: each == MARK):
        (final / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(made / name, final / name)


def link_or_copy(source: Path, target: Path) -> None:
    """Take a large file over without a second copy of it where the disk can."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links: then it is copied, or says why not
        shutil.copy2(source, target)


def files_in(folder: Path) -> list[str]:
    """List the files of a published folder, without hidden ones: those are the Hub library's."""
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return [name for name in names if not any(part.startswith(".") for part in name.split("/"))]


def _files(mark: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (mark or {}).get("files")
    return found if isinstance(found, Mapping) else {}


def _is_within(folder: Path, name: str) -> bool:
    return (folder / name).resolve().is_relative_to(folder.resolve())
