"""Where the texts of a data set come from: only what accepted texts were really made by counts."""

from __future__ import annotations

from pathlib import Path

from kielo.recipe.reading import load
from kielo.records import write_jsonl
from kielo.run_folder import RunFolder
from kielo.sharing.licences import Part
from kielo.sharing.origins import data_parts

RECIPE = """\
language: fi
model: google/gemma-3-4b-pt
translate:
  engine: [{kind: hf}, {kind: deepl}, {kind: hf, model: ./project-of-maija/my-model}]
  memory: {file: old.jsonl, made_by: DeepL, licence: CC-BY-4.0}
  datasets:
    talks: {kind: conversations, hub: nvidia/HelpSteer2}
    anew: {kind: conversations, prompts_of: talks, engine: {kind: openai, urls: [http://node1:8000/v1], served_model: gpt-4o}}
sft: {mixes: {all: {datasets: [talks], shares: {en: 1.0, fi: 1.0}}}}
"""
ROWS = Part("rows of nvidia/HelpSteer2", "CC-BY-4.0", ("sharegpt",))


def parts(write_recipe, tmp_path: Path, name: str, languages: list[str], *made: tuple[str, bool]) -> list[tuple]:
    """List the origins where texts were made by these engines, each accepted or not."""
    write_jsonl(tmp_path / "old.jsonl", [{"source": "a", "target": "b"}])
    (tmp_path / "project-of-maija/my-model").mkdir(parents=True, exist_ok=True)
    run = RunFolder(tmp_path / "run")
    rows = [{"id": f"talks/{place}", "engine": engine, "accepted": ok} for place, (engine, ok) in enumerate(made)]
    write_jsonl(run.folder("translate/talks") / "translations.jsonl", rows)
    write_jsonl(run.folder("translate/talks") / "rejected.jsonl", [{"id": "talks/9"}])
    found = data_parts(load(write_recipe(text=RECIPE)), run, name, languages)
    return [(part.what, part.licence, part.conditions) for part in found]


def test_only_who_made_accepted_texts_counts(write_recipe, tmp_path) -> None:
    rows = (ROWS.what, ROWS.licence, ROWS.conditions)
    assert parts(write_recipe, tmp_path, "talks", ["en"], ("deepl", True)) == [rows], (
        "English rows are nobody's translation"
    )
    assert parts(write_recipe, tmp_path, "talks", ["fi"], ("hf", True), ("deepl", False)) == [
        rows, ("translations by google/gemma-3-4b-pt", "Gemma", ("gemma",)),
    ]  # fmt: skip
    assert parts(write_recipe, tmp_path, "talks", ["en", "fi"], ("memory, deepl", True), ("hf-2", True)) == [
        rows, ("translations of old.jsonl", "CC-BY-4.0", ("deepl",)), ("translations by DeepL", None, ("deepl",)),
        ("translations by my-model", None, ()),
    ]  # fmt: skip


def test_what_a_reviewer_vouched_for_stays_under_the_terms_of_who_may_have_made_it(write_recipe, tmp_path) -> None:
    found = parts(write_recipe, tmp_path, "talks", ["fi"], ("reviewer", True))
    assert [what for what, _, _ in found[1:]] == [
        "translations of old.jsonl", "translations by google/gemma-3-4b-pt", "translations by DeepL", "translations by my-model",
    ]  # fmt: skip


def test_answers_made_anew_bring_the_terms_of_who_gave_them(write_recipe, tmp_path) -> None:
    found = parts(write_recipe, tmp_path, "anew", ["fi"], ("memory", True))
    assert found[0][2] == ("sharegpt",)
    assert found[1][2] == ("deepl",)
    assert found[2] == ("answers of gpt-4o", None, ("openai",))
