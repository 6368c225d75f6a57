"""`kielo status` and `kielo logs`: what is told of jobs by the results, by Slurm, and where Slurm knows nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from kielo.cluster import cancel, logs, resubmit, status
from kielo.cluster.queue import manifest
from kielo.cluster.queue.manifest import Submission
from kielo.errors import RunFolderError, UsageError
from kielo.verbs import submit
from tests.kielo.cluster.acted_steps import World, build_world
from tests.kielo.cluster.slurm_on_loopback import Slurm


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A recipe whose scripts are written, and nothing queued."""
    world = build_world(tmp_path / "world")
    world.call(submit, "--profile", world.profile, "--emit-only")
    return world


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files squeue and sacct are what those commands print."""
    place = tmp_path / "answers"
    place.mkdir()
    for name in ("squeue", "sacct"):
        (place / name).write_text("", "utf-8")
        (place / "bin").mkdir(exist_ok=True)
        (place / "bin" / name).write_text(f"#!/bin/bash\necho x >> '{place}/calls of {name}'\ncat '{place}/{name}'\n")
        (place / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}/bin:{os.environ['PATH']}")
    return place


def _number(world: World, job: str, number: str = "12") -> None:
    """Write into the manifest that a job was queued."""
    entry = world.manifest.job(job)
    manifest.write(world.run, world.manifest.with_submission(entry.name, Submission(number, None, "then")))


@pytest.mark.parametrize(
    ("squeue", "sacct", "state", "reason"),
    [
        ("12|N/A|PENDING|small-g|0:00|Priority|", "", "waiting", "Priority"),
        ("12|N/A|RUNNING|small-g|1:00|None|", "", "running", ""),
        ("12|N/A|COMPLETED|small-g|1:00|None|", "", "failed", "ended without a result"),
        ("12|N/A|FAILED|small-g|1:00|NonZeroExitCode|", "", "failed", "FAILED"),
        ("12|N/A|NODE_FAIL|small-g|1:00|None|", "", "failed", "NODE_FAIL"),
        ("12|N/A|CANCELLED by 5|small-g|1:00|None|", "", "failed", "cancelled"),
        ("12|N/A|PENDING|small-g|0:00|DependencyNeverSatisfied|", "", "failed", "a job before it failed"),
        ("13|N/A|RUNNING|small-g|0:00|None|", "12|OUT_OF_MEMORY|small-g|1:00", "failed", "OUT_OF_MEMORY"),
        ("13|N/A|RUNNING|small-g|0:00|None|", "", "lost", "Slurm has forgotten it"),
    ],
)
def test_states(
    world: World, answers: Path, capsys: pytest.CaptureFixture[str], squeue: str, sacct: str, state: str, reason: str
) -> None:
    _number(world, "source")
    (answers / "squeue").write_text(squeue + "\n", "utf-8")
    (answers / "sacct").write_text(sacct + "\n", "utf-8")
    capsys.readouterr()
    world.call(status)
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("source "))
    assert f"  {state}  " in f"{row}  " and any(reason in line for line in lines if line.startswith("source"))
    assert "0 of 17 steps complete" in lines[-1]


def test_the_result_decides_not_slurm(world: World, answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _number(world, "source")
    (answers / "squeue").write_text("12|N/A|FAILED|small-g|1:00|NonZeroExitCode|\n", "utf-8")
    for step in world.plan:
        if step.kind == "source":
            place = world.run.folder(step.name) / "step.json"
            place.parent.mkdir(parents=True)
            place.write_bytes((world.folder / "records" / step.name.replace("/", "--")).read_bytes())
    capsys.readouterr()
    world.call(status)
    out = capsys.readouterr().out
    assert "source            12  done" in out and "FAILED" not in out


def test_who_writes_nothing_is_told(world: World, answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for job in ("source", "translate-oasst2", "sft"):
        _number(world, job)
    lines = [f"12|{element}|RUNNING|small-g|1:00:00|None|" for element in ("N/A", 0, 1, 2)]
    (answers / "squeue").write_text("\n".join(lines), "utf-8")

    def write(name: str, minutes_ago: float) -> None:
        path = world.run.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        for each in (path, path.parent):
            os.utime(each, (0, time.time() - minutes_ago * 60))

    write("sft/both/checkpoints/new", 47.5)
    for ago, name in ((50, "both"), (60, "half")):
        write(f"sft/{name}/job.json", ago)
    write("translate/oasst2/completions/1.jsonl", 0)  # of whichever shard
    logs = {"source-12": 29, "sft-12_0": 90, "sft-12_1": 99, "translate-oasst2-12_0": 31, "translate-oasst2-12_1": 5}
    for name, ago in logs.items():
        write(f"jobs/logs/{name}.log", ago)
    capsys.readouterr()
    world.call(status)
    lines = capsys.readouterr().out.splitlines()
    quiet = {line.split("  ")[0]: re.findall(r" (\d:\d\d(?: !)?)  ", line)[-1:] for line in lines[:8]}
    assert [quiet[job] for job in ("source", "translate-oasst2", "sft", "dpo") if job in quiet] == [
        ["0:29"], ["0:31 !"], ["1:00 !"],
    ]  # fmt: skip
    notes = [line.split(";")[0] for line in lines if line.startswith("! ")]
    assert notes == [
        "! translate-oasst2_0: nothing was written for 0:31 hours (translate/oasst2 1/3)",
        "! sft_0: nothing was written for 0:47 hours (sft/both)", "! sft_1: nothing was written for 1:00 hours (sft/half)",
    ]  # fmt: skip


def test_the_same_as_data(world: World, answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _number(world, "source")
    (answers / "squeue").write_text("12|N/A|FAILED|small-g|1:00|NonZeroExitCode|\n", "utf-8")
    capsys.readouterr()
    world.call(status, "--json")
    told = json.loads(capsys.readouterr().out)
    assert [each["step"] for each in told["steps"]] == [step.name for step in world.plan]
    assert {each["state"] for each in told["steps"]} == {"waiting"} and told["silence"] is None
    (source,) = [each for each in told["jobs"] if each["job"] == "source"]
    assert (source["state"], source["id"], source["reason"]) == ("failed", "12", "FAILED") and source["makes"]
    assert {each["state"] for each in told["jobs"] if each["job"] != "source"} <= {"waiting", "not submitted", "failed"}
    with pytest.raises(UsageError, match="leave --watch out"):
        world.call(status, "--json", "--watch", "5")


def test_where_no_slurm_is(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _number(world, "source")
    monkeypatch.setenv("PATH", str(tmp_path))
    world.call(status)
    out = capsys.readouterr().out
    assert "Slurm cannot be asked: squeue is not on this machine's PATH" in out and "0 of 17 steps" in out


def test_two_hundred_jobs_are_one_question(
    world: World, slurm: Slurm, answers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (answers / "bin" / "squeue").write_text(f"#!/bin/bash\necho x >> '{answers}/calls'\nexec '{_real(slurm)}' \"$@\"\n")
    world.order("source/oasst2", "sleep 60")
    world.call(submit, "--profile", world.profile, "--set", "jobs.translate.shards=98")
    (answers / "calls").unlink()
    capsys.readouterr()
    world.call(status)
    out = capsys.readouterr().out
    assert out.count(" 0/98 ") == 2
    assert (answers / "calls").read_text() == "x\n" and not (answers / "calls of sacct").exists()
    world.call(cancel)


def _real(slurm: Slurm) -> str:
    found = shutil.which("squeue", path=slurm.environment["PATH"])
    assert found
    return found


def test_forgotten_jobs_are_queued_again(world: World, answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for job in world.manifest.jobs:
        _number(world, job.name, "12")
    world.call(resubmit, "--dry-run")
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[-7:]] == [job.name for job in world.manifest.jobs]
    assert (answers / "calls of sacct").read_text() == "x\n"


def test_logs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    place = world.run.path / "jobs" / "logs"
    with pytest.raises(UsageError, match="no log in"):
        world.call(logs)
    names = ("sft-11_0.log", "sft-11_1.log", "sft-14_1.log", "responses-sft-12_0.log", "source-10.log")
    for age, name in enumerate(names):
        (place / name).write_text("".join(f"line {number} of {name}\n" for number in range(9)), "utf-8")
        os.utime(place / name, (1000 - age, 1000 - age))
    capsys.readouterr()
    expected = {
        (): "sft-11_0.log", ("sft",): "sft-11_0.log", ("sft_1",): "sft-11_1.log", ("sft/half",): "sft-11_1.log",
        ("responses-sft",): "responses-sft-12_0.log", ("source/ifeval",): "source-10.log",
    }  # fmt: skip
    for words, name in expected.items():
        world.call(logs, *words, "--lines", 2)
        said = capsys.readouterr().out
        assert said == f"== {place / name} ==\nline 7 of {name}\nline 8 of {name}\n", words
    with pytest.raises(UsageError, match="no job or step 'sft/hafl' in this run; did you mean 'sft/half'"):
        world.call(logs, "sft/hafl")
    with pytest.raises(UsageError, match="no log of report"):
        world.call(logs, "report")


def test_a_log_cannot_steer_the_terminal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    log = world.run.path / "jobs" / "logs" / "sft-11_0.log"
    log.write_bytes(b"10%\r90%\r\n\x1b]0;title\x07\x1b[2J\x1b[31mred\x1b[0m\xc2\x9b\xff\n")
    world.call(logs, "sft", "--lines", 2)
    assert capsys.readouterr().out.splitlines()[1:] == ["90%", "\ufffd]0;title\ufffd\ufffd[2Jred\ufffd\ufffd"]


def test_a_log_larger_than_what_is_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "_MOST_BYTES", 1 << 20)
    (world.run.path / "jobs" / "logs" / "sft-11_0.log").write_bytes(b"first\n" + b"0" * (2 << 20) + b"\nlast\n")
    world.call(logs, "sft", "--lines", 3)
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "== the last 1 MiB of it ==" and said[-1] == "last" and len(said[2]) < 1 << 20


def test_a_watch_outlasts_a_silent_slurm(world: World, answers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _number(world, "source", "12")
    (answers / "bin" / "squeue").write_text(f"#!/bin/bash\n[ -e '{answers}/back' ] || exit 1\n")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        (answers / "back").touch()

    monkeypatch.setattr(status, "time", SimpleNamespace(sleep=pause))
    world.call(status, "--watch", 7)
    assert pauses == [7]


def test_a_folder_that_was_moved_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    moved = replace(world, folder=tmp_path / "moved")
    world.run.path.rename(moved.run.path)
    with pytest.raises(RunFolderError, match="its jobs were written for"):
        moved.call(resubmit, "--dry-run")


def test_nothing_submitted(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(world, folder=tmp_path / "other")
    other.call(status)
    assert capsys.readouterr().out.startswith("waiting")
    for verb in (logs, cancel, resubmit):
        with pytest.raises(RunFolderError, match="no jobs were submitted"):
            other.call(verb)
    with pytest.raises(UsageError, match="no job 'sfd' in this run; did you mean 'sft'"):
        world.call(cancel, "sfd")


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("jobs",), [1]), (("jobs", 0, "name"), 5), (("jobs", 0, "elements"), []), (("jobs", 0, "file"), None),
        (("jobs", 0, "submissions"), [{"id": "12;x", "elements": None, "at": "", "cancelled": False}]),
        (("jobs", 0, "submissions"), [{"id": "12", "elements": [99], "at": "", "cancelled": False}]),
        (("jobs", 1, "after", 0, "job"), "nowhere"), (("jobs", 1, "after", 0, "elements"), [99]),
    ],
)  # fmt: skip
def test_a_damaged_manifest_is_said(world: World, keys: tuple[str | int, ...], value: object) -> None:
    path = world.run.path / "jobs" / "manifest.json"
    document = json.loads(path.read_text("utf-8"))
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(document), "utf-8")
    with pytest.raises(RunFolderError, match="manifest.json: damaged"):
        world.call(status)
