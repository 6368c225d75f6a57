"""The run folder and the walk over a plan: no-op, continue, changed, redone, foreign, locked, damaged."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kielo import execute as execution
from kielo.errors import KieloError, MissingExtraError, RunFolderError, SourceError
from kielo.execute import Job, execute
from kielo.plan import Outcome, Step, make_plan, needed_for, select
from kielo.recipe.reading import load
from kielo.records import write_json
from kielo.run_folder import RunFolder

SOURCE = Step("source/a", "source", {"rows": 3})
MIX = Step("mix/m", "mix", {"share": 0.5}, ("source/a",))
REPORT = Step("report", "report", {}, ("source/a", "mix/m"), derived=True)


@pytest.fixture
def made(monkeypatch):
    """Steps write their settings into out.json; the list says which were made, in order."""
    names: list[str] = []

    def make(place):
        names.append(place.step.name)
        seen = {name: json.loads((folder / "out.json").read_text()) for name, folder in place.inputs.items()}
        write_json(place.folder / "out.json", {"settings": dict(place.step.settings), "inputs": seen})
        return Outcome(("out.json",), {"rows": 1})

    monkeypatch.setattr(execution, "step_function", lambda kind: make)
    return names


@pytest.fixture
def recipe(write_recipe):
    return load(write_recipe())


def test_a_second_run_makes_nothing(tmp_path, recipe, made):
    run = RunFolder(tmp_path / "run")
    execute(recipe, run, Job((SOURCE, MIX, REPORT)))
    execute(recipe, run, Job((SOURCE, MIX, REPORT)))
    assert made == ["source/a", "mix/m", "report"]
    record = run.record("mix/m")
    assert record["counts"] == {"rows": 1}
    assert list(record["outputs"]) == ["out.json"]


def test_a_mix_that_stopped_at_a_mistake_may_be_mended(tmp_path, recipe, monkeypatch, made):
    run, make = RunFolder(tmp_path / "run"), execution.step_function("mix")

    def refuse(place):
        if place.step.settings == {"share": 0.5}:
            raise SourceError("a share that is none")
        return make(place)

    monkeypatch.setattr(execution, "step_function", lambda kind: refuse)
    with pytest.raises(SourceError):
        execute(recipe, run, Job((SOURCE, MIX)))
    execute(recipe, run, Job((SOURCE, replace(MIX, settings={"share": 1.0}))))
    assert made == ["source/a", "mix/m"]


def test_a_changed_step_stops_before_anything_is_made_and_names_the_field(tmp_path, recipe, made):
    run = RunFolder(tmp_path / "run")
    execute(recipe, run, Job((SOURCE, MIX)))
    changed = replace(MIX, settings={"share": 0.25})
    new = Step("mix/other", "mix", {"share": 1.0}, ("source/a",))
    with pytest.raises(RunFolderError, match=r"share: 0\.5 -> 0\.25(.|\n)*--redo mix/m"):
        execute(recipe.model_copy(update={"description": "refused"}), run, Job((SOURCE, new, changed)))
    assert made == ["source/a", "mix/m"]
    assert json.loads((run.path / "recipe.json").read_text())["description"] == recipe.description
    execute(recipe, run, Job((SOURCE, new, changed), frozenset({"mix/m"})))
    assert made[2:] == ["mix/other", "mix/m"]
    assert run.standing(changed).state == "complete"


def test_redo_makes_again_what_stands_on_a_new_result_and_spares_it_on_an_equal_one(tmp_path, recipe, made):
    run = RunFolder(tmp_path / "run")
    execute(recipe, run, Job((SOURCE, MIX, REPORT)))
    execute(recipe, run, Job((SOURCE, MIX, REPORT), frozenset({"source/a"})))
    assert made[3:] == ["source/a"], "an equal result changes nothing for its followers"
    other = replace(SOURCE, settings={"rows": 4})
    execute(recipe, run, Job((other, MIX, REPORT), frozenset({"source/a"})))
    assert made[4:] == ["source/a", "mix/m", "report"]


def test_an_interrupted_step_is_begun_and_continues(tmp_path, recipe, made, monkeypatch):
    run = RunFolder(tmp_path / "run")
    good = execution.step_function("mix")

    def stopped(place):
        (place.folder / "half.txt").write_text("kept")
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "step_function", lambda kind: stopped)
    with pytest.raises(KeyboardInterrupt):
        execute(recipe, run, Job((SOURCE,)))
    assert run.standing(SOURCE).state == "begun"
    monkeypatch.setattr(execution, "step_function", lambda kind: good)
    with pytest.raises(RunFolderError, match="rows: 3 -> 9"):
        execute(recipe, run, Job((replace(SOURCE, settings={"rows": 9}),)))
    execute(recipe, run, Job((SOURCE,)))
    assert run.record("source/a")["attempts"] == 2
    assert (run.folder("source/a") / "half.txt").read_text() == "kept"


def test_making_again_keeps_completions_and_goes_on_after_a_kill(tmp_path, recipe, made, monkeypatch):
    run, good = RunFolder(tmp_path / "run"), execution.step_function("mix")
    execute(recipe, run, Job((SOURCE, MIX)))
    paid_for = run.folder("source/a") / "completions" / "0.jsonl"
    paid_for.parent.mkdir()
    paid_for.write_text("{}")
    other = replace(SOURCE, settings={"rows": 5})

    def killed(place):
        (place.folder / "half.txt").write_text("kept")
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "step_function", lambda kind: killed)
    with pytest.raises(KeyboardInterrupt):
        execute(recipe, run, Job((other, MIX), frozenset({"source/a"})))
    monkeypatch.setattr(execution, "step_function", lambda kind: good)
    execute(recipe, run, Job((other, MIX), frozenset({"source/a"})))
    assert paid_for.is_file() and (run.folder("source/a") / "half.txt").is_file()
    assert run.record("source/a")["attempts"] == 2
    assert made[2:] == ["source/a", "mix/m"], "what stands on a new result follows without being named"


def test_a_full_disk_and_a_missing_package_are_sentences(tmp_path, recipe, made, monkeypatch):
    def full(place):
        raise OSError(errno.ENOSPC, "No space left on device")

    def lacking(place):
        raise ModuleNotFoundError("No module named 'trl'", name="trl")

    monkeypatch.setattr(execution, "step_function", lambda kind: full)
    with pytest.raises(KieloError, match="no space left"):
        execute(recipe, RunFolder(tmp_path / "run"), Job((SOURCE,)))
    monkeypatch.setattr(execution, "step_function", lambda kind: lacking)
    with pytest.raises(MissingExtraError, match="needs the package trl"):
        execute(recipe, RunFolder(tmp_path / "run"), Job((SOURCE,)))


def test_missing_inputs_and_missing_outputs_are_named(tmp_path, recipe, made):
    run = RunFolder(tmp_path / "run")
    with pytest.raises(RunFolderError, match="needs source/a, which is not complete"):
        execute(recipe, run, Job((MIX,)))
    execute(recipe, run, Job((SOURCE, MIX)))
    (run.folder("source/a") / "out.json").write_text("{}")
    with pytest.raises(RunFolderError, match=r"'out\.json' was changed after .* --redo source/a"):
        execute(recipe, run, Job((SOURCE, MIX)))
    (run.folder("source/a") / "out.json").unlink()
    with pytest.raises(RunFolderError, match=r"'out\.json' is missing .* --redo source/a"):
        execute(recipe, run, Job((SOURCE, MIX)))


def test_a_folder_of_another_recipe_or_of_something_else_is_refused(tmp_path, write_recipe, recipe, made):
    run = RunFolder(tmp_path / "run")
    execute(recipe, run, Job((SOURCE,)))
    other = load(write_recipe(("model: pocket", "model: some/model"), name="other.yaml"))
    with pytest.raises(RunFolderError, match='made by another recipe .*name: "small" -> "other"'):
        execute(other, run, Job((SOURCE,)))
    with pytest.raises(RunFolderError, match="holds other files and no run of Kielo"):
        execute(recipe, RunFolder(tmp_path), Job((SOURCE,)))
    (run.path / "recipe.json").unlink()
    (run.path / ".recipe.json.part").write_text("{")
    execute(recipe, run, Job((SOURCE,)))
    assert (run.path / "recipe.json").is_file(), "the resolved recipe is written again"
    (run.path / "source/a/step.json").write_text('{"na')
    with pytest.raises(RunFolderError, match=r"step\.json: damaged .* remove this file"):
        execute(recipe, run, Job((SOURCE,)))


def test_a_malformed_benchmark_is_found_before_anything_is_tuned(tmp_path, write_recipe):
    rows = [{"key": 7, "prompt": "Say it.", "instruction_id_list": ["punctuation:no_coma"], "kwargs": [{}]}]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    recipe = load(write_recipe(("pocket: ifeval, rows: 6", "local: prompts.jsonl")))
    step = next(step for step in make_plan(recipe) if step.name == "source/ifeval")
    with pytest.raises(SourceError, match=r"key 7: .*no_coma"):
        execute(recipe, RunFolder(tmp_path / "run"), Job((step,)))


def test_two_processes_do_not_share_a_step(tmp_path, recipe, made):
    run = RunFolder(tmp_path / "run")
    code = (
        "import sys; from pathlib import Path; from kielo.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock('source/a'):\n  print('held', flush=True); sys.stdin.read()"
    )
    root = Path(__file__).resolve().parents[2]
    run.claim(recipe)
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(run.path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunFolderError, match=f"process {holder.pid} works on this step"):
            execute(recipe, run, Job((SOURCE,)))
    finally:
        holder.kill()
        holder.wait()
    execute(recipe, run, Job((SOURCE,)))
    assert made == ["source/a"]


def test_the_plan_lists_every_step_after_its_inputs(recipe):
    plan = make_plan(recipe)
    seen: set[str] = set()
    for step in plan:
        assert set(step.inputs) <= seen, step.name
        seen.add(step.name)
    names = [step.name for step in plan]
    assert len(names) == len(set(names))
    assert {"sft/en-fi-0pct", "sft/neftune", "dpo/dpo-both", "eval/dpo/dpo-both/ifeval-fi", "report"} <= set(names)
    assert [step.name for step in select(plan, ("sft", "report"))] == [
        "sft/en-fi-0pct",
        "sft/en-fi-50pct",
        "sft/en-fi-100pct",
        "sft/neftune",
        "report",
    ]
    assert not any(step.name.startswith(("sft", "eval")) for step in needed_for(plan, ("mix",)))


def test_an_edited_input_file_is_a_change(write_recipe, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"a": 1}\n')
    path = write_recipe(("pocket: oasst2, rows: 12", "local: rows.jsonl"))
    before = make_plan(load(path))[0]
    rows.write_text('{"a": 2}\n')
    assert make_plan(load(path))[0].settings != before.settings


def test_many_claim_a_folder_at_once(tmp_path, recipe):
    run = RunFolder(tmp_path / "run")
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda _: run.claim(recipe), range(64))) == [None] * 64
    assert json.loads((run.path / "recipe.json").read_text("utf-8"))["name"] == recipe.name
