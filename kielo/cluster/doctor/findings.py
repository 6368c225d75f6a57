"""What `kielo doctor` found: each finding one line, ok, to be looked at, or wrong, with the key, its place and the fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kielo.cluster.profiles.reading import Keys, ProfileFiles

State = Literal["ok", "look", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    state: State
    text: str

    def __str__(self) -> str:
        return f"{self.state:5}  {self.text}"


@dataclass(frozen=True)
class Keyed:
    """Makes findings about keys of a profile, which name the file and line to change."""

    files: ProfileFiles

    def ok(self, keys: Keys, text: str) -> Finding:
        """Say that a key is as it should be."""
        return Finding("ok", f"{_name(keys)}: {text}")

    def look(self, keys: Keys, text: str) -> Finding:
        """Say that a key may need a change."""
        return Finding("look", f"{_name(keys)}: {text} ({self.files.place(keys)})")

    def wrong(self, keys: Keys, text: str) -> Finding:
        """Say that jobs would fail, or never start, with a key as it is."""
        return Finding("wrong", f"{_name(keys)}: {text} ({self.files.place(keys)})")


def _name(keys: Keys) -> str:
    return ".".join(map(str, keys))
