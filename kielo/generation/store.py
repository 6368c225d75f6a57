"""The completion store: every completion is on disk the moment it comes, under the key of its request, and never made twice."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from kielo.errors import GenerationError, RunFolderError, at
from kielo.generation.order import work_order
from kielo.generation.protocol import Completion, Generator, Request, completion_key
from kielo.generation.spent import publish
from kielo.progress import progress
from kielo.records import dump_row

_SYNC_SECONDS = 1.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class CompletionStore:
    """A folder of append-only JSONL shards; several processes may write at once, each to a shard of its own."""

    def __init__(self, folder: Path, also: Sequence[Path] = ()) -> None:
        """Read all completions in `folder` (made if missing); a shard is taken for writing at the first append.

        `also` names the folders of other steps' stores, read now and never written: what they hold is not made again
        but copied into this store when it is first wanted, so that this step stands on its own folder alone, whatever
        becomes of theirs.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.borrowed: set[str] = set()
        """The keys of the completions that came from another store, in this run or an earlier one."""
        self.refused: dict[str, Completion] = {}
        """What an engine will not complete: not written, so that another run asks again, but this one does not."""
        self._known: dict[str, Completion] = {}
        for shard in sorted(folder.glob("*.jsonl")):
            for key, completion, borrowed in _read_shard(shard):
                self._known[key] = completion
                if borrowed:
                    self.borrowed.add(key)
        others = [other for other in also if other.is_dir() and not other.samefile(folder)]
        self._elsewhere = {
            key: completion
            for other in others
            for shard in sorted(other.glob("*.jsonl"))
            for key, completion, _ in _read_shard(shard)
        }
        self._shard: int | None = None
        self._unsynced, self._synced_at = 0, time.monotonic()

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> Completion:
        return self._known[key]

    def __enter__(self) -> CompletionStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        publish(self.folder)

    def append(self, key: str, completion: Completion) -> None:
        """Write one completion; it outlives this process at once, and a power failure within a second.

        Raises:
            RunFolderError: the disk is full; what was written before stays.
        """
        self._write(_row(key, completion))
        self._known[key] = completion

    def borrow(self, keys: Iterable[str]) -> None:
        """Copy the completions of these keys that only other stores hold.

        Raises:
            RunFolderError: the disk is full; what was written before stays.
        """
        for key in keys:
            if key not in self._known and key in self._elsewhere:
                self._write({**_row(key, self._elsewhere[key]), "borrowed": True})
                self._known[key] = self._elsewhere[key]
                self.borrowed.add(key)

    def _write(self, row: Mapping[str, Any]) -> None:
        if self._shard is None:
            self._shard = _take_shard(self.folder)
        try:
            _write_line(self._shard, dump_row(row).encode("utf-8", "surrogatepass") + b"\n")
            self._unsynced += 1
            if time.monotonic() - self._synced_at >= _SYNC_SECONDS:
                self._sync()
        except OSError as error:
            raise self._full(error) from error

    def close(self) -> None:
        """Force what was written to the disk and give the shard up. May be called twice."""
        if self._shard is None:
            return
        shard = self._shard
        try:
            self._sync()
        except OSError as error:
            raise self._full(error) from error
        finally:
            self._shard = None
            os.close(shard)

    def _sync(self) -> None:
        assert self._shard is not None
        if self._unsynced:
            os.fsync(self._shard)
        self._unsynced, self._synced_at = 0, time.monotonic()

    def _full(self, error: OSError) -> OSError | RunFolderError:
        if error.errno not in _FULL:
            return error
        return RunFolderError(
            f"{self.folder}: no room left on the disk ({error.strerror}); {len(self._known)} completions are safe there. "
            "Make room and run the same command again: it goes on from them."
        )


def _row(key: str, completion: Completion) -> dict[str, Any]:
    row = {
        "key": key, "text": completion.text, "finish_reason": completion.finish_reason,
        "prompt_tokens": completion.prompt_tokens, "completion_tokens": completion.completion_tokens,
    }  # fmt: skip
    found = {"logprob": completion.logprob, "options": completion.options}
    return {**row, **{name: value for name, value in found.items() if value is not None}}


def _write_line(shard: int, line: bytes) -> None:
    """Append a whole line or nothing: a part that still found room on a full disk is taken back."""
    end = os.lseek(shard, 0, os.SEEK_END)
    written = 0
    try:
        while written < len(line):
            written += os.write(shard, line[written:])
    except OSError:
        os.ftruncate(shard, end)
        raise


def _read_shard(shard: Path) -> Iterator[tuple[str, Completion, bool]]:
    """Yield a shard's completions, with whether they were borrowed; a last line without an end was torn and its completion is made again."""
    for number, line in enumerate(shard.read_bytes().split(b"\n")[:-1], 1):
        try:
            row = json.loads(line.decode("utf-8", "surrogatepass"))
            if not isinstance(row["text"], str):
                raise TypeError("text")
            key, borrowed = row.pop("key"), row.pop("borrowed", False)
            yield key, Completion(**row), borrowed
        except (ValueError, KeyError, TypeError, AttributeError):
            print(f"{at(shard, number)}: not a completion; it will be made again.", file=sys.stderr)


def _take_shard(folder: Path) -> int:
    """Open a shard that no other process writes to, behind its last whole line; the lock ends with the process."""
    for number in range(1, 1_000_000):
        path = folder / f"{number:04}.jsonl"
        shard = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(shard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(shard)
            if isinstance(error, BlockingIOError):
                continue
            if error.errno in _NO_LOCKS:
                return _new_shard(folder)
            raise
        os.ftruncate(shard, _end_of_last_line(shard))
        return shard
    raise RunFolderError(f"{folder}: a million shards are in use; start with an empty folder.")


def _new_shard(folder: Path) -> int:
    """Make a shard for this process alone, where the file system has no locks."""
    path = folder / f"{os.uname().nodename}-{os.getpid()}-{time.time_ns()}.jsonl"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)


def _end_of_last_line(shard: int) -> int:
    """Find where the last whole line ends, reading backwards."""
    end = os.lseek(shard, 0, os.SEEK_END)
    while end:
        start = max(0, end - 65536)
        place = os.pread(shard, end - start, start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0


def complete(generator: Generator, requests: Sequence[Request], store: CompletionStore, label: str) -> list[Completion]:
    """Give a completion for every request, in their order, generating only those that the store does not hold.

    Equal requests are made once, and the engine is handed all of them at once, the longest first. Each completion is
    stored as it comes; those with an error or refused are given back but not stored, so that another run asks again.

    Raises:
        GenerationError: the engine gave up; what came before is in the store.
        RunFolderError: the disk is full.
    """
    keys = [completion_key(generator.model, request) for request in requests]
    every = dict(zip(reversed(keys), reversed(requests), strict=True))
    store.borrow(dict.fromkeys(keys))
    missed = [key for key in dict.fromkeys(keys) if key not in store and key not in store.refused]
    names = [missed[place] for place in work_order([every[key] for key in missed])]
    wanted = {key: every[key] for key in names}
    failed: dict[str, Completion] = {}
    if wanted:
        with progress(len(every), label, "completions", done=len(every) - len(wanted)) as bar:
            for place, completion in generator.generate(list(wanted.values())):
                if completion.finish_reason == "refused":
                    store.refused[names[place]] = completion
                elif completion.finish_reason == "error":
                    failed[names[place]] = completion
                else:
                    store.append(names[place], completion)
                bar.update()
    failed |= store.refused
    missing = sum(key not in store and key not in failed for key in wanted)
    if missing:
        raise GenerationError(
            f"{label}: the engine ended without {missing} of {len(wanted)} completions; run it again."
        )
    return [store[key] if key in store else failed[key] for key in keys]
