"""What a recipe's steps ask the Hub for, and what of it lies in a cache; plain file names, so that a login node needs no package."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Literal

from kielo.recipe.mixes import selections
from kielo.schema import Engine, Recipe

Kind = Literal["model", "embedder", "tokenizer", "data set", "COMET"]
COMMIT = re.compile("[0-9a-f]{40}")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""What transformers and vLLM load, the better one first; of several files, a .index.json of that name lists them."""
VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
HYPERPARAMETERS = "hparams.yaml"
CHECKPOINT = "checkpoints/model.ckpt"
_ENCODER = re.compile(r"^pretrained_model:\s*['\"]?([\w./-]+)", re.MULTILINE)


@dataclass(frozen=True)
class Need:
    """A repository of the Hub that steps read; `revision` None is the newest of its main branch."""

    kind: Kind
    repo: str
    revision: str | None
    by: str
    """The key of the recipe that names it."""
    config: str | None = None
    split: str = ""

    def __str__(self) -> str:
        part = "".join(f", {each}" for each in (self.config, self.split) if each)
        return f"{self.kind} {self.repo}{f'@{self.revision}' if self.revision else ''}{part}"

    @property
    def pinned(self) -> bool:
        """Whether its revision is a commit, so that it is the same whenever it is fetched."""
        return COMMIT.fullmatch(self.revision or "") is not None

    @property
    def folder(self) -> str:
        """Name its folder in a cache of the Hub."""
        kind = "datasets" if self.kind == "data set" else "models"
        return f"{kind}--{self.repo.replace('/', '--')}"


def needs(recipe: Recipe) -> list[Need]:
    """List the repositories of the Hub that the steps of a recipe read, each once."""
    found: dict[tuple[object, ...], Need] = {}
    for need in (*_models(recipe), *_datasets(recipe)):
        found.setdefault((need.kind, need.repo, need.revision, need.config, need.split), need)
    return list(found.values())


def _models(recipe: Recipe) -> Iterator[Need]:
    yield from _model(recipe, recipe.model, recipe.revision, "model")
    translate, judge, comet = recipe.translate, recipe.eval.judge, recipe.eval.comet
    yield from _engines(recipe, translate.engine or (), "translate.engine")
    for name, dataset in translate.datasets.items():
        yield from _engines(recipe, dataset.engine or (), f"translate.datasets.{name}.engine")
    yield from _engines(recipe, judge.engines if judge else (), "eval.judge.engines")
    yield from _annotators(recipe)
    if comet is not None and not comet.model.startswith(("/", ".")):
        yield Need("COMET", comet.model, None, "eval.comet")


def _engines(recipe: Recipe, engines: Sequence[Engine], by: str) -> Iterator[Need]:
    """Ask for the models of engines that load one here; an openai server elsewhere has its own."""
    for engine in engines:
        if engine.model is not None and engine.kind in ("hf", "vllm-server"):
            yield from _model(recipe, engine.model, None, by)


def _annotators(recipe: Recipe) -> Iterator[Need]:
    """Ask for the models that say what is known of rows, where a selection needs it."""
    annotate = recipe.annotate
    wanted = {need for chosen in selections(recipe).values() for need in chosen.settings.needs(chosen.method)}
    for part, asked in (("labels", annotate.labels), ("scores", annotate.scores)):
        if asked.engine is not None and part in wanted:
            yield from _engines(recipe, (asked.engine,), f"annotate.{part}.engine")
    embedder = annotate.embedder
    if embedder.model is not None and wanted & {"labels", "embeddings"}:
        yield from _model(recipe, embedder.model, embedder.revision, "annotate.embedder", "embedder")


def _model(recipe: Recipe, name: str, revision: str | None, by: str, kind: Kind = "model") -> Iterator[Need]:
    path = recipe.named_model(name)
    if not name.startswith(("/", ".")) and not Path(path).is_dir():
        yield Need(kind, path, revision, by)


def _datasets(recipe: Recipe) -> Iterator[Need]:
    for name, dataset in recipe.translate.datasets.items():
        if dataset.hub is not None:
            by = f"translate.datasets.{name}"
            yield Need("data set", dataset.hub, dataset.revision, by, dataset.config, dataset.split)


def missing(recipe: Recipe, cache: Path | None) -> list[Need]:
    """List what jobs without a network would not find in a cache (an HF_HOME; None: the user's own)."""
    home = cache or usual_cache()
    lacking = []
    for need in needs(recipe):
        if not is_there(need, home):
            lacking.append(need)
        elif need.kind == "COMET" and (encoder := encoder_of(need, home)) and not is_there(encoder, home):
            lacking.append(encoder)
    return lacking


def usual_cache() -> Path:
    """Name the cache that Hugging Face's libraries use when no profile names one."""
    above = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{above}/huggingface").expanduser()


def hub_folder(home: Path) -> Path:
    """Name the folder of a cache that holds repositories; the user's own cache may have them elsewhere."""
    return _elsewhere(home, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE") or home / "hub"


def tables_folder(home: Path) -> Path:
    """Name the folder of a cache that holds data sets as tables, likewise."""
    return _elsewhere(home, "HF_DATASETS_CACHE") or home / "datasets"


def _elsewhere(home: Path, *names: str) -> Path | None:
    named = next((os.environ[name] for name in names if os.environ.get(name)), None)
    return Path(named).expanduser() if named and home == usual_cache() else None


def is_there(need: Need, home: Path) -> bool:
    """Tell whether a cache holds everything of a repository that jobs read."""
    if need.kind == "data set":
        return _prepared(need, home) is not None
    snapshot = _snapshot(need, home)
    if snapshot is None:
        return False
    if need.kind == "COMET":
        return all((snapshot / name).is_file() for name in (HYPERPARAMETERS, CHECKPOINT))
    words = (snapshot / "config.json").is_file() and any((snapshot / name).is_file() for name in VOCABULARIES)
    return words and (need.kind == "tokenizer" or _has_weights(snapshot)) and _has_layers(snapshot)


def commit_there(need: Need, home: Path) -> str | None:
    """Name the commit that jobs without a network take for a repository's revision; None if the cache knows none."""
    if need.pinned:
        return need.revision
    reference = hub_folder(home) / need.folder / "refs" / (need.revision or "main")
    return reference.read_text("utf-8").strip() if reference.is_file() else None


def encoder_of(need: Need, home: Path) -> Need | None:
    """Name the tokenizer that a COMET model reads besides its own files, as its hyperparameters say."""
    snapshot = _snapshot(need, home)
    if snapshot is None or not (snapshot / HYPERPARAMETERS).is_file():
        return None
    written = _ENCODER.search((snapshot / HYPERPARAMETERS).read_text("utf-8"))
    return Need("tokenizer", written[1], None, f"the encoder of {need.repo}") if written else None


def _snapshot(need: Need, home: Path) -> Path | None:
    commit = commit_there(need, home)
    folder = hub_folder(home) / need.folder / "snapshots" / (commit or "")
    return folder if commit and folder.is_dir() else None


def _has_weights(snapshot: Path) -> bool:
    for name in WEIGHTS:
        index = snapshot / f"{name}.index.json"
        if (snapshot / name).is_file():
            return True
        if index.is_file():
            return all(
                (snapshot / part).is_file() for part in set(json.loads(index.read_bytes())["weight_map"].values())
            )
    return False


def _has_layers(snapshot: Path) -> bool:
    """Tell whether the layers are there that a model of sentence-transformers has behind its network; others list none."""
    listed = snapshot / "modules.json"
    layers = json.loads(listed.read_bytes()) if listed.is_file() else []
    with_settings = [each["path"] for each in layers if each["type"].endswith((".Pooling", ".Dense"))]
    return all((snapshot / path / "config.json").is_file() for path in with_settings)


def _prepared(need: Need, home: Path) -> Path | None:
    """Find the folder of tables that the library datasets made of a repository at the commit that jobs take."""
    owner, slash, name = need.repo.rpartition("/")
    commit = commit_there(need, home)
    for folder in sorted(
        tables_folder(home).glob(f"*/{escape(need.config or '') or '*'}/*/{commit or '*'}/dataset_info.json")
    ):
        above = folder.parents[3].name.rpartition("___")
        if (above[0], _flat(above[2])) == (owner if slash else "", _flat(name)) and _has_splits(
            folder.parent, need.split
        ):
            return folder.parent
    return None


def _flat(name: str) -> str:
    """Make a repository's name and the snake_case that datasets makes of it equal."""
    return name.replace("_", "").lower()


def _has_splits(folder: Path, asked: str) -> bool:
    """Tell whether tables of every split are there that an expression such as `train[:10%]+test` names."""
    splits = json.loads((folder / "dataset_info.json").read_bytes()).get("splits") or {}
    named = {part.partition("[")[0].strip() for part in asked.split("+")} - {"all"}
    return named <= set(splits) and all(any(folder.glob(f"*-{split}*.arrow")) for split in named)
