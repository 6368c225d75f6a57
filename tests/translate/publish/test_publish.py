"""Data sets as they are published: loaded again by `datasets`, described by a card that the Hub's own parser reads."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kielo.errors import KieloError, UsageError
from kielo.records import read_jsonl, write_jsonl
from kielo.sharing.folder import MARK
from kielo.sharing.opened import recipe_of
from kielo.verbs import publish
from kielo.verbs.lazy import Tool

Publish = Callable[..., str]


@pytest.fixture
def run_publish(capsys: pytest.CaptureFixture[str]) -> Publish:
    """Run the verb as the command line does; gives what it printed."""

    def call(*given: object) -> str:
        publish.run(Tool("kielo.verbs.publish", "publish").parse("kielo publish", list(map(str, given))))
        return capsys.readouterr().out

    return call


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(file)]


def loaded(folder: Path, config: str, cache: Path) -> list[dict[str, Any]]:
    from datasets import load_dataset

    return load_dataset(str(folder), config, split="train", cache_dir=str(cache)).to_list()


def without_nulls(value: Any) -> Any:
    """Take out what Parquet puts where a row has no such argument."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def test_conversations_come_back_as_they_were(real_run, run_publish, tmp_path) -> None:
    said = run_publish(real_run, "oasst1", "--to", tmp_path / "out", "--mask", "none")
    assert "licence: Apache-2.0 with DeepL's clause" in said
    accepted = rows_of(real_run / "translate/oasst1/accepted.jsonl")
    given = {
        "en": rows_of(real_run / "source/oasst1/rows.jsonl"),
        "fi": [row for row in accepted if row["language"] == "fi"],
    }
    for language, rows in given.items():
        expected = [{"id": row["id"], "messages": row["messages"]} for row in rows]
        assert loaded(tmp_path / "out", language, tmp_path / "cache") == expected
        assert rows_of(tmp_path / f"out/jsonl/{language}/train.jsonl") == expected


def test_preferences_are_what_trl_reads(real_run, run_publish, tmp_path) -> None:
    run_publish(real_run, "ranked", "--to", tmp_path / "out", "--mask", "none")
    rows = loaded(tmp_path / "out", "fi", tmp_path / "cache")
    records = rows_of(real_run / "translate/ranked/accepted.jsonl")
    assert [(row["prompt"], row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows] == [
        (record["prompt"], record["chosen"], record["rejected"]) for record in records if record["language"] == "fi"
    ]
    assert {turn["role"] for row in rows for turn in (*row["chosen"], *row["rejected"])} == {"assistant"}


def test_ifeval_rows_are_googles(real_run, run_publish, shared_data, tmp_path) -> None:
    run_publish(real_run, "ifeval", "--to", tmp_path / "out", "--mask", "none")
    given = rows_of(shared_data / "ifeval/input_data.jsonl")[:150]
    rows = loaded(tmp_path / "out", "en", tmp_path / "cache")
    assert without_nulls(rows) == without_nulls(given)
    assert len(rows[0]["kwargs"][0]) == 24, "the columns of google/IFEval, whatever the rows hold"


@pytest.mark.parametrize(
    ("name", "columns"),
    [("sentences", {"id", "source", "target"}), ("questions", {"id", "question_id", "category", "turns", "reference"})],
)
def test_the_other_kinds_have_their_columns(real_run, run_publish, tmp_path, name, columns) -> None:
    run_publish(real_run, name, "--to", tmp_path / "out")
    rows = loaded(tmp_path / "out", "en", tmp_path / "cache")
    assert (len(rows), set(rows[0])) == (3, columns)
    assert rows == rows_of(tmp_path / "out/jsonl/en/train.jsonl")


def test_the_card_is_read_by_the_hubs_own_parser(real_run, run_publish, tmp_path) -> None:
    from huggingface_hub import DatasetCard

    run_publish(real_run, "oasst1", "--to", tmp_path / "out")
    card = DatasetCard.load(tmp_path / "out/README.md")
    told = card.data.to_dict()
    assert told["language"] == ["en", "fi"]
    assert (told["license"], told["license_name"], told["license_link"]) == (
        "other",
        "apache-2.0-with-deepl",
        "LICENSE.md",
    )
    assert (told["size_categories"], told["task_categories"]) == (["n<1K"], ["text-generation"])
    assert [(each["config_name"], each.get("default", False)) for each in told["configs"]] == [
        ("en", False),
        ("fi", True),
    ]
    assert "DeepL" in (tmp_path / "out/LICENSE.md").read_text("utf-8")
    record = json.loads((real_run / "translate/oasst1/step.json").read_text("utf-8"))
    reasons = record["counts"]["rejected"]
    for said in (
        "made by DeepL", f"{record['counts']['accepted']:,}", record["fingerprint"][:16], "98.1%", "## The worst that was accepted",
        "kielo translate real.yaml --limit 150", "only the first 150 records", "@inproceedings", *(f"{reason} {number}" for reason, number in reasons.items()),
    ):  # fmt: skip
        assert said in card.text, said


def test_a_dry_run_shows_everything_and_writes_nothing(real_run, run_publish, tmp_path) -> None:
    said = run_publish(real_run, "oasst1", "--to", tmp_path / "out", "--dry-run", "--hub", "group/oasst1-fi")
    for part in (
        "PUBLIC",
        "data/fi/train-00000-of-00001.parquet",
        "## Licence",
        "personal data:",
        "nothing left this machine",
    ):
        assert part in said
    assert not (tmp_path / "out").exists()
    assert not (real_run / "publish").exists()


def test_publishing_again_gives_the_same_bytes_and_other_folders_are_left_alone(
    real_run, run_publish, tmp_path
) -> None:
    def files() -> Iterator[tuple[str, bytes]]:
        paths = (path for path in sorted((tmp_path / "out").rglob("*")) if path.is_file())
        return ((path.name, path.read_bytes()) for path in paths)

    run_publish(real_run, "oasst1", "--to", tmp_path / "out")
    before = list(files())
    run_publish(real_run, "oasst1", "--to", tmp_path / "out")
    assert list(files()) == before
    with pytest.raises(UsageError, match="'real: oasst1' was published there"):
        run_publish(real_run, "ranked", "--to", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="holds other files"):
        run_publish(real_run, "oasst1", "--to", tmp_path / "mine")


def test_a_killed_publication_goes_on_and_two_at_once_are_refused(real_run, run_publish, tmp_path, monkeypatch) -> None:
    from kielo.sharing import folder

    run_publish(real_run, "ifeval", "--to", tmp_path / "out")
    replace = os.replace

    def dies_at_the_card(source: Path, target: Path) -> None:
        if target == tmp_path / "out/README.md":
            raise InterruptedError
        replace(source, target)

    with monkeypatch.context() as patched, pytest.raises(InterruptedError):
        patched.setattr(os, "replace", dies_at_the_card)
        run_publish(real_run, "ifeval", "--to", tmp_path / "out")
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part/left.parquet").write_bytes(b"half")
    run_publish(real_run, "ifeval", "--to", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with folder.aside(tmp_path / "out"), pytest.raises(UsageError, match="another process publishes"):
        run_publish(real_run, "ifeval", "--to", tmp_path / "out")


def test_a_card_that_was_edited_is_not_written_over(real_run, run_publish, tmp_path) -> None:
    run_publish(real_run, "ifeval", "--to", tmp_path / "out")
    (tmp_path / "out/README.md").write_text("# Mine\n", "utf-8")
    with pytest.raises(UsageError, match=r"README\.md: it was changed"):
        run_publish(real_run, "ifeval", "--to", tmp_path / "out")
    assert (tmp_path / "out/README.md").read_text("utf-8") == "# Mine\n"


def test_a_recipe_that_says_other_than_the_run_is_refused(real_run, run_publish, tmp_path) -> None:
    written = (real_run.parent.parent / "real.yaml").read_text("utf-8")
    changed = tmp_path / "real.yaml"
    changed.write_text(written.replace("engine: null", "engine: null\n  checks: strict"), "utf-8")
    with pytest.raises(
        UsageError, match=r"translate/oasst1 was made with other settings .*checks: \"default\" -> \"strict\""
    ):
        run_publish(changed, "oasst1", "--run", real_run, "--to", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_place_of_the_machine_is_told(real_run, run_publish, tmp_path, shared_data) -> None:
    run_publish(real_run, "oasst1", "--to", tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert str(shared_data).encode() not in path.read_bytes(), path
            assert str(real_run.parent).encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["oast1"], "did you mean 'oasst1'"),
        (["unmarked"], "its licence is unknown; write `licence:` into the recipe"),
        ([], "name either a data set"),
        (["oasst1", "--model", "sft/all"], "name either a data set"),
        (["--model", "sft/all"], "no training of it is finished"),
        (["oasst1", "--private"], "--private is of repositories"),
        (["oasst1", "--hub", "no-owner"], "owner/name"),
        (["oasst1", "--mask", "faces"], "'faces' is no kind"),
        (["oasst1", "--allow-licence", " "], "needs the reason"),
        (["oasst1", "--allow-licence", "why not"], "licence is settled"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(real_run, run_publish, given, said) -> None:
    with pytest.raises(KieloError, match=re.escape(said)):
        run_publish(real_run, *given)
    assert not (real_run / "publish").exists()


def test_an_unknown_licence_is_published_with_a_reason_or_with_the_recipe_mended(
    real_run, run_publish, tmp_path
) -> None:
    run_publish(real_run, "unmarked", "--to", tmp_path / "reason", "--allow-licence", "Google says so")
    front = (tmp_path / "reason/README.md").read_text("utf-8").split("---\n")[1]
    assert yaml.safe_load(front)["license_name"] == "not-settled"
    recipe = real_run.parent.parent / "real.yaml"
    written = recipe.read_text("utf-8")
    mended = tmp_path / "real.yaml"
    mended.write_text(re.sub(r"(unmarked: .*translate: false)", r"\1, licence: CC-BY-SA-4.0", written), "utf-8")
    run_publish(mended, "unmarked", "--run", real_run, "--to", tmp_path / "mended")
    front = (tmp_path / "mended/README.md").read_text("utf-8").split("---\n")[1]
    assert yaml.safe_load(front)["license"] == "cc-by-sa-4.0"


@pytest.fixture
def hostile_run(write_recipe, tmp_path: Path) -> Path:
    """A run whose one data set holds rows that try to steer Markdown, YAML and terminals, and personal data."""
    rows = [
        {"messages": [
            {"role": "user", "content": "---\nlicense: mit\n---\n````\n<script>alert(1)</script> | [x](http://x) \x1b[31m"},
            {"role": "assistant", "content": "Write to maija@posti.fi or +358 40 741 2983."},
        ]}
    ]  # fmt: skip
    write_jsonl(tmp_path / "rows.jsonl", rows)
    text = """\
language: fi
model: pocket
description: "# Best | data\\n---\\n<b>set</b>"
translate:
  datasets:
    chat: {kind: conversations, local: rows.jsonl, translate: false, licence: MIT}
sft: {mixes: {all: {shares: {en: 1.0}}}}
"""
    from kielo.execute import Job, execute
    from kielo.plan import make_plan, needed_for
    from kielo.recipe.reading import load
    from kielo.run_folder import RunFolder

    recipe = load(write_recipe(text=text))
    run = RunFolder(tmp_path / "runs/small")
    execute(recipe, run, Job(tuple(needed_for(make_plan(recipe), ("source",))), frozenset(), None))
    return run.path


def test_rows_cannot_steer_the_card_and_personal_data_are_masked_everywhere(hostile_run, run_publish, tmp_path) -> None:
    from huggingface_hub import DatasetCard
    from markdown_it import MarkdownIt

    said = run_publish(hostile_run, "chat", "--to", tmp_path / "out", "--dry-run")
    assert "personal data: emails: 1 in 1 rows, masked as <EMAIL>: chat/00000 (en)" in said
    assert "\x1b" not in said
    run_publish(hostile_run, "chat", "--to", tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert b"maija" not in path.read_bytes(), path
            assert b"741 2983" not in path.read_bytes(), path
    card = DatasetCard.load(tmp_path / "out/README.md")
    assert card.data.to_dict()["license"] == "mit"
    html = MarkdownIt().enable("table").render(card.text)
    assert "<script" not in html
    assert "<b>" not in html
    assert "http://x" not in re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)


def test_a_data_set_without_rows_is_refused(hostile_run, run_publish, tmp_path) -> None:
    record = hostile_run / "source/chat/step.json"
    told = json.loads(record.read_text("utf-8"))
    (hostile_run / "source/chat/rows.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="changed after its step was complete"):
        run_publish(hostile_run, "chat", "--to", tmp_path / "out")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    told |= {"outputs": {"rows.jsonl": empty}, "sizes": {"rows.jsonl": 0}}
    record.write_text(json.dumps(told), "utf-8")
    with pytest.raises(UsageError, match="nothing to publish"):
        run_publish(hostile_run, "chat", "--to", tmp_path / "out")
    assert not (tmp_path / "out" / MARK).exists()


def test_the_recipe_of_a_run_is_the_one_it_was_made_by(real_run) -> None:
    resolved = json.loads((real_run / "recipe.json").read_text("utf-8"))
    assert recipe_of(real_run).model_dump(mode="json") == resolved
