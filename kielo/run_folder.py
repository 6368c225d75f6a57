"""The run folder: where each step writes, what makes it complete, and how an interrupted one is known and continued."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kielo.errors import RunFolderError
from kielo.plan import Outcome, Step, fields_of
from kielo.provenance import canonical, differences, digest, fingerprint, surroundings
from kielo.recipe import Recipe
from kielo.records import write_json

State = Literal["complete", "begun", "waiting", "changed"]
RECORD, BEGUN = "step.json", "begun.json"


@dataclass(frozen=True)
class Standing:
    """Where a step stands: its state, and for a changed one the fields that differ from what its folder was made with."""

    state: State
    changes: tuple[str, ...] = ()


class RunFolder:
    """The folder of one run; every step has its own folder in it, complete when it holds a step.json."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def folder(self, step_name: str) -> Path:
        """Name the folder of a step."""
        return self.path / step_name

    def record(self, step_name: str) -> dict[str, Any] | None:
        """Read the step.json of a complete step; None while it is not complete."""
        return _read_json(self.folder(step_name) / RECORD)

    def claim(self, recipe: Recipe) -> None:
        """Write the resolved recipe into the folder, or check that the folder belongs to a recipe of the same models and languages.

        Raises:
            RunFolderError: it was made by another recipe.
        """
        resolved = recipe.model_dump(mode="json")
        before = _read_json(self.path / "recipe.json")
        if before is None and self.path.is_dir() and any(self.path.iterdir()):
            raise RunFolderError(f"{self.path}: this folder holds other files and no recipe.json; give --run another folder.")
        identity = ("name", "language", "source_language", "model")
        if before is not None and any(before.get(key) != resolved[key] for key in identity):
            changes = "; ".join(differences({k: before.get(k) for k in identity}, {k: resolved[k] for k in identity}))
            raise RunFolderError(f"{self.path}: made by another recipe ({changes}); give --run another folder, or this recipe another `name`.")
        if before != resolved:
            write_json(self.path / "recipe.json", resolved)

    def input_digests(self, step: Step) -> dict[str, str] | None:
        """Digest the results of a step's inputs; None while one of them is not complete."""
        records = {name: self.record(name) for name in step.inputs}
        if any(record is None for record in records.values()):
            return None
        return {name: fingerprint(record["outputs"])[:16] for name, record in records.items() if record}

    def standing(self, step: Step) -> Standing:
        """Compare what a step's folder was made with against what the recipe now says."""
        made = self.record(step.name)
        begun = _read_json(self.folder(step.name) / BEGUN) if made is None else None
        earlier = made or begun
        inputs = self.input_digests(step)
        if earlier is None or (inputs is None and made is None):
            return Standing("waiting" if earlier is None else "begun")
        now = fields_of(step, inputs if inputs is not None else earlier["fields"]["inputs"])
        changes = tuple(differences(earlier["fields"], json.loads(canonical(now))))
        if changes:
            return Standing("changed", changes)
        return Standing("complete" if made else "begun")

    def damaged(self, step_name: str) -> str | None:
        """Say which recorded output of a complete step is missing, if one is."""
        record = self.record(step_name) or {"outputs": {}}
        return next((name for name in record["outputs"] if not (self.folder(step_name) / name).is_file()), None)

    def clear(self, step_name: str) -> None:
        """Take a step's result away, so that it is made again; its record goes first."""
        folder = self.folder(step_name)
        (folder / RECORD).unlink(missing_ok=True)
        if folder.is_dir():
            aside = folder.with_name(f".{folder.name}.{os.getpid()}.old")
            folder.rename(aside)
            shutil.rmtree(aside)

    @contextmanager
    def lock(self, step_name: str) -> Iterator[None]:
        """Hold a step against other processes; the lock ends with the process, however that ends.

        Raises:
            RunFolderError: another process works on this step.
        """
        locks = self.path / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / step_name.replace("/", "--")).open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                stream.seek(0)
                raise RunFolderError(f"{self.folder(step_name)}: process {stream.read().strip()} works on this step; wait for it or end it.") from error
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield

    def begin(self, step: Step) -> float:
        """Record what a step is being made with; returns the time it began, for `finish`."""
        earlier = _read_json(self.folder(step.name) / BEGUN) or {}
        inputs = self.input_digests(step) or {}
        now = fields_of(step, inputs)
        write_json(self.folder(step.name) / BEGUN, {"fields": now, "attempts": earlier.get("attempts", 0) + 1})
        return time.time()

    def finish(self, step: Step, outcome: Outcome, began: float) -> None:
        """Record a step as complete: digests of its outputs, counts, what it was made with; written last of all."""
        folder = self.folder(step.name)
        begun = _read_json(folder / BEGUN)
        if begun is None:
            raise RunFolderError(f"{folder}: begun.json vanished while the step ran; is another process clearing this folder?")
        record = {
            "name": step.name, "kind": step.kind, "fingerprint": fingerprint(begun["fields"]), "fields": begun["fields"],
            "outputs": {name: digest(folder / name) for name in sorted(outcome.outputs)}, "counts": _plain(outcome.counts),
            "attempts": begun["attempts"], "wall_seconds": round(time.time() - began, 3),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "surroundings": surroundings(),
        }  # fmt: skip
        write_json(folder / RECORD, record)
        (folder / BEGUN).unlink()


def _plain(counts: Mapping[str, Any]) -> Any:
    return json.loads(canonical(counts))


def _read_json(path: Path) -> dict[str, Any] | None:
    """Read one of our own records.

    Raises:
        RunFolderError: it is damaged.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path}: damaged ({error}); remove this file, its step is then made again.") from error
    if not isinstance(value, dict):
        raise RunFolderError(f"{path}: damaged (a JSON object is needed); remove this file, its step is then made again.")
    return value
