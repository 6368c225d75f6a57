"""`kielo submit`, `resubmit` and `cancel` on a real Slurm: the jobs' scripts are the real ones, the steps in them are acted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from kielo.cluster import cancel, resubmit, status
from kielo.cluster.queue import manifest
from kielo.cluster.queue.standing import jobs_in_queue
from kielo.errors import ClusterError, KieloError, RunFolderError, UsageError
from kielo.verbs import submit
from tests.kielo.cluster.acted_steps import World, build_world
from tests.kielo.cluster.slurm_on_loopback import Slurm, until

DATA = ("--only", "source", "--only", "translate")
"""Five jobs: the source, two arrays of three shards, and their merges."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A recipe and a cluster whose jobs act."""
    return build_world(tmp_path / "the world's")


def _shim(slurm: Slurm, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, before: str, after: str = "") -> None:
    """Put a program before one of Slurm's: it runs commands before the real one, and after it."""
    real = shutil.which(name, path=slurm.environment["PATH"])
    folder.mkdir()
    (folder / name).write_text(f'#!/bin/bash\n{before}\n"{real}" "$@" || exit\n{after}\n', "utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{slurm.environment['PATH']}")


def test_a_failed_training_leaves_nothing_pending_and_one_resubmit_completes_the_recipe(
    world: World, slurm: Slurm, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for secret in ("HF_TOKEN", "DEEPL_AUTH_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(secret, "a-secret-word")
    world.order("sft/half", "exit 3")
    world.call(submit, "--profile", world.profile)
    slurm.wait_for(world.ids)  # nothing stays pending
    world.call(status)
    shown = capsys.readouterr().out
    assert "1 failed, 1 done" in shown and "sft 1: FAILED (sft/half)" in shown and "a job before it failed" in shown
    assert "responses/sft/both" in world.made  # aftercorr: the other model's answers waited for nothing else

    world.order("sft/half", None)
    world.call(resubmit)
    slurm.wait_for(world.ids)
    assert not world.incomplete()
    assert max(Counter(world.made).values()) == 1
    arrays = {job.name: [each.elements for each in job.submissions] for job in world.manifest.jobs}
    assert arrays["sft"] == [None, (1,)] and arrays["responses-sft"] == [None, (1,)] and arrays["mix-tokens"] == [None]

    files = [path for path in world.run.path.rglob("*") if path.is_file()]
    assert len(files) > 30 and not any(b"a-secret-word" in path.read_bytes() for path in files)
    capsys.readouterr()
    world.call(resubmit)
    world.call(submit, "--profile", world.profile)
    assert capsys.readouterr().out.splitlines() == ["nothing is missing that is not on its way"] * 2


def test_a_lost_shard_is_made_alone_while_another_still_runs(
    world: World, slurm: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    world.order("translate/oasst2--2", "exit 0")  # a job that ends well without a result has failed
    world.order("translate/oasst2--3", 'until [ -e "$world/go" ]; do sleep 0.2; done')
    world.call(submit, "--profile", world.profile, *DATA)
    first, merge = (world.manifest.job(name).submissions[0].id for name in ("translate-oasst2", "merge-oasst2"))
    states = {f"{first}_0": "COMPLETED", f"{first}_1": "FAILED", f"{first}_2": "RUNNING"}
    assert until(lambda: slurm.states([first]) == states or None, 30)
    assert slurm.states([merge]) == {
        merge: "PENDING"
    }  # Slurm looks at an array when all of it has ended; we need not wait
    world.order("translate/oasst2--2", None)
    capsys.readouterr()
    world.call(resubmit, "--dry-run")
    world.call(resubmit)
    assert slurm.states([merge]) == {merge: "CANCELLED"}
    second = world.ids[world.ids.index(first) + 1]
    shown = capsys.readouterr().out
    assert f"afterok:#1:{first}_2\n" in shown and f"afterok:{second}:{first}_2\n" in shown and "[1] of 3" in shown
    assert f"would be cancelled, for what they wait for has failed: {merge}\n" in shown
    (world.folder / "go").touch()
    slurm.wait_for(world.ids)
    shards = [f"translate/{name} {number}/3" for name in ("ifeval", "oasst2") for number in (1, 2, 3)]
    assert sorted(world.made) == ["source/ifeval", "source/oasst2", "translate/ifeval", shards[0], shards[1], shards[2],
                                  "translate/oasst2", *shards[3:]]  # fmt: skip


def test_what_is_alive_is_refused_cancelled_and_taken_up_again(
    world: World, slurm: Slurm, capsys: pytest.CaptureFixture[str]
) -> None:
    # It takes its time to end: what makes it again has to wait for that.
    world.order(
        "translate/oasst2--3", "trap 'sleep 2; touch \"$world/ended\"; exit 1' TERM; while :; do sleep 1 & wait; done"
    )
    world.call(submit, "--profile", world.profile, *DATA)
    sleeping = f"{world.manifest.job('translate-oasst2').submissions[0].id}"
    assert until(lambda: slurm.states([sleeping]).get(f"{sleeping}_2") == "RUNNING" or None, 30)
    with pytest.raises(RunFolderError, match="in the queue.*kielo cancel"):
        world.call(submit, "--profile", world.profile, *DATA)
    assert sleeping in jobs_in_queue(world.manifest)
    capsys.readouterr()
    world.call(resubmit)
    assert capsys.readouterr().out == "nothing is missing that is not on its way\n"

    world.call(cancel, "translate-oasst2")
    said = capsys.readouterr().out
    assert f"cancelled {sleeping}  translate-oasst2" in said and "source" not in said
    world.order("translate/oasst2--3", 'touch "$world/begun"')
    world.call(resubmit)
    assert f"afterany:{sleeping}_2" in capsys.readouterr().out
    slurm.wait_for(world.ids)
    assert max(Counter(world.made).values()) == 1 and "translate/oasst2" in world.made
    assert (world.folder / "ended").stat().st_mtime <= (world.folder / "begun").stat().st_mtime


def test_a_chain_that_slurm_refuses_half_way_is_taken_back(
    world: World, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = 'case "${!#}" in *ifeval*) echo "sbatch: error: Invalid account" >&2; exit 1 ;; esac'
    _shim(slurm, tmp_path / "shim", monkeypatch, "sbatch", refuse)
    world.order("source/oasst2", "sleep 30")
    with pytest.raises(ClusterError, match="refuses .*ifeval.*: Invalid account$"):
        world.call(submit, "--profile", world.profile, *DATA)
    assert len(world.ids) == 3 and all(each.cancelled for job in world.manifest.jobs for each in job.submissions)
    assert set(slurm.wait_for(world.ids).values()) == {"CANCELLED"}


def test_ctrl_c_while_a_job_is_being_queued_takes_that_one_back_too(
    world: World, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = f'case "${{!#}}" in *ifeval*) kill -INT {os.getpid()}; sleep 5 ;; esac'
    _shim(slurm, tmp_path / "shim", monkeypatch, "sbatch", "", stop)
    world.order("source/oasst2", "sleep 30")
    with pytest.raises(KeyboardInterrupt):
        world.call(submit, "--profile", world.profile, *DATA)
    assert len(world.ids) == 4  # the last one was found by its comment
    assert set(slurm.wait_for(world.ids).values()) == {"CANCELLED"}


def test_a_job_that_a_crash_kept_from_being_written_down_is_not_queued_twice(world: World, slurm: Slurm) -> None:
    world.order("source/oasst2", "sleep 3")
    world.call(submit, "--profile", world.profile, *DATA)
    whole, queued = world.manifest, world.ids
    short = [*whole.jobs[:2], *(manifest.replace(job, submissions=()) for job in whole.jobs[2:])]
    manifest.write(world.run, manifest.replace(whole, jobs=tuple(short)))
    assert set(jobs_in_queue(world.manifest)) == set(queued)
    world.call(resubmit)
    assert world.ids == queued[:2]  # nothing was queued, and a look writes nothing
    slurm.wait_for(queued)
    assert max(Counter(world.made).values()) == 1 and "translate/oasst2" in world.made


def test_scripts_that_are_only_written_queue_themselves(world: World, slurm: Slurm) -> None:
    world.call(submit, "--profile", world.profile, *DATA, "--emit-only")
    script = world.run.path / "jobs" / "submit.sh"
    assert world.ids == []
    subprocess.run(["shellcheck", "-S", "warning", str(script)], check=True)
    hostile = {**slurm.environment, "SBATCH_PARTITION": "nowhere"}  # would override the directives
    done = subprocess.run(["bash", str(script)], env=hostile, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    slurm.wait_for([line.split()[0] for line in done.stdout.splitlines()])
    assert "translate/oasst2" in world.made and "translate/ifeval" in world.made
    again = subprocess.run(["bash", str(script)], env=hostile, capture_output=True, text=True)
    assert again.returncode == 1 and "queued before" in again.stderr


def test_trying_out_leaves_nothing(world: World, slurm: Slurm, capsys: pytest.CaptureFixture[str]) -> None:
    before = slurm.call("squeue", "-h", "-t", "all", "-o", "%A")
    world.call(submit, "--profile", world.profile, "--test-only")
    world.call(submit, "--profile", world.profile, "--dry-run")
    assert not world.run.path.exists() and slurm.call("squeue", "-h", "-t", "all", "-o", "%A") == before
    assert capsys.readouterr().out.count("to start at") == 7
    with pytest.raises(ClusterError, match="Slurm refuses .*source.*invalid partition"):
        world.call(submit, "--profile", world.profile, "--test-only", "--set", "partitions.absent.hours=9",
                   "--set", "partitions.absent.node.cores=9", "--set", "partitions.absent.node.memory_gb=9",
                   "--set", "jobs.cpu.partition=absent")  # fmt: skip


def test_without_slurm(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(_without(tmp_path, "squeue", "sbatch")))
    world.call(submit, "--profile", world.profile, "--dry-run")
    assert "7 jobs" in capfd.readouterr().out and not world.run.path.exists()
    with pytest.raises(ClusterError, match="squeue is not on this machine's PATH"):
        world.call(submit, "--profile", world.profile)
    assert not world.run.path.exists()

    world.order("translate/ifeval--2", "exit 4")
    here = ("--profile", world.profile, "--set", "scheduler=none", "--set", "jobs.train.nodes=1")
    with pytest.raises(ClusterError, match="translate-ifeval 1 ended with exit code 1"):
        world.call(submit, *here)
    world.order("translate/ifeval--2", None)
    world.call(resubmit)
    assert not world.incomplete() and max(Counter(world.made).values()) == 1
    assert "ended with exit code 4" in capfd.readouterr().err
    world.call(status)
    assert "done" in capfd.readouterr().out
    with pytest.raises(UsageError, match="Ctrl-C"):
        world.call(cancel)


def test_what_is_refused_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for words, sentence in (
        (("--profile", "lumy"), "did you mean 'lumi'"),
        (("--profile", world.profile, "--set", "jobs.train.partition=absent"), "unknown partition 'absent'"),
        (("--profile", world.profile, "--set", "jobs.train.hours=99"), "hours"),
        (("--profile", world.profile, "--only", "sfd"), "no step 'sfd'"),
    ):
        with pytest.raises(KieloError, match=sentence):
            world.call(submit, *words)
    world.run.path.mkdir()
    (world.run.path / "thesis.tex").touch()
    with pytest.raises(RunFolderError, match="holds other files"):
        world.call(submit, "--profile", world.profile, "--emit-only")
    assert [path.name for path in world.run.path.iterdir()] == ["thesis.tex"]


def test_steps_of_other_settings_are_refused_and_the_account_is_found(
    world: World, slurm: Slurm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SBATCH_ACCOUNT", "project_1")
    world.call(submit, "--profile", world.profile, "--emit-only")
    scripts = sorted((world.run.path / "jobs").glob("*.sbatch"))
    assert all("#SBATCH --account=project_1\n" in path.read_text("utf-8") for path in scripts)
    for step in world.plan:
        place = world.run.folder(step.name) / "step.json"
        place.parent.mkdir(parents=True)
        place.write_bytes((world.folder / "records" / step.name.replace("/", "--")).read_bytes())
    world.recipe.write_text(world.recipe.read_text("utf-8") + "seed: 7\n", "utf-8")
    with pytest.raises(
        RunFolderError, match=r"step translate/oasst2 .* was made with other settings:(.|\n)*give --run another folder"
    ):
        world.call(submit, "--profile", world.profile, "--emit-only")
    capsys.readouterr()
    again = [word for stage in ("translate", "mix", "tokens", "sft") for word in ("--redo", stage)]
    world.call(submit, "--profile", world.profile, *again, "--dry-run")
    assert " 3  " in capsys.readouterr().out and (world.run.folder("sft/half") / "step.json").exists()
    with pytest.raises(UsageError, match="--redo deletes results.*--emit-only queues nothing"):
        world.call(submit, "--profile", world.profile, *again, "--emit-only")
    assert (world.run.folder("sft/half") / "step.json").exists()
    world.call(submit, "--profile", world.profile, *again)
    assert len(world.ids) == len(scripts) - 1
    world.call(cancel)


def _without(tmp_path: Path, *absent: str) -> Path:
    """Make a folder that has every program of /usr/bin but some."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name not in absent:
            (folder / program.name).symlink_to(program)
    return folder
