"""What a plan is made of: steps, the place where one is made, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kielo.languages.identification import PACKAGES
from kielo.languages.pack import pack_files
from kielo.models import model_identity
from kielo.provenance import digest
from kielo.schema import Recipe

Kind = Literal[
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
    "ifeval-scores",
    "question-scores",
    "judge",
    "translation-quality",
    "report",
]
STAGES: Mapping[str, tuple[Kind, ...]] = {
    "translate": ("source", "translate", "regenerate"), "mix": ("annotate", "select", "mix"), "tokens": ("tokens",), "sft": ("sft",), "dpo": ("reference", "dpo"),
    "eval": ("responses", "ifeval-scores", "question-scores", "judge", "translation-quality"), "report": ("report",),
}  # fmt: skip

SHARDED: tuple[Kind, ...] = ("translate", "regenerate")
"""Their completions can be made in shards, each by another process; the step then puts them together."""


@dataclass(frozen=True)
class Step:
    """One unit of work, done wholly or not at all; its name is also its folder under the run folder."""

    name: str
    kind: Kind
    settings: Mapping[str, Any]
    """The part of the recipe that determines the result: JSON values, keyed as in the recipe, for the fingerprint."""
    inputs: tuple[str, ...] = ()
    accelerator: bool = False
    """Whether it runs a model, so that a cluster gives it a device."""
    versions: tuple[str, ...] = ()
    """Packages whose versions change the result."""
    running: Mapping[str, Any] = field(default_factory=dict)
    """Trainer keys that change speed and memory alone: no part of what the result is."""
    derived: bool = False
    """Cheap and made from its inputs alone: made again without asking when they change."""


@dataclass(frozen=True)
class Workplace:
    """What a step's function is handed: the step, the recipe, its own folder, and the folders of its inputs."""

    step: Step
    recipe: Recipe
    folder: Path
    inputs: Mapping[str, Path]


@dataclass(frozen=True)
class Outcome:
    """What a step's function gives back: the files that are its result, and counts for step.json and the report."""

    outputs: tuple[str, ...]
    counts: Mapping[str, Any] = field(default_factory=dict)


def rows_step(recipe: Recipe, dataset: str, code: str) -> str:
    """Name the step that holds a data set's rows in a language."""
    found = recipe.translate.datasets[dataset]
    if found.prompts_of is not None:
        return f"regenerate/{dataset}"
    return f"source/{dataset}" if code == (found.language or recipe.source_language) else f"translate/{dataset}"


def rows_file(step: str) -> str:
    """Name the file of a data step that holds its rows."""
    return "rows.jsonl" if step.startswith("source/") else "accepted.jsonl"


def model_fields(recipe: Recipe) -> dict[str, Any]:
    """Say which model a step's result depends on."""
    return {"model": model_identity(recipe.model_path, recipe.revision)}


def file_fields(recipe: Recipe, written: str | None, what: str) -> dict[str, Any]:
    """Put a file's content into the settings, so that an edited file is seen as a changed recipe."""
    if written is None or not recipe.path(written).is_file():
        return {}
    return {f"content of {what}": digest(recipe.path(written))}


def pack_fields(*codes: str) -> dict[str, Any]:
    """Digest language packs: names, letters, phrases and rules in them decide what is asked and accepted."""
    files = {name: file for code in codes for name, file in pack_files(code).items()}
    return {"content of the language packs": {name: digest(file) for name, file in files.items()}}


def identifier_package(name: str) -> str:
    """Name the package of a language identifier, whose version changes what it says."""
    return PACKAGES.get(name, name)


def engine_fields(engine: dict[str, Any]) -> dict[str, Any]:
    """Keep of an engine what changes its completions; how many servers or requests at once does not."""
    return {key: engine[key] for key in ("kind", "dtype", "served_model")}
