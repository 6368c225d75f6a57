"""Tells where the texts of a data set come from: rows, translation memory, translators, models that answered; and under what licence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from kielo.plan.selection import answering_model
from kielo.plan.steps import rows_step
from kielo.records import read_jsonl
from kielo.run_folder import RunFolder
from kielo.schema import Dataset, Engine, Recipe
from kielo.schema.translation import Memory
from kielo.sharing.licence_table import known_dataset, known_model, translator_conditions
from kielo.sharing.licences import Part
from kielo.sharing.places import without_places

MEMORY, REVIEWER = "memory", "reviewer"


def data_parts(recipe: Recipe, run: RunFolder, name: str, languages: Sequence[str]) -> list[Part]:
    """List the origins of a data set's rows in some languages, with their licences; what no accepted text came from is none."""
    dataset = recipe.translate.datasets[name]
    if dataset.prompts_of is not None:
        asked = recipe.translate.datasets[dataset.prompts_of]
        answers = _outputs("answers of", answerer_name(recipe, dataset) or "")
        return [*_rows_and_translations(recipe, run, dataset.prompts_of, asked, languages), answers]
    return list(_rows_and_translations(recipe, run, name, dataset, languages))


def rows_from(dataset: Dataset) -> str:
    """Name where the rows of a data set were taken from, without the folders of a machine."""
    if dataset.pocket:
        return f"the pocket world's {dataset.pocket}"
    return dataset.hub or Path(dataset.local or "").name


def rows_licence(dataset: Dataset) -> str | None:
    """Say under which licence the rows of a data set are: what the recipe says, else what is known of their origin."""
    return dataset.licence or known_dataset(dataset.hub).licence or ("Apache-2.0" if dataset.pocket else None)


def memory_name(memory: Memory) -> str:
    """Name a translation memory and who made it, without the folders of a machine."""
    return f"translation memory {Path(memory.file).name}{f' (made by {memory.made_by})' if memory.made_by else ''}"


def makers(recipe: Recipe, run: RunFolder, name: str) -> dict[str, int]:
    """Count the accepted texts of a translated data set by who made them: `memory`, an engine by its label, or `reviewer`, who left or mended what one of them made."""
    folder = run.folder(f"translate/{name}")
    rejected = {row["id"] for _, row in read_jsonl(folder / "rejected.jsonl")}
    found: Counter[str] = Counter()
    for _, row in read_jsonl(folder / "translations.jsonl"):
        if row["accepted"] and row["id"] not in rejected:
            found.update((row["engine"] or "none").split(", "))
    return {label: found[label] for label in (MEMORY, *engine_labels(recipe, name), REVIEWER) if found[label]}


def engine_labels(recipe: Recipe, name: str) -> dict[str, Engine]:
    """List the engines of a data set by the labels that the translate step gives them."""
    engines = recipe.translate.engines(recipe.translate.datasets[name])
    labels: dict[str, Engine] = {}
    for engine in engines:
        same = sum(other.kind == engine.kind for other in labels.values())
        labels[engine.kind if not same else f"{engine.kind}-{same + 1}"] = engine
    return labels


def engine_name(recipe: Recipe, engine: Engine) -> str:
    """Name who translates, without the folders of a machine."""
    return "DeepL" if engine.kind == "deepl" else _model_name(engine.model or engine.served_model or recipe.model)


def answerer_name(recipe: Recipe, dataset: Dataset) -> str | None:
    """Name the model that answers a data set's prompts anew, likewise; None for rows with answers of their own."""
    named = answering_model(recipe, dataset)
    return None if named is None else _model_name(named)


def _model_name(named: str) -> str:
    return str(without_places(named))


def _rows_and_translations(
    recipe: Recipe, run: RunFolder, name: str, dataset: Dataset, languages: Sequence[str]
) -> Iterator[Part]:
    how = f"write `licence:` into the recipe (translate.datasets.{name}) and name the recipe instead of the run folder."
    yield Part(f"rows of {rows_from(dataset)}", rows_licence(dataset), known_dataset(dataset.hub).conditions, how)
    if dataset.translated and any(rows_step(recipe, name, code).startswith("translate/") for code in languages):
        yield from _translations(recipe, run, name, dataset)


def _translations(recipe: Recipe, run: RunFolder, name: str, dataset: Dataset) -> Iterator[Part]:
    used, memory = makers(recipe, run, name), dataset.memory or recipe.translate.memory
    reviewed = REVIEWER in used  # whose translation was read is not recorded, so it may be anybody's
    if (MEMORY in used or reviewed) and memory is not None:
        how = "write `licence:` (and `made_by:`) under `memory:` in the recipe and name the recipe instead of the run folder."
        conditions = translator_conditions(memory.made_by)
        yield Part(f"translations of {Path(memory.file).name}", memory.licence, conditions, how)
    for label, engine in engine_labels(recipe, name).items():
        if label in used or reviewed:
            yield _outputs("translations by", engine_name(recipe, engine))


def _outputs(what: str, name: str) -> Part:
    known = known_model(name)
    conditions = (*translator_conditions(name), *known.conditions)
    return Part(f"{what} {name}", known.licence, conditions, needs_licence=False)
