"""Whose answers a model was trained on: the rows of its mix by data set and language, and generators that are models here themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from eval.analyse.runs import AnalysedRun, Model
from kielo.errors import RecipeError, UsageError, at
from kielo.models import model_identity
from kielo.records import Conversation, from_json, read_jsonl

TRAIN = "train.jsonl"
Answers = Mapping[str, str]
"""Id of a row -> its first answer."""


@dataclass(frozen=True)
class Origin:
    """The answers of one data set in one language, as a mix has them."""

    mix: str
    dataset: str
    language: str
    generator: str | None
    """The model that wrote them, where one answered the prompts anew, as the recipe names it."""
    identity: str | None
    """The same model as the record of that step identifies it: by its weights where it lies in a folder."""
    translated: bool
    """Whether the rows stand in another language than their data set."""
    answers: Answers

    @property
    def author(self) -> str:
        """Say who wrote the answers."""
        return self.generator or ("its authors, translated" if self.translated else "its authors")


@cache
def _rows(path: Path) -> dict[tuple[str, str], Answers]:
    """Read a mix: data set and language -> answers; a row that is repeated counts once."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for number, row in read_jsonl(path):
        record = from_json("conversations", row, at(path, number))
        assert isinstance(record, Conversation)
        first = next((turn.content for turn in record.messages if turn.role == "assistant"), "")
        if first.strip() and "#" not in record.id:
            found.setdefault((record.id.partition("/")[0], record.language), {})[record.id] = first
    return dict(found)


def origins(model: Model) -> list[Origin]:
    """List what a model was trained on by supervision; empty where the mix is not there any more."""
    mix = model.run.mix_of(model.step)
    path = model.run.folder / mix / TRAIN if mix else None
    if mix is None or path is None or not path.is_file():
        return []
    return [
        Origin(
            mix.partition("/")[2],
            dataset,
            code,
            *generator_of(model.run, dataset, code),
            _is_translated(model.run, dataset, code),
            answers,
        )
        for (dataset, code), answers in sorted(_rows(path).items())
    ]


def _is_translated(run: AnalysedRun, dataset: str, code: str) -> bool:
    own = run.recipe["translate"]["datasets"].get(dataset, {}).get("language")
    return bool(code != (own or run.recipe["source_language"]))


def generator_of(run: AnalysedRun, dataset: str, code: str) -> tuple[str | None, str | None]:
    """Name and identify the model that answered a data set's prompts anew; nothing where the answers are its own."""
    written = run.recipe["translate"]["datasets"].get(dataset, {})
    while_translating = written.get("answers") == "regenerate" and code == run.recipe["language"]
    if written.get("prompts_of") is None and not while_translating:
        return None, None
    engines = written.get("engine") or run.recipe["translate"].get("engine") or [{}]
    record = run.records.get(f"regenerate/{dataset}")
    identity = record["fields"]["translate"]["engine"]["model"] if record else None
    return engines[0].get("model") or run.recipe["model"], identity


def tuned_on(models: Sequence[Model], written: Sequence[str]) -> dict[str, str]:
    """Pair models with the one that wrote their data, where that is a model here, too: as `TUNED=GENERATOR` says, or as their mixes do.

    Raises:
        UsageError: a pair names no model, or one model twice.
    """
    names = [model.name for model in models]
    said: dict[str, str] = {}
    for pair in written:
        tuned, equals, generator = pair.partition("=")
        unknown = next((name for name in (tuned, generator) if name not in names), None)
        if not equals or unknown is not None or tuned == generator or tuned in said:
            raise UsageError(
                f"--tuned-on {pair}: write TUNED=GENERATOR, two models of these runs, each tuned one once; they are {', '.join(names)}."
            )
        said[tuned] = generator
    return {**dict(_found(models)), **said}


def _found(models: Sequence[Model]) -> Iterator[tuple[str, str]]:
    """Look for models whose weights are those that a step answered prompts with."""
    wanted = {model.name: {one.identity for one in origins(model) if one.identity} for model in models}
    if not any(wanted.values()):
        return
    known = {identity: model.name for model in models if (identity := _identity(model))}
    for tuned, generators in wanted.items():
        here = [known[generator] for generator in sorted(generators) if generator in known]
        if len(here) == 1 and here[0] != tuned:
            yield tuned, here[0]


def _identity(model: Model) -> str | None:
    """Identify a model's weights; None where they are not there any more."""
    if not model.folder.is_dir():
        return None
    try:
        return model_identity(str(model.folder))
    except RecipeError:
        return None
