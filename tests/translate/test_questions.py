"""Open questions are translated turn by turn with their references; those written in their own language are left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kielo.languages.pack import language
from kielo.models import POCKET
from kielo.records import Question, read_jsonl, read_records
from tests.translate.conftest import pocket_recipe
from translate.checks import Direction
from translate.rows.formats import Source, read_rows
from translate.tasks.rules import actions, read_rules
from translate.works import Planning, Work, _change, _texts_of, rebuild

RunSteps = Callable[..., dict[str, Mapping[str, Any]]]
TALK = "talk: {kind: conversations, pocket: oasst2, translate: false, rows: 3}"
MEMORY = {
    "Tell me about the cat.": "Kerro kissasta.", "Make it shorter.": "Lyhyemmin.", "What is 2 + 2?": "Paljonko on 2 + 2?",
    "It is four.": "Se on neljä.",
}  # fmt: skip
ROWS = [
    {"question_id": 81, "category": "writing", "turns": ["Tell me about the cat.", "Make it shorter."]},
    {"question_id": 82, "category": "maths", "turns": ["What is 2 + 2?", "Make it shorter."], "reference": ["It is four.", None]},
    {"question_id": 83, "category": "writing", "turns": ["Tell me about the cat.", "What else?"]},
]  # fmt: skip


def recipe_of(folder: Path, *rows: Mapping[str, Any], extra: str = "") -> str:
    known = [{"source": source, "target": target} for source, target in MEMORY.items()]
    for name, content in (("memory", known), ("data", rows)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content), "utf-8")
    return (
        "language: fi\nmodel: pocket\ntranslate:\n  engine: null\n  memory: {file: memory.jsonl}\n  datasets:\n"
        f"    open: {{kind: questions, local: data.jsonl{extra}}}\n"
        f"    {TALK}\nsft: {{mixes: {{all: {{shares: {{en: 1.0}}}}}}}}\n"
    )


def test_turns_and_references_are_translated_in_their_places(
    write_recipe: Callable[..., Path], run_steps: RunSteps, tmp_path: Path
) -> None:
    counts = run_steps(write_recipe(text=recipe_of(tmp_path, *ROWS)))["translate/open"]
    assert (counts["accepted"], counts["rejected"]) == (2, {"not-in-memory": 1})
    folder = tmp_path / "translate" / "open"
    assert read_records("questions", folder / "accepted.jsonl") == [
        Question("open/00000", "fi", 81, "writing", ("Kerro kissasta.", "Lyhyemmin.")),
        Question("open/00001", "fi", 82, "maths", ("Paljonko on 2 + 2?", "Lyhyemmin."), ("Se on neljä.", "")),
    ]
    (rejected,) = (row for _, row in read_jsonl(folder / "rejected.jsonl"))
    assert (rejected["id"], rejected["where"]) == ("open/00002", "turns[1]")
    places = [row["where"] for _, row in read_jsonl(folder / "translations.jsonl") if row["id"] == "open/00001"]
    assert places == ["turns[0]", "references[0]", "turns[1]"]


def test_rows_in_their_own_language_are_read_and_not_translated(
    write_recipe: Callable[..., Path], run_steps: RunSteps, tmp_path: Path
) -> None:
    counts = run_steps(write_recipe(text=recipe_of(tmp_path, *ROWS, extra=", language: fi")))
    assert "translate/open" not in counts and counts["source/open"]["records"] == 3
    rows = read_records("questions", tmp_path / "source" / "open" / "rows.jsonl")
    assert [row.language for row in rows] == ["fi"] * 3


def test_every_text_stands_behind_what_it_answers_or_follows() -> None:
    question = Question("open/00000", "en", 1, "maths", ("One?", "Two?"), ("", "Three."))
    texts = list(_texts_of(question, (), "translate"))
    assert [(text.where, text.source) for text in texts] == [
        ("turns[0]", "One?"), ("turns[1]", "Two?"), ("references[1]", "Three."),
    ]  # fmt: skip
    translations = {"turns[0]": "Yksi?", "turns[1]": "Kaksi?", "references[1]": "Kolme."}
    assert rebuild(Work(question), "fi", translations) == Question(
        "open/00000", "fi", 1, "maths", ("Yksi?", "Kaksi?"), ("", "Kolme.")
    )


def test_questions_whose_task_a_translation_would_change_are_told(shared_data: Path) -> None:
    """MT-Bench asks for limericks, for sentences that begin with A, for an English text to be mended."""
    file = shared_data / "mt_bench_fi" / "question.jsonl"
    rules = actions(read_rules("en"), {})
    planning = Planning(Direction(language("en"), language("fi")), None, None, rules)  # type: ignore[arg-type]
    found = {
        question.key: change.rule
        for question in read_rows("questions", Source(str(file), list(read_jsonl(file)), "en"))
        if isinstance(question, Question) and (change := _change(question, planning)) is not None
    }
    assert {81: "letters", 83: "rhyme", 95: "translation"}.items() <= found.items()
    assert len(found) <= 12, "most of the benchmark can be translated"


@pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
def test_the_pocket_model_translates_questions(
    write_recipe: Callable[..., Path], run_steps: RunSteps, tmp_path: Path
) -> None:
    recipe = write_recipe(text=pocket_recipe("open: {kind: questions, pocket: questions, rows: 8}", TALK))
    counts = run_steps(recipe)["translate/open"]
    assert counts["accepted"] >= 6, counts
    source, target = (
        {row.id: row for row in read_records("questions", tmp_path / f"{name}.jsonl") if isinstance(row, Question)}
        for name in ("source/open/rows", "translate/open/accepted")
    )
    for name, row in target.items():
        assert (row.key, row.category, len(row.turns)) == (
            source[name].key,
            source[name].category,
            len(source[name].turns),
        )
        assert row.language == "fi" and row.turns != source[name].turns
