"""What keeps two chains out of one run folder, and what a submit that is cut short leaves: on a real Slurm, with acted steps."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kielo import cli
from kielo.cluster import cancel, resubmit, status
from kielo.cluster.queue import checkout, emit, manifest
from kielo.cluster.queue.apart import refuse_alive
from kielo.cluster.queue.standing import jobs_in_queue
from kielo.errors import ClusterError, RecipeError, RunFolderError, UsageError
from kielo.provenance import CHECKOUT
from kielo.run_folder import JOBS_LOCK
from kielo.verbs import submit
from tests.kielo.cluster.acted_steps import World, build_world
from tests.kielo.cluster.slurm_on_loopback import Slurm

DATA = ("--only", "source", "--only", "translate")
"""Five jobs: the source, two arrays of three shards, and their merges."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A recipe and a cluster whose jobs act."""
    return build_world(tmp_path / "world")


@pytest.fixture
def waiting(world: World, slurm: Slurm) -> World:
    """A world whose jobs are queued: the first sleeps, the others wait for it."""
    world.order("source/oasst2", "sleep 60")
    world.call(submit, "--profile", world.profile, *DATA)
    return world


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **lines: str) -> None:
    """Put programs before those on PATH, from lines of bash; $real is the program in whose place one stands."""
    folder.mkdir()
    for name, commands in lines.items():
        real = shutil.which(name)
        (folder / name).write_text(f'#!/bin/bash\nreal="{real}"\n{commands}\n', "utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def complete(world: World) -> None:
    """Leave the record of every step, and a model of each training."""
    for step in world.plan:
        place = world.run.folder(step.name)
        place.mkdir(parents=True)
        shutil.copy(world.folder / "records" / step.name.replace("/", "--"), place / "step.json")
        (place / "model").touch()


def test_scripts_for_a_machine_without_slurm_keep_nobody_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.call(submit, "--profile", "local", "--emit-only", *DATA)
    programs(tmp_path / "programs", monkeypatch, squeue="exit 1", scontrol="exit 1")
    refuse_alive(world.run, "RUN")
    (world.run.path / "jobs" / "profile.json").write_text("{}", "utf-8")
    with pytest.raises(ClusterError, match="whether they are alive could not be asked .*fails.*where Slurm answers"):
        refuse_alive(world.run, "RUN")


def test_jobs_that_may_be_alive_are_left_alone_where_slurm_cannot_be_asked(
    waiting: World, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, path = waiting.run.path, os.environ["PATH"]
    before = {name: (run / name).read_bytes() for name in ("recipe.json", "jobs/recipe.json", "jobs/manifest.json")}
    assert waiting.manifest.cluster == "loopback"
    waiting.recipe.write_text(waiting.recipe.read_text("utf-8") + "seed: 7\n", "utf-8")
    with pytest.raises(RunFolderError, match="are in the queue"):
        waiting.call(submit, "--profile", waiting.profile, *DATA)
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("bash", "git"):
        (bare / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(bare))
    sentence = "may be in the queue of the cluster loopback, and there is no Slurm here .*kielo cancel .*remove .*manifest.json"
    for words in (("--emit-only",), ("--set", "scheduler=none")):
        with pytest.raises(RunFolderError, match=sentence):
            waiting.call(submit, "--profile", waiting.profile, *words)
    assert cli.main(["run", str(waiting.recipe), "--run", str(run)]) == 2
    assert "there is no Slurm here" in capsys.readouterr().err
    assert {name: (run / name).read_bytes() for name in before} == before

    monkeypatch.setenv("PATH", path)
    slurm.call("scancel", *waiting.ids)
    slurm.wait_for(waiting.ids)
    waiting.call(cancel)  # there is nothing to end any more: what has failed is written down, too
    monkeypatch.setenv("PATH", str(bare))
    waiting.call(submit, "--profile", waiting.profile, "--emit-only")
    assert (run / "recipe.json").read_bytes() != before["recipe.json"]


def test_what_has_ended_with_its_results_needs_no_slurm(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.call(submit, "--profile", world.profile, "--emit-only")
    for entry in world.manifest.jobs:
        made = manifest.Submission("12", None, "then")
        manifest.write(world.run, world.manifest.with_submission(entry.name, made))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunFolderError, match="may be in the queue, and"):
        world.call(submit, "--profile", world.profile, "--emit-only")
    complete(world)
    world.call(submit, "--profile", world.profile, "--emit-only")


def test_another_cluster_is_not_asked_for_these_numbers(
    waiting: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = os.environ["PATH"]
    programs(tmp_path / "bin", monkeypatch, scontrol="echo 'ClusterName             = elsewhere'", scancel="exit 7")
    capsys.readouterr()
    waiting.call(status)
    sentence = "the jobs were queued on the cluster loopback, and this machine belongs to elsewhere"
    shown = capsys.readouterr().out
    assert f"Slurm cannot be asked: {sentence}" in shown and "waiting  0/" not in shown
    for verb in (resubmit, cancel):
        with pytest.raises(ClusterError, match=sentence):
            waiting.call(verb)
    with pytest.raises(RunFolderError, match="may be in the queue.*this machine belongs to the cluster elsewhere"):
        waiting.call(submit, "--profile", waiting.profile)
    monkeypatch.setenv("PATH", path)
    assert len(jobs_in_queue(waiting.manifest)) == 5


def test_a_second_submit_at_the_same_moment_is_refused(world: World, slurm: Slurm) -> None:
    sentence = f"process {os.getpid()} works on the jobs of this run"
    with world.run.lock(JOBS_LOCK), pytest.raises(RunFolderError, match=sentence):
        world.call(submit, "--profile", world.profile)
    assert not (world.run.path / "recipe.json").exists()
    world.call(submit, "--profile", world.profile, "--emit-only")
    for verb in (resubmit, cancel):
        with world.run.lock(JOBS_LOCK), pytest.raises(RunFolderError, match=sentence):
            world.call(verb)


def test_what_is_being_made_by_kielo_run_is_not_queued(world: World, slurm: Slurm) -> None:
    with (
        world.run.lock("sft/half.training"),
        pytest.raises(RunFolderError, match="sft/half.*: process .* works on this"),
    ):
        world.call(submit, "--profile", world.profile)
    world.call(status)
    assert manifest.read(world.run) is None


def test_what_slurm_refuses_costs_no_model(
    world: World, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(world)
    path = os.environ["PATH"]
    refuse = 'case "$*" in *--test-only*sft*) echo "sbatch: error: Invalid account" >&2; exit 1 ;; esac\n"$real" "$@"'
    programs(tmp_path / "bin", monkeypatch, sbatch=refuse)
    again = ("--profile", world.profile, "--redo", "sft/half")
    with pytest.raises(ClusterError, match="Invalid account"):
        world.call(submit, *again)
    models = [world.run.folder(name) / "model" for name in ("sft/half", "sft/both")]
    assert all(path.exists() for path in models) and not world.incomplete()
    monkeypatch.setenv("PATH", path)
    with world.run.lock("sft/half"), pytest.raises(RunFolderError, match="works on this step"):
        world.call(submit, *again)
    assert all(path.exists() for path in models)
    with pytest.raises(UsageError, match="no step 'sft/half'"):
        world.call(submit, *again, "--only", "source")  # it would be deleted, and not made again
    assert models[0].exists()
    world.order("sft/half", "sleep 60")
    world.call(submit, *again)
    assert not models[0].exists() and models[1].exists() and world.manifest.job("sft").submissions[0].elements == (1,)


def test_killed_between_two_jobs_the_chain_is_completed_by_a_resubmit(
    world: World, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = os.environ["PATH"]
    kill = '"$real" "$@"; case "${!#}" in *-translate-ifeval*) kill -9 $PPID ;; esac'
    programs(tmp_path / "bin", monkeypatch, sbatch=kill)
    world.order("source/oasst2", "sleep 2")
    command = ("submit", world.recipe, "--profile", world.profile, "--run", world.run.path, *DATA)
    process = [sys.executable, "-m", "kielo.cli", *map(str, command)]
    done = subprocess.run(process, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    queued = list(jobs_in_queue(world.manifest))
    assert set(world.ids) < set(queued), "the last one was not written down"
    monkeypatch.setenv("PATH", path)
    with pytest.raises(RunFolderError, match="in the queue"):
        world.call(submit, "--profile", world.profile, *DATA)
    world.call(resubmit)
    assert len(world.ids) == 5 and set(queued) < set(world.ids)
    slurm.wait_for(world.ids)
    assert max(Counter(world.made).values()) == 1 and {"translate/oasst2", "translate/ifeval"} <= set(world.made)


def test_an_sbatch_that_gives_no_answer_is_taken_back(
    world: World, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang = '"$real" "$@"; case "${!#}" in *ifeval*) exec sleep 60 ;; esac'
    programs(tmp_path / "bin", monkeypatch, sbatch=hang)
    monkeypatch.setattr("kielo.cluster.queue.slurm._SECONDS", 3.0)
    world.order("source/oasst2", "sleep 60")
    with pytest.raises(ClusterError, match="sbatch gave no answer"):
        world.call(submit, "--profile", world.profile, *DATA)
    assert len(world.ids) == 4 and all(each.cancelled for job in world.manifest.jobs for each in job.submissions)
    assert set(slurm.wait_for(world.ids).values()) == {"CANCELLED"}


def test_a_chain_that_cannot_be_taken_back_is_told(
    world: World, slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse = 'case "${!#}" in *ifeval*) exit 1 ;; esac; "$real" "$@"'
    programs(tmp_path / "bin", monkeypatch, sbatch=refuse, scancel="echo busy >&2; exit 1")
    world.order("source/oasst2", "sleep 60")
    with pytest.raises(ClusterError, match="Slurm refuses .*ifeval"):
        world.call(submit, "--profile", world.profile, *DATA)
    assert f"stays ({', '.join(world.ids)}): scancel fails: busy kielo cancel ends it" in capsys.readouterr().err
    assert len(world.ids) == 3 and set(jobs_in_queue(world.manifest)) == set(world.ids)


def test_a_crash_while_scripts_are_written_leaves_no_manifest_of_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    world.call(submit, "--profile", world.profile, "--emit-only")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(emit, "write_text", crash)
    with pytest.raises(KeyboardInterrupt):
        world.call(submit, "--profile", world.profile, *DATA, "--emit-only")
    assert manifest.read(world.run) is None
    with pytest.raises(RunFolderError, match="no jobs were submitted"):
        world.call(resubmit)


@pytest.mark.parametrize("written", ["", "[]", '{"id": "cafe"}', '{"id": "cafe", "jobs": [1]}'])
def test_a_damaged_manifest_says_how_to_go_on(world: World, written: str) -> None:
    world.call(submit, "--profile", world.profile, "--emit-only")
    file = world.run.path / "jobs" / "manifest.json"
    file.write_text(written, "utf-8")
    for verb, words in ((status, ()), (submit, ("--profile", world.profile, "--emit-only"))):
        with pytest.raises(RunFolderError, match="manifest.json: damaged, .*squeue --me .*remove this file and submit"):
            world.call(verb, *words)
    assert file.read_text("utf-8") == written


def test_status_tells_that_jobs_will_run_other_code(
    waiting: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {each.code for job in waiting.manifest.jobs for each in job.submissions} == {checkout.code_now()}
    capsys.readouterr()
    monkeypatch.setattr(checkout, "code_state", lambda: {"commit": "f" * 40, "changes": ""})
    codes = {each.id: each.code for job in waiting.manifest.jobs for each in job.submissions}
    if "unknown" in vars(next(code for code in codes.values() if code)).values():
        pytest.skip("git does not tell the commit of this checkout")
    waiting.call(status)
    assert capsys.readouterr().out.count("warning: Kielo's checkout has changed since this was queued (commit ") == 1
    waiting.call(cancel)
    capsys.readouterr()
    waiting.call(status)
    assert "warning" not in capsys.readouterr().out


def test_limits_count_what_is_queued(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    few = ("--profile", world.profile, "--set", "partitions.small-g.jobs=4", "--dry-run")
    with pytest.raises(RecipeError, match="jobs on a partition that takes 4"):
        world.call(submit, *few)
    complete(world)
    world.call(submit, *few, "--redo", "sft/half")
    assert "1 of 2" in capsys.readouterr().out


def test_a_checkout_that_other_nodes_do_not_see(world: World) -> None:
    local = json.dumps([str(CHECKOUT)])
    with pytest.raises(UsageError, match="Kielo's checkout, .* is a disk of this node alone"):
        world.call(submit, "--profile", world.profile, "--set", f"node_local={local}", "--emit-only")
