"""The run folder: where each step writes, what makes it complete, and how an interrupted one is known and continued."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from time import sleep
from typing import IO, Any, Literal

from kielo.errors import RunFolderError
from kielo.plan import Outcome, Step, fields_of
from kielo.provenance import canonical, differences, digest, fingerprint, surroundings
from kielo.records import read_json, write_json
from kielo.schema import Recipe

State = Literal["complete", "begun", "waiting", "changed"]
RECORD, BEGUN = "step.json", "begun.json"
SCORES = "scores.json"
"""What every step that measures something writes."""
KEPT = "completions"
"""What making a step again leaves in place: every completion is keyed by all that determines it, so none can be stale."""
_STEP_FOLDERS = (
    "source",
    "translate",
    "regenerate",
    "annotate",
    "select",
    "mix",
    "tokens",
    "sft",
    "reference",
    "dpo",
    "responses",
    "eval",
    "judge",
    "report",
    "recipe.json",
    "jobs",
    "miniature",
)
_REREAD_BYTES = 16 << 20
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_JOB_PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 1.0
JOBS_LOCK = "jobs"
"""Held by whoever queues, cancels or runs the jobs of a run."""


@dataclass(frozen=True)
class Standing:
    """Where a step stands: its state, and for a changed one the fields that differ from what its folder was made with."""

    state: State
    changes: tuple[str, ...] = ()

    @property
    def follows(self) -> bool:
        """Whether only the results it stands on are others than before: then it is made again without asking."""
        return bool(self.changes) and all(change.startswith("inputs.") for change in self.changes)


def training_lock(step_name: str) -> str:
    """Name the lock that a running training holds, apart from the step's own: another process may have prepared it."""
    return f"{step_name}.training"


def job_patience_seconds() -> float:
    """Say how long a job waits for a lock that is taken; a person is told at once.

    The lock of a node that died stays until the file system gives the node up, and the job that was started again is back before.
    """
    return _JOB_PATIENCE_SECONDS if "SLURM_JOB_ID" in os.environ else 0.0


class RunFolder:
    """The folder of one run; every step has its own folder in it, complete when it holds a step.json."""

    def __init__(self, path: Path, patience_seconds: float = 0.0) -> None:
        self.path = path
        self._patience_seconds = patience_seconds  # with locks that are taken

    def folder(self, step_name: str) -> Path:
        """Name the folder of a step."""
        return self.path / step_name

    def record(self, step_name: str) -> dict[str, Any] | None:
        """Read the step.json of a complete step; None while it is not complete.

        Raises:
            RunFolderError: it is damaged.
        """
        path = self.folder(step_name) / RECORD
        record = read_json(path)
        if record is not None and not {"fields", "outputs", "sizes"} <= set(record):
            raise RunFolderError(
                f"{path}: damaged (a part of it is missing); remove this file, its step is then made again."
            )
        return record

    def claim(self, recipe: Recipe) -> None:
        """Write the resolved recipe into the folder, unless the folder belongs to another recipe.

        Raises:
            RunFolderError: it was made by another recipe, or holds other files.
        """
        self.refuse_foreign(recipe)
        resolved = recipe.model_dump(mode="json")
        if read_json(self.path / "recipe.json") != resolved:
            with self.lock("recipe.json", wait=True):  # the elements of a job array begin at the same moment
                write_json(self.path / "recipe.json", resolved)

    def refuse_foreign(self, recipe: Recipe) -> None:
        """Refuse a folder that is not this recipe's, or that of one with the same models and languages.

        Raises:
            RunFolderError: it was made by another recipe, or holds other files.
        """
        resolved = recipe.model_dump(mode="json")
        before = read_json(self.path / "recipe.json")
        if self.path.exists() and not self.path.is_dir():
            raise RunFolderError(f"{self.path}: a file, not a folder; give --run a folder.")
        if before is None and self._is_foreign():
            raise RunFolderError(
                f"{self.path}: this folder holds other files and no run of Kielo; give --run another folder."
            )
        identity = ("name", "language", "source_language", "model")
        if before is not None and any(before.get(key) != resolved[key] for key in identity):
            changes = "; ".join(differences({k: before.get(k) for k in identity}, {k: resolved[k] for k in identity}))
            raise RunFolderError(
                f"{self.path}: made by another recipe ({changes}); give --run another folder, or this recipe another `name`."
            )

    def _is_foreign(self) -> bool:
        """Whether the folder holds anything that is not a step's; what a cut-off write leaves is hidden."""
        names = {path.name for path in self.path.iterdir()} if self.path.is_dir() else set()
        return any(not name.startswith(".") and name not in _STEP_FOLDERS for name in names)

    def input_digests(self, step: Step) -> dict[str, str] | None:
        """Digest the results of a step's inputs; None while one of them is not complete."""
        records = {name: self.record(name) for name in step.inputs}
        if any(record is None for record in records.values()):
            return None
        return {name: fingerprint(record["outputs"])[:16] for name, record in records.items() if record}

    def standing(self, step: Step) -> Standing:
        """Compare what a step's folder was made with against what the recipe now says."""
        made = self.record(step.name)
        begun = read_json(self.folder(step.name) / BEGUN) if made is None else None
        earlier = made or begun
        inputs = self.input_digests(step)
        if earlier is None or (inputs is None and made is None):
            return Standing("waiting" if earlier is None else "begun")
        if "fields" not in earlier:
            raise RunFolderError(
                f"{self.folder(step.name) / BEGUN}: damaged; remove this file, its step is then made again."
            )
        now = fields_of(step, inputs if inputs is not None else earlier["fields"]["inputs"])
        changes = tuple(differences(earlier["fields"], json.loads(canonical(now))))
        if changes:
            return Standing("changed", changes)
        return Standing("complete" if made else "begun")

    def damaged(self, step_name: str) -> str | None:
        """Say what is wrong with the recorded outputs of a complete step, if anything is; large ones are known by their size."""
        record = self.record(step_name) or {"outputs": {}}
        for name, made in record["outputs"].items():
            path = self.folder(step_name) / name
            if not path.is_file():
                return f"'{name}' is missing from a complete step"
            size = path.stat().st_size
            if size != record["sizes"][name] or (size <= _REREAD_BYTES and digest(path) != made):
                return f"'{name}' was changed after its step was complete"
        return None

    def clear(self, step_name: str) -> None:
        """Take a step's result away, so that it is made again; its record goes first, its completions stay."""
        folder = self.folder(step_name)
        for record in (RECORD, BEGUN):
            (folder / record).unlink(missing_ok=True)
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_dir() and path.name != KEPT and not path.is_symlink():
                shutil.rmtree(path)
            elif not path.is_dir():
                path.unlink()

    @contextmanager
    def lock(self, step_name: str, wait: bool = False) -> Iterator[None]:
        """Hold a step against other processes, if asked after waiting for them; the lock ends with the process, however that ends.

        Without `wait` it is waited for as long as this object has patience.

        Raises:
            RunFolderError: another process works on this step.
        """
        locks = self.path / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / step_name.replace("/", "--")).open("a+") as stream:
            try:
                self._take(stream, step_name, wait)
            except BlockingIOError as error:
                raise RunFolderError(f"{self._taken(stream, step_name)}; wait for it or end it.") from error
            except OSError as error:
                if error.errno not in NO_LOCKS:  # a file system without locks: nothing guards it then
                    raise
            stream.truncate(0)
            stream.write(f"{os.getpid()} on {gethostname()}")
            stream.flush()
            yield

    def _take(self, stream: IO[str], step_name: str, wait: bool) -> None:
        if wait:
            fcntl.flock(stream, fcntl.LOCK_EX)
            return
        until, told = time.monotonic() + self._patience_seconds, False
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise
            if not told:
                taken = self._taken(stream, step_name)
                print(
                    f"{taken}, or its node died; waiting up to {self._patience_seconds:.0f} s",
                    file=sys.stderr,
                    flush=True,
                )
                told = True
            sleep(_LOOK_SECONDS)

    def _taken(self, stream: IO[str], step_name: str) -> str:
        """Say who holds a lock: whoever takes one writes its process and machine into it."""
        stream.seek(0)
        holder, _, machine = stream.read().strip().partition(" ")
        works_on = "the jobs of this run" if step_name == JOBS_LOCK else "this step"
        return (
            f"{self.folder(step_name)}: process {holder or '(unknown)'} works on {works_on} ({machine or 'just begun'})"
        )

    def begin(self, step: Step) -> float:
        """Record what a step is being made with; returns the time it began, for `finish`."""
        earlier = read_json(self.folder(step.name) / BEGUN) or {}
        inputs = self.input_digests(step) or {}
        now = fields_of(step, inputs)
        began, attempts = time.time(), earlier.get("attempts", 0) + 1
        write_json(self.folder(step.name) / BEGUN, {"fields": now, "attempts": attempts, "began": began})
        return began

    def began(self, step_name: str) -> float:
        """Tell when a step was begun, for the process that finishes what another began."""
        begun = read_json(self.folder(step_name) / BEGUN) or {}
        return float(begun.get("began", time.time()))

    def finish(self, step: Step, outcome: Outcome, began: float) -> None:
        """Record a step as complete: digests of its outputs, counts, what it was made with; written last of all."""
        folder = self.folder(step.name)
        begun = read_json(folder / BEGUN)
        if begun is None:
            raise RunFolderError(
                f"{folder}: begun.json vanished while the step ran; is another process clearing this folder?"
            )
        record = {
            "name": step.name, "kind": step.kind, "fingerprint": fingerprint(begun["fields"]), "fields": begun["fields"],
            "outputs": {name: digest(folder / name) for name in sorted(outcome.outputs)},
            "sizes": {name: (folder / name).stat().st_size for name in sorted(outcome.outputs)}, "counts": _plain(outcome.counts),
            "attempts": begun["attempts"], "wall_seconds": round(time.time() - began, 3),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "surroundings": surroundings(),
        }  # fmt: skip
        write_json(folder / RECORD, record)
        (folder / BEGUN).unlink()


def _plain(counts: Mapping[str, Any]) -> Any:
    return json.loads(canonical(counts))
