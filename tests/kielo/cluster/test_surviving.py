"""What cuts a run short on a cluster, on the real Slurm with real steps: all is complete after one `kielo resubmit` or none, nothing is made twice."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from kielo.cluster import resubmit
from kielo.execute import Job, execute
from kielo.models import POCKET
from kielo.recipe.reading import load
from kielo.verbs import submit
from tests.kielo.cluster.slurm_on_loopback import Slurm, until
from tests.kielo.cluster.submitted_run import SubmittedRun

pytestmark = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
TRANSLATION = """\
language: fi
model: pocket
translate:
  engine: {kind: hf, batch_tokens: 1024}
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 80}
sft:
  mixes: {all: {shares: {fi: 1.0}}}
"""
TRAINING = """\
language: fi
model: pocket
translate:
  datasets:
    oasst2: {kind: conversations, pocket: oasst2, rows: 12, translate: false}
    ifeval: {kind: ifeval, pocket: ifeval, rows: 2, language: fi}
sft:
  trainer: {max_steps: 40, global_batch_size: 4, save_steps: 4, logging_steps: 1}
  mixes: {english: {shares: {en: 1.0}}}
eval:
  ifeval: {languages: [fi], max_tokens: 8}
"""
STEPS = 40
DATA = ("--only", "source", "--only", "translate")
SFT = ("--only", "sft")
ON_ONE_NODE = ("--set", "jobs.train.nodes=1")
SECONDS = 180


@pytest.fixture
def translation(tmp_path: Path) -> SubmittedRun:
    (tmp_path / "cut-short.yaml").write_text(TRANSLATION, "utf-8")
    return SubmittedRun(tmp_path, tmp_path / "cut-short.yaml")


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> SubmittedRun:
    """A run that has come as far as its tokens."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "cut-short.yaml").write_text(TRAINING, "utf-8")
    made = SubmittedRun(folder, folder / "cut-short.yaml")
    steps = tuple(step for step in made.plan if step.kind in ("source", "mix", "tokens"))
    execute(load(made.recipe), made.run, Job(steps))
    return made


@pytest.fixture
def training(tokens: SubmittedRun, tmp_path: Path) -> SubmittedRun:
    """A copy of that run, of which the training is next."""
    shutil.copytree(tokens.folder, tmp_path, dirs_exist_ok=True)
    return SubmittedRun(tmp_path, tmp_path / "cut-short.yaml")


def completions(of: SubmittedRun) -> list[str]:
    """List the keys of all completions."""
    return [str(row["key"]) for row in of.rows("translate/oasst2/completions/*.jsonl")]


def in_mid_translation(of: SubmittedRun, shards: int) -> bool | None:
    """Tell whether as many processes as there are shards have stored some completions; None: not yet."""
    place = of.run.folder("translate/oasst2")
    return len([path for path in place.glob("completions/*.jsonl") if path.stat().st_size > 2000]) == shards or None


def test_a_node_that_dies_in_mid_translation(translation: SubmittedRun, slurm: Slurm) -> None:
    translation.call(submit, "--profile", "loopback", "--set", "jobs.translate.shards=1", *DATA)
    job = translation.newest("translate-oasst2")
    assert until(lambda: in_mid_translation(translation, 1), SECONDS), translation.logs()
    node = slurm.call("squeue", "-h", "-j", job, "-o", "%N")
    slurm.kill_node(node)
    try:
        before = completions(translation)
        assert "translate/oasst2" in translation.incomplete(), "the node died too late"
        slurm.wait_for(translation.ids, SECONDS)
    finally:
        slurm.restart_node(node)
    assert "translate/oasst2" not in translation.incomplete(), translation.logs()
    after = completions(translation)
    assert after[: len(before)] == before and len(after) == len(set(after)), "no completion was made twice"
    assert translation.run.record("translate/oasst2")["attempts"] == 2  # type: ignore[index]


def test_a_shard_that_fails(translation: SubmittedRun, slurm: Slurm) -> None:
    translation.call(submit, "--profile", "loopback", *DATA)
    shards, merge = translation.newest("translate-oasst2"), translation.newest("merge")
    assert until(lambda: in_mid_translation(translation, 2), SECONDS), translation.logs()
    process = (translation.run.path / ".locks/translate--oasst2.2-of-2").read_text("utf-8").split()[0]
    os.kill(int(process), signal.SIGKILL)  # as if memory were full
    states = slurm.wait_for(translation.ids, SECONDS)
    assert states[f"{shards}_0"] == "COMPLETED" and states[f"{shards}_1"] == "FAILED" and states[merge] == "CANCELLED"
    assert "translate/oasst2 2/2: ended with exit code 137" in translation.logs()
    before = completions(translation)

    translation.call(resubmit)
    assert translation.manifest.job("translate-oasst2").submissions[-1].elements == (1,)
    slurm.wait_for(translation.ids, SECONDS)
    assert "translate/oasst2" not in translation.incomplete(), translation.logs()
    made = completions(translation)
    later = made.copy()
    for key in before:
        later.remove(key)
    assert later and not set(later) & set(before) and len(later) == len(set(later)), "no completion was made twice"
    assert translation.run.record("translate/oasst2")["counts"]["shards"] == 2  # type: ignore[index]


def in_mid_training(of: SubmittedRun) -> str:
    """Wait until a training has a checkpoint and is not at its end; gives its job's number."""
    folder = of.run.folder("sft/english")
    found = until(lambda: next(folder.glob("checkpoints/*/complete.json"), None), SECONDS)
    assert found and not (folder / "training.json").exists(), of.logs()
    return of.newest("sft")


def restarted(slurm: Slurm, job: str) -> bool | None:
    return "Restarts=1 " in slurm.call("scontrol", "show", "job", "-o", job) or None


def assert_trained_once(of: SubmittedRun, processes: int = 1) -> None:
    record = of.run.record("sft/english")
    assert record is not None, of.logs()
    assert record["attempts"] == 2 and record["counts"]["resumed_from_step"] >= 4, record
    assert record["counts"]["processes"] == processes and record["counts"]["steps"] == STEPS
    assert [row["step"] for row in of.rows("sft/english/metrics.jsonl")] == list(range(1, STEPS + 1))
    assert not (of.run.folder("sft/english") / "STOP").exists()


def test_a_training_that_somebody_cancels(training: SubmittedRun, slurm: Slurm) -> None:
    training.call(submit, "--profile", "loopback", *ON_ONE_NODE)
    job = in_mid_training(training)
    slurm.call("scancel", job)
    states = slurm.wait_for(training.ids, SECONDS)
    assert set(states.values()) == {"CANCELLED"} and len(states) == 3, "what waited for it does not stay pending"
    training.call(resubmit)
    slurm.wait_for(training.ids, SECONDS)
    assert not training.incomplete(), training.logs()
    assert_trained_once(training)


def test_a_training_whose_time_is_up(training: SubmittedRun, slurm: Slurm) -> None:
    training.call(submit, "--profile", "loopback", "--set", "requeue.signal_seconds=100")
    job = in_mid_training(training)
    # Slurm looks at time limits every 30 s, and this training is not that long: it is held meanwhile
    slurm.call("scancel", "--signal=STOP", f"{job}.1")
    minutes_run = int(slurm.call("squeue", "-h", "-j", job, "-o", "%M").split(":")[0])
    slurm.call("scontrol", "update", f"JobId={job}", f"TimeLimit={minutes_run + 2}")
    asked = until(lambda: (training.run.folder("sft/english") / "STOP").exists() or None, SECONDS)
    slurm.call("scancel", "--signal=CONT", f"{job}.1")
    assert asked and until(lambda: restarted(slurm, job), SECONDS), training.logs()
    slurm.call("scontrol", "update", f"JobId={job}", "TimeLimit=30")
    slurm.wait_for(training.ids, SECONDS)
    assert not training.incomplete(), training.logs()
    assert "the time limit is near: the job is started again" in training.logs()
    assert_trained_once(training, processes=2)


def test_a_training_that_an_administrator_requeues(training: SubmittedRun, slurm: Slurm) -> None:
    training.call(submit, "--profile", "loopback", *ON_ONE_NODE, *SFT)
    job = in_mid_training(training)
    slurm.call("scontrol", "requeue", job)
    slurm.wait_for(training.ids, SECONDS)
    assert_trained_once(training)


def test_a_training_that_gives_way(training: SubmittedRun, slurm: Slurm, tmp_path: Path) -> None:
    training.call(submit, "--profile", "loopback", *ON_ONE_NODE, "--set", "jobs.train.partition=scavenge", *SFT)
    in_mid_training(training)
    asked = ("--partition=standard-g", "--nodes=4", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
    urgent = slurm.call("sbatch", "--parsable", *asked)
    slurm.wait_for([urgent, *training.ids], SECONDS)
    assert_trained_once(training)
