"""`kielo step`: the frozen recipe's steps, shards, and trainings in parts; two processes never make one step."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import gethostname

import pytest

from align import sft
from align.training.stopping import STOP, Stopped
from kielo.cluster import step as verb
from kielo.cluster.frozen import freeze, thaw
from kielo.cluster.jobs.job import Task
from kielo.cluster.machine_engines import Servers, on_machine
from kielo.cluster.profiles.parts import Engine as EngineOfMachine
from kielo.cluster.profiles.reading import load_profile
from kielo.cluster.queue import manifest
from kielo.cluster.queue.checkout import Code
from kielo.cluster.queue.manifest import Entry, Submission
from kielo.errors import RunFolderError, UsageError
from kielo.models import POCKET
from kielo.plan import make_plan
from kielo.provenance import canonical
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder
from kielo.schema import Engine
from tests.conftest import ROOT

needs_pocket_model = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
RECIPE = """\
language: fi
model: pocket
translate:
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 12}
    helpsteer2: {kind: preferences, pocket: helpsteer2, rows: 8}
sft:
  trainer: {global_batch_size: 8, max_steps: 60, save_steps: 5}
  mixes:
    en: {shares: {en: 1.0}}
dpo:
  start: sft/en
  runs:
    english: {data: {helpsteer2: [en]}}
"""


def make(run: RunFolder, *arguments: str) -> None:
    """Run the verb in this process."""
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    verb.run(parser.parse_args([str(run.path), *arguments]))


def submitted(folder: Path, text: str = RECIPE, profile: str = "loopback") -> RunFolder:
    """Freeze a recipe in a run folder, as submitting it does."""
    (folder / "small.yaml").write_text(text, "utf-8")
    run = RunFolder(folder / "run")
    freeze(load(folder / "small.yaml"), None, load_profile(profile), run)
    return run


@pytest.fixture
def tokens(tmp_path: Path) -> RunFolder:
    """A run whose tokens are made, so that its supervised training can begin."""
    run = submitted(tmp_path)
    make(run, "source/oasst2", "mix/en", "tokens/sft/en")
    return run


@contextmanager
def another_process(code: str, *arguments: str) -> Iterator[int]:
    """Run Python that prints a line when it is ready and then waits; gives its process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout is not None and process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.communicate()


RELATIVE = (
    ("model: pocket", "model: ./base\nchat_template: ours.jinja"),
    ("rows: 12}", "rows: 12, engine: {kind: vllm-server, servers: 3, command: [python3]}}"),
)


@pytest.mark.parametrize("name", ["pocket", "pocket-quick", "fi-poro-34b", "paths relative to the recipe"])
def test_jobs_make_the_steps_that_the_recipe_says(name: str, tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    file = ROOT / "recipes" / f"{name}.yaml"
    if not file.is_file():
        (tmp_path / "base").symlink_to(POCKET)
        (tmp_path / "ours.jinja").write_text((ROOT / "recipes/chat_templates/chatml.jinja").read_text())
        file = write_recipe(*RELATIVE, text=RECIPE)
    recipe, run = load(file), RunFolder(tmp_path / "run")
    freeze(recipe, 7, load_profile("loopback"), run)
    thawed, plan = thaw(run)
    assert [spelled(step) for step in plan] == [spelled(step) for step in make_plan(recipe, 7)]
    assert thawed.model_dump(mode="json") == recipe.model_dump(mode="json"), "claiming the folder must change nothing"


def spelled(step: object) -> str:
    assert dataclasses.is_dataclass(step) and not isinstance(step, type)
    return canonical(dataclasses.asdict(step))


def test_steps_are_made_in_order_and_once(tmp_path: Path) -> None:
    run = submitted(tmp_path)
    with pytest.raises(RunFolderError, match="needs source/oasst2, which is not complete"):
        make(run, "mix/en")
    make(run, "source/oasst2", "mix/en")
    record = (run.folder("mix/en") / "step.json").stat().st_mtime_ns
    (tmp_path / "small.yaml").write_text("changed after it was submitted")
    make(run, "mix/en", "source/oasst2")
    assert (run.folder("mix/en") / "step.json").stat().st_mtime_ns == record


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mix/fi",), "no step 'mix/fi' in this plan; did you mean 'mix/en'"),
        (("mix/en", "--shard", "1/2"), "only translations"),
        (("translate/oasst2", "--shard", "3/2"), "'3/2' is no shard"),
        (("mix/en", "--part", "prepare"), "--part prepare: give one training"),
        (("sft/en", "dpo/english", "--part", "collect"), "--part collect: give one training"),
    ],
)
def test_arguments_that_do_not_fit(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        make(submitted(tmp_path), *arguments)
    assert not (tmp_path / "run" / "mix").exists()


def test_nothing_was_submitted(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no jobs were submitted"):
        make(RunFolder(tmp_path), "mix/en")


@needs_pocket_model
def test_a_complete_shard_returns_at_once_and_the_merge_asks_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submitted(tmp_path, RECIPE.replace("rows: 12", "rows: 4"))
    with pytest.raises(RunFolderError, match="needs source/oasst2"):
        make(run, "translate/oasst2", "--shard", "1/2")
    make(run, "source/oasst2")
    for shard in ("2/2", "1/2"):
        make(run, "translate/oasst2", "--shard", shard)
    monkeypatch.setattr("kielo.generation.engines.open_generator", None)
    monkeypatch.setattr("translate.stage.run_shard", None)
    make(run, "translate/oasst2", "--shard", "1/2")
    monkeypatch.undo()
    monkeypatch.setattr("kielo.generation.engines.open_generator", None)
    make(run, "translate/oasst2")
    assert run.record("translate/oasst2")["counts"]["shards"] == 2  # type: ignore[index]


def test_a_training_in_parts(tokens: RunFolder) -> None:
    folder = tokens.folder("sft/en")
    with pytest.raises(RunFolderError, match="nothing was prepared here"):
        make(tokens, "sft/en", "--part", "collect")
    folder.mkdir(parents=True)
    (folder / STOP).touch()
    make(tokens, "sft/en", "--part", "prepare")
    assert not (folder / STOP).exists(), "it was meant for an earlier start"
    with pytest.raises(RunFolderError, match="no finished training of its job.json"):
        make(tokens, "sft/en", "--part", "collect")
    (folder / STOP).touch()
    with pytest.raises(Stopped):
        make(tokens, "sft/en", "--part", "collect")
    (folder / STOP).unlink()
    sft.train(shortened(folder / "job.json"))
    make(tokens, "sft/en", "--part", "collect")
    record = tokens.record("sft/en")
    assert record is not None and record["counts"]["steps"] == 3 and 0 < record["wall_seconds"] < 600
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for part in ("prepare", "collect"):
        make(tokens, "sft/en", "--part", part)
    make(tokens, "sft/en")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def shortened(job: Path, steps: int = 3) -> Path:
    """Cut a prepared training short."""
    values = json.loads(job.read_text())
    values["trainer"]["max_steps"] = steps
    job.write_text(json.dumps(values))
    return job


def test_changed_inputs_are_not_collected(tokens: RunFolder) -> None:
    make(tokens, "sft/en", "--part", "prepare")
    sft.train(shortened(tokens.folder("sft/en") / "job.json", 1))
    record = tokens.folder("tokens/sft/en") / "step.json"
    values = json.loads(record.read_text())
    record.write_text(json.dumps({**values, "outputs": {**values["outputs"], "more": "0"}}))
    with pytest.raises(RunFolderError, match=r"inputs.tokens/sft/en"):
        make(tokens, "sft/en", "--part", "collect")


HOLDS_LEASE = "import sys; from pathlib import Path; from align.training.launch import lease\nwith lease(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def test_a_training_under_way_elsewhere_is_left_alone(tokens: RunFolder) -> None:
    make(tokens, "sft/en", "--part", "prepare")
    job = tokens.folder("sft/en") / "job.json"
    begun = (job.parent / "begun.json").read_bytes()
    with another_process(HOLDS_LEASE, str(job.parent)) as holder:
        for attempt in (
            lambda: make(tokens, "sft/en", "--part", "prepare"),
            lambda: make(tokens, "sft/en", "--part", "collect"),
            lambda: make(tokens, "sft/en"),
            lambda: sft.train(job),
        ):
            with pytest.raises(RunFolderError, match=f"process {holder} works on this step"):
                attempt()
    assert (job.parent / "begun.json").read_bytes() == begun
    make(tokens, "sft/en", "--part", "prepare")


def test_a_step_under_way_elsewhere_cannot_be_prepared(tokens: RunFolder) -> None:
    code = "import sys; from pathlib import Path; from kielo.run_folder import RunFolder\nwith RunFolder(Path(sys.argv[1])).lock('sft/en'): print('held', flush=True); sys.stdin.read()"
    with another_process(code, str(tokens.path)) as holder:
        with pytest.raises(RunFolderError, match=f"process {holder} works on this step"):
            make(tokens, "sft/en", "--part", "prepare")
    assert not tokens.folder("sft/en").exists()


LOCKS = {
    "a training's step": ("sft/en", ("sft/en", "--part", "prepare")),
    "a training that runs": ("sft/en.training", ("sft/en", "--part", "prepare")),
    "a step": ("tokens/dpo/english", ("tokens/dpo/english",)),
    "a shard": ("translate/oasst2.1-of-2", ("translate/oasst2", "--shard", "1/2")),
}
HOLDS_LOCK = "import sys; from pathlib import Path; from kielo.run_folder import RunFolder\nwith RunFolder(Path(sys.argv[1])).lock(sys.argv[2]): print('held', flush=True); sys.stdin.read()"


@pytest.mark.parametrize("of", LOCKS)
def test_a_job_waits_for_the_lock_of_a_node_that_died(
    of: str, tokens: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock, arguments = LOCKS[of]
    make(tokens, "source/helpsteer2")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr("translate.stage.run_shard", lambda *_: None)
    with another_process(HOLDS_LOCK, str(tokens.path), lock) as holder:
        looks: list[float] = []

        def look_again(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 3:
                os.kill(holder, signal.SIGKILL)

        monkeypatch.setattr("kielo.run_folder.sleep", look_again)
        capsys.readouterr()
        make(tokens, *arguments)
    said = capsys.readouterr().err
    assert len(looks) >= 3
    assert (
        said.count(f"process {holder} works on this step (on {gethostname()}), or its node died; waiting up to 300 s")
        == 1
    )


def test_a_job_does_not_wait_for_ever_and_a_training_waits_too(
    tokens: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr("kielo.run_folder._JOB_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr("kielo.run_folder._LOOK_SECONDS", 0.01)
    make(tokens, "sft/en", "--part", "prepare")
    folder = tokens.folder("sft/en")
    with another_process(HOLDS_LEASE, str(folder)) as holder:
        for attempt in (lambda: make(tokens, "sft/en", "--part", "prepare"), lambda: sft.train(folder / "job.json")):
            with pytest.raises(RunFolderError, match=f"process {holder} works on this step .*; wait for it or end it"):
                attempt()
            assert capsys.readouterr().err.count("waiting up to 0 s") == 1


def test_a_job_says_once_that_it_runs_other_code_than_it_was_queued_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = submitted(tmp_path)
    source = Entry("source", "1.sbatch", "cpu", "small-g", ((Task("source/oasst2"),), (Task("source/helpsteer2"),)))
    queued = Submission("12", None, "then", code=Code("a" * 40, ""))
    manifest.write(run, manifest.Manifest("cafe", "r", "p", (replace(source, submissions=(queued,)),)))
    monkeypatch.setenv("SLURM_JOB_ID", "15")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    for state, says in (
        ({"commit": "a" * 40, "changes": ""}, None),
        ({"commit": "b" * 40, "changes": ""}, "(commit aaaaaaaa -> bbbbbbbb)"),
        ({"commit": "a" * 40, "changes": "0123"}, "(other uncommitted changes to commit aaaaaaaa)"),
        ({"commit": "unknown", "changes": "unknown"}, None),
    ):
        monkeypatch.setattr("kielo.cluster.queue.checkout.code_state", lambda state=state: state)
        make(run, "source/oasst2", "source/helpsteer2")
        said = capsys.readouterr().err
        assert said.count("warning: Kielo's checkout has changed") == (says is not None) and (says or "") in said
    (run.path / "jobs" / "manifest.json").write_text("cut off", "utf-8")
    make(run, "source/oasst2")
    assert "manifest.json: damaged" in capsys.readouterr().err


def test_job_options_change_how_engines_run_and_no_result(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    engines = "[{kind: vllm-server, servers: 3, command: [python3]}, {kind: openai, urls: ['http://a/v1'], model: other/model}]"
    more = "eval: {engine: {kind: vllm-server}}\n"
    recipe = load(write_recipe(("rows: 12}", f"rows: 12, engine: {engines}}}"), text=RECIPE + more))
    here = on_machine(recipe, Servers(4, 2, EngineOfMachine(command=("singularity",), extra_args=("--x",))))
    (first, second), evaluate = here.translate.engines(here.translate.datasets["oasst2"]), here.eval.engine
    assert (first.servers, first.tensor_parallel, first.command, first.extra_args) == (4, 2, ("python3",), ("--x",))
    assert second == Engine(kind="openai", urls=("http://a/v1",), model="other/model")
    assert (evaluate.servers, evaluate.tensor_parallel, evaluate.command) == (4, 2, ("singularity",))
    assert [spelled(step) for step in make_plan(here)] == [spelled(step) for step in make_plan(recipe)]
