"""One alignment-handbook or TRL file while it is taken apart: what is left of it, and what became of every key."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from kielo.errors import RecipeError, at
from kielo.schema import Trainer
from kielo.schema.trainer import DPO_ONLY, SFT_ONLY
from kielo.strict_yaml import Lines, load

Task = Literal["sft", "dpo"]
Fate = Literal["kept", "renamed", "dropped", "unknown", "added"]
_LONGEST = 60


@dataclass(frozen=True)
class Note:
    """What became of one key, or what was added that the file does not say."""

    fate: Fate
    key: str
    sentence: str

    @property
    def top(self) -> str:
        """Name the key at the top of the file that this one stands under."""
        return self.key.partition(".")[0].partition("[")[0]

    @property
    def line(self) -> str:
        """Write the note for the terminal; keys of strangers may hold anything."""
        return printable(f"{self.fate:9}{self.key}{': ' if self.sentence else ''}{self.sentence}")


def printable(text: str) -> str:
    """Take out of a text what would move a terminal's cursor or end a comment's line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


@dataclass
class Reading:
    """A file's top-level keys, each taken once."""

    path: Path
    task: Task
    left: dict[str, Any]
    lines: Lines
    notes: list[Note] = field(default_factory=list)

    def take(self, key: str) -> Any:
        """Take a key's value out; None where it is absent."""
        return self.left.pop(key, None)

    def note(self, fate: Fate, key: str, sentence: str = "") -> None:
        """Say what became of a key."""
        self.notes.append(Note(fate, key, sentence))

    def renamed(self, key: str, place: str, value: Any, why: str = "") -> None:
        """Say that a key stands elsewhere now."""
        self.note("renamed", key, f"{place}: {short(value)}{f' ({why})' if why else ''}")

    def truth(self, key: str) -> bool:
        """Take a key that is true or false; absent and null are false.

        Raises:
            RecipeError: it is neither.
        """
        value = self.take(key)
        text = str(value).lower()
        if value is not None and text not in ("true", "false"):
            raise RecipeError(f"{self.where(key)}: {key}: true or false is needed, not {short(value)}.")
        return text == "true"

    def number(self, key: str) -> int | None:
        """Take a key that is a positive whole number.

        Raises:
            RecipeError: it is none.
        """
        value = self.take(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise RecipeError(f"{self.where(key)}: {key}: a positive whole number is needed, not {short(value)}.")
        return value

    def where(self, *keys: str | int) -> str:
        """Name the line of a key."""
        return at(self.path, self.lines.get(keys))


def read(path: Path) -> Reading:
    """Read a file and see what it trains: preferences where it has a key that only those have.

    Raises:
        RecipeError: it is not YAML, or holds keys of no training.
    """
    values, lines = load(path)
    signs = sorted(_PREFERENCES & set(values)) or _preference_columns(values)
    reading = Reading(path, "dpo" if signs else "sft", values, lines)
    if not {"model_name_or_path", *_DATA} & set(values):
        raise RecipeError(f"{path}: neither a model nor data; give a training file of alignment-handbook or TRL.")
    for key in [key for key, value in values.items() if value is None]:
        reading.take(key)
        reading.note("dropped", key, "null: not set")
    return reading


_DATA = ("dataset_mixer", "dataset_mixture", "datasets", "dataset_name")
_PREFERENCES = {
    "beta", "max_prompt_length", "rpo_alpha", "reference_free", "generate_during_eval", *DPO_ONLY,
} - {"loss_type", "disable_dropout"}  # fmt: skip


def _preference_columns(values: Mapping[str, Any]) -> list[str]:
    return ["chosen"] if '"chosen"' in json.dumps([values.get(key) for key in _DATA], default=str) else []


def short(value: Any) -> str:
    """Write a value in few letters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def trainer_value(key: str, value: Any) -> Any:
    """Check a trainer key's value as a recipe would.

    Raises:
        ValueError: a recipe would refuse it; says why.
    """
    try:
        return getattr(Trainer.model_validate({key: value}), key)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error


def trainer_keys(task: Task) -> list[str]:
    """List the trainer keys that a recipe takes in a part."""
    foreign = DPO_ONLY if task == "sft" else SFT_ONLY
    return [key for key in Trainer.model_fields if key not in foreign]


def plain_name(written: str, taken: Iterable[str]) -> str:
    """Make a plain name of an id or a path, another one than those that are taken."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", written.rstrip("/").rpartition("/")[2]).strip("-._") or "data"
    number, found, used = 2, name, set(taken)
    while found in used:
        found, number = f"{name}-{number}", number + 1
    return found


def suggestion(key: str, known: Iterable[str]) -> str:
    """Name the nearest known key."""
    near = difflib.get_close_matches(key, list(known), 1, cutoff=0.6)
    return f"no key that Kielo knows; did you mean '{near[0]}'?" if near else "no key that Kielo knows"
