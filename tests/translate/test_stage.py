"""The source and translate steps on real and on pocket data: ids, reasons, files, and the same bytes twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import KieloError, SourceError
from kielo.models import POCKET
from kielo.records import read_jsonl, read_records
from tests.translate.conftest import BackwardsGenerator

RunSteps = Callable[..., dict[str, Mapping[str, Any]]]
Write = Callable[..., Path]
RECIPE = """\
language: fi
model: pocket
translate:
  engine: null
  memory: {file: MEMORY, source: text_en, target: text_fi}
  datasets:
    talks: {kind: conversations, local: MEMORY, fields: {text: text_en}, licence: Apache-2.0}
    pairs: {kind: preferences, local: MEMORY, fields: {text: text_en}}
sft: {mixes: {all: {shares: {en: 1.0}}}}
"""
needs_pocket_model = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(path)]


def test_real_conversations_and_pairs_by_memory_alone(
    oasst_file: Path, write_recipe: Write, run_steps: RunSteps, tmp_path: Path
) -> None:
    counts = run_steps(write_recipe(text=RECIPE.replace("MEMORY", str(oasst_file))), limit=188)
    print(json.dumps(counts, indent=1))
    assert counts["source/talks"]["records"] == counts["source/pairs"]["records"] == 188
    assert counts["source/talks"]["licence"] == "Apache-2.0"
    for name, least in (("talks", 0.85), ("pairs", 0.85)):
        done = counts[f"translate/{name}"]
        assert done["accepted"] >= least * (done["records"] - done["rejected"]["task-changed"])
        assert done["accepted"] + sum(done["rejected"].values()) == done["records"]
        assert done["from_memory"] == done["texts"]
        folder = tmp_path / "translate" / name
        ids = [row["id"] for row in rows(folder / "accepted.jsonl") + rows(folder / "rejected.jsonl")]
        assert sorted(ids) == [row["id"] for row in rows(tmp_path / "source" / name / "rows.jsonl")]
    (talk, *_) = read_records("conversations", tmp_path / "translate" / "talks" / "accepted.jsonl")
    assert (talk.id, talk.language) == ("talks/00000", "fi")


def test_the_same_bytes_twice(oasst_file: Path, write_recipe: Write, run_steps: RunSteps, tmp_path: Path) -> None:
    path = write_recipe(text=RECIPE.replace("MEMORY", str(oasst_file)))
    written = []
    for _ in range(2):
        run_steps(path, limit=15)
        written.append(
            {file.name: file.read_bytes() for file in sorted((tmp_path / "translate" / "talks").glob("*.jsonl"))}
        )
    assert written[0] == written[1]
    assert len(written[0]) == 4


def local_recipe(
    folder: Path, kind: str, *data: dict[str, Any], memory: dict[str, str] | None = None, extra: str = ""
) -> str:
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data), "utf-8")
    known = [{"source": source, "target": target} for source, target in (memory or {"x": "y"}).items()]
    (folder / "memory.jsonl").write_text("".join(json.dumps(row) + "\n" for row in known), "utf-8")
    return (
        f"language: fi\nmodel: pocket\ntranslate:\n  engine: null\n  memory: {{file: memory.jsonl}}\n  datasets:\n"
        f"    d: {{kind: {kind}, local: data.jsonl{extra}}}\n"
        "    talk: {kind: conversations, pocket: oasst2, translate: false, rows: 3}\nsft: {mixes: {all: {shares: {en: 1.0}}}}\n"
    )


TALK = {"messages": [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "- Good\n- Bad"}]}


def test_a_rejected_record_says_why_where_and_what(write_recipe: Write, run_steps: RunSteps, tmp_path: Path) -> None:
    other = {
        "messages": [{"role": "user", "content": "Hello there"}, {"role": "assistant", "content": "Unknown words"}]
    }
    text = local_recipe(
        tmp_path, "conversations", TALK, other, memory={"Hello there": "Hei vaan", "Good": "Hyvä", "Bad": "Paha"}
    )
    counts = run_steps(write_recipe(text=text))["translate/d"]
    assert (counts["accepted"], counts["rejected"], counts["from_memory"]) == (1, {"not-in-memory": 1}, 3)
    (accepted,), (rejected,) = (
        rows(tmp_path / "translate" / "d" / f"{name}.jsonl") for name in ("accepted", "rejected")
    )
    assert accepted["messages"][1] == {"role": "assistant", "content": "- Hyvä\n- Paha"}
    assert (rejected["id"], rejected["reason"], rejected["where"]) == ("d/00001", "not-in-memory", "messages[1]")
    assert rejected["record"]["source"]["messages"][1]["content"] == "Unknown words"


def test_nothing_accepted_is_an_error_with_the_reasons(
    write_recipe: Write, run_steps: RunSteps, tmp_path: Path
) -> None:
    with pytest.raises(KieloError, match=r"none of 1 records of d was accepted \(not-in-memory: 1\)"):
        run_steps(write_recipe(text=local_recipe(tmp_path, "conversations", TALK)))
    assert len(rows(tmp_path / "translate" / "d" / "rejected.jsonl")) == 1


def test_answers_that_became_one_are_no_pair(write_recipe: Write, run_steps: RunSteps, tmp_path: Path) -> None:
    data = [{"prompt": "Hello", "chosen": chosen, "rejected": "Bye"} for chosen in ("So long", "Good bye")]
    memory = {"Hello": "Hei", "Bye": "Heippa", "So long": "Heippa", "Good bye": "Näkemiin"}
    counts = run_steps(write_recipe(text=local_recipe(tmp_path, "preferences", *data, memory=memory)))["translate/d"]
    assert counts["rejected"] == {"identical-pair": 1}


def test_sentences_are_all_kept_and_their_failures_counted(
    write_recipe: Write, run_steps: RunSteps, tmp_path: Path
) -> None:
    same = "this is a sentence of English"
    data = [{"source": "Hello", "target": "Terve"}, {"source": same, "target": "lause"}]
    counts = run_steps(
        write_recipe(text=local_recipe(tmp_path, "sentences", *data, memory={"Hello": "Hei", same: same}))
    )["translate/d"]
    assert (counts["accepted"], counts["rejected"], counts["failed_checks"]["untranslated"]) == (2, {}, 1)
    assert rows(tmp_path / "translate" / "d" / "accepted.jsonl")[0] == {
        "id": "d/00000",
        "language": "fi",
        "source": "Hello",
        "target": "Hei",
    }


@pytest.mark.parametrize(
    ("data", "extra", "message"),
    [
        ([], "", "data.jsonl: holds no rows"),
        ([{"text": "x"}], "", "line 1: columns text are no known format of conversations"),
        ([TALK], ", fields: {messages: turns}", "line 1: no column 'turns'"),
        ([{"messages": TALK["messages"][:1]}], "", "none of 1 rows gives a record .*without an assistant turn: 1"),
    ],
)
def test_bad_sources(
    data: list[dict[str, Any]], extra: str, message: str, write_recipe: Write, run_steps: RunSteps, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=message):
        run_steps(write_recipe(text=local_recipe(tmp_path, "conversations", *data, extra=extra)))


def test_rows_by_the_hubs_library(write_recipe: Write, run_steps: RunSteps, tmp_path: Path) -> None:
    text = local_recipe(
        tmp_path, "conversations", TALK, memory={"Hello there": "Hei vaan", "- Good\n- Bad": "- Hyvä\n- Paha"}
    )
    (tmp_path / "published").mkdir()
    (tmp_path / "data.jsonl").rename(tmp_path / "published" / "train.jsonl")
    counts = run_steps(write_recipe(text=text.replace("local: data.jsonl", f"hub: {tmp_path / 'published'}")))
    assert (counts["source/d"]["records"], counts["translate/d"]["accepted"]) == (1, 1)
    with pytest.raises(SourceError, match="the Hub cannot be reached for google/IFEval .* use `local:`"):
        run_steps(write_recipe(text=text.replace("local: data.jsonl", "hub: google/IFEval")))


def test_pocket_sources_have_every_kind(write_recipe: Write, tmp_path: Path) -> None:
    from kielo.plan import Workplace, make_plan
    from kielo.recipe import reading as recipe
    from translate.rows import sources

    loaded = recipe.load(write_recipe())
    for step in make_plan(loaded, 5):
        if step.kind == "source":
            (tmp_path / step.name).mkdir(parents=True)
            counts = sources.run(Workplace(step, loaded, tmp_path / step.name, {})).counts
            assert counts["records"] == 5, step.name


def outputs(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.jsonl"))}


def test_results_do_not_depend_on_the_order_of_completions_nor_on_a_restart(
    write_recipe: Write, run_steps: RunSteps, tmp_path: Path, use_generator: Any
) -> None:
    path, folders = write_recipe(), ("oasst2", "helpsteer2", "ifeval")
    first = use_generator(BackwardsGenerator())
    counts = run_steps(path)
    assert counts["translate/ifeval"]["from_engine"] > 0
    written = [outputs(tmp_path / "translate" / name) for name in folders]
    for name in folders:
        (shard,) = (tmp_path / "translate" / name / "completions").glob("*.jsonl")
        lines = shard.read_bytes().splitlines(keepends=True)
        shard.write_bytes(b"".join(lines[: len(lines) // 2]) + b'{"key": "torn')
    second = use_generator(BackwardsGenerator(reverse=False))
    run_steps(path)
    assert [outputs(tmp_path / "translate" / name) for name in folders] == written
    assert 0.35 * first.asked < second.asked < 0.65 * first.asked


def test_truncated_completions_are_rejected_not_kept(
    write_recipe: Write, run_steps: RunSteps, use_generator: Any
) -> None:
    use_generator(BackwardsGenerator(cut=True))
    with pytest.raises(KieloError, match=r"none of 12 records of oasst2 was accepted \(truncated: 12\)"):
        run_steps(write_recipe())


@needs_pocket_model
def test_the_pocket_model_translates_and_a_second_run_asks_nothing(
    write_recipe: Write, run_steps: RunSteps, tmp_path: Path
) -> None:
    path = write_recipe()
    counts = run_steps(path, limit=2)
    print(json.dumps(counts, indent=1))
    for name in ("oasst2", "helpsteer2", "ifeval"):
        assert counts[f"translate/{name}"]["accepted"] >= 1
        assert counts[f"translate/{name}"]["from_engine"] >= 1
    folder = tmp_path / "translate" / "oasst2"
    completions = {file.name: file.read_bytes() for file in folder.glob("completions/*.jsonl")}
    accepted = (folder / "accepted.jsonl").read_bytes()
    run_steps(path, limit=2)
    assert (folder / "accepted.jsonl").read_bytes() == accepted
    assert {file.name: file.read_bytes() for file in folder.glob("completions/*.jsonl")} == completions
