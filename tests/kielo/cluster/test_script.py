"""What jobs' scripts do: in which order they call Kielo, when they stop, start again or fail; on the real Slurm, with a stand-in for Kielo."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kielo.cluster.jobs.job import Body, Job, Resources, Task
from kielo.cluster.profiles.parts import OTHER_CACHES
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import PROFILES, load_profile
from kielo.cluster.scripts.script import RESERVED, directives, script_text
from kielo.errors import UsageError
from kielo.provenance import CHECKOUT
from kielo.run_folder import RunFolder
from tests.kielo.cluster.slurm_on_loopback import Slurm, until

SHIMS = Path(__file__).parent / "shims"
ONE = Resources("small-g", nodes=1, cores=2, memory_gb=1, devices=1, minutes=5)
TWO = replace(ONE, nodes=2, processes=4)


@pytest.fixture
def profile() -> Profile:
    return load_profile("loopback").model_copy(update={"python": str(SHIMS / "python")})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = tmp_path / "a run's $HOME"
    (folder / "jobs" / "logs").mkdir(parents=True)
    return RunFolder(folder)


def job(body: Body, *elements: Sequence[Task], resources: Resources = ONE) -> Job:
    return Job("some-job", "train", body, tuple(map(tuple, elements)), resources)


def steps(*names: str) -> Job:
    return job("steps", [Task(name) for name in names])


def submitted(slurm: Slurm, given: Job, profile: Profile, run: RunFolder) -> str:
    script = run.path / "jobs" / "some.sbatch"
    script.write_text(script_text(given, profile, "recipe", run), encoding="utf-8")
    return slurm.call("sbatch", "--parsable", str(script))


def calls(run: RunFolder) -> list[str]:
    file = run.path / "calls"
    return file.read_text().splitlines() if file.exists() else []


def log(run: RunFolder) -> str:
    return "".join(path.read_text() for path in sorted((run.path / "jobs" / "logs").iterdir()))


def test_directives_of_an_array(run: RunFolder) -> None:
    lumi = load_profile("lumi", account="project_1")
    resources = Resources("standard-g", 4, 56, 479.5, 8, 2 * 24 * 60, 8)
    asked = directives(
        replace(job("training", [Task("sft/a")], [Task("sft/b")], resources=resources), at_once=4), lumi, "paper", run
    )
    assert asked == {
        "job-name": "kielo-paper-some-job", "account": "project_1", "partition": "standard-g", "nodes": "4", "ntasks-per-node": "1",
        "cpus-per-task": "56", "mem": "491008M", "gpus-per-node": "mi250:8", "time": "2-00:00:00",
        "output": f"{run.path}/jobs/logs/some-job-%A_%a.log", "open-mode": "append", "requeue": None, "signal": "B:USR1@900",
        "kill-on-invalid-dep": "yes", "array": "0-1%4",
    }  # fmt: skip


def test_a_job_without_devices_or_restarts_asks_for_none(profile: Profile, run: RunFolder) -> None:
    still = profile.model_copy(update={"requeue": profile.requeue.model_copy(update={"allowed": False})})
    asked = directives(replace(steps("report"), resources=replace(ONE, devices=0)), still, "paper", run)
    assert "gpus-per-node" not in asked and "requeue" not in asked and "no-requeue" in asked and "array" not in asked
    assert "scontrol requeue" not in script_text(steps("report"), still, "paper", run)


def test_a_placeholder_without_value_is_refused(run: RunFolder) -> None:
    with pytest.raises(UsageError, match="no account; give --account"):
        script_text(steps("report"), load_profile("lumi"), "paper", run)


def test_variables_of_the_scripts_are_not_overwritten(profile: Profile, run: RunFolder) -> None:
    own = [
        path for path in (PROFILES / "templates").glob("*.j2") if path.name != "submit.sh.j2"
    ]  # no job runs that one
    lines = [line for path in own for line in path.read_text().splitlines()]
    code = "\n".join(re.sub(r"--?[a-z-]+=|\bsay .*|\s# .*|^#.*", "", line) for line in lines)
    assigned = set(re.findall(r"(?:^|[\s(])([a-z_]+)=", code))
    assigned |= {
        name for line in re.findall(r"\blocal ([^\n]+)", code) for name in re.findall(r"(?:^|\s)([a-z_]+)", line)
    }
    assigned |= set(re.findall(r"\bfor ([a-z_]+);", code))
    assert {"asked", "code", "run"} <= assigned <= RESERVED
    with pytest.raises(UsageError, match="'code' is a variable of bash or of Kielo's own scripts"):
        script_text(steps("report"), profile.model_copy(update={"environment": {"code": "1"}}), "paper", run)


def test_steps_are_made_in_one_call(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    done = slurm.wait_for([submitted(slurm, steps("source/a", "mix/b"), profile, run)])
    assert list(done.values()) == ["COMPLETED"], log(run)
    assert calls(run) == ["step source/a mix/b"]


def test_an_element_makes_its_own_tasks(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    array = job(
        "steps", [Task("translate/x", "1/2")], [Task("translate/x", "2/2"), Task("responses/y"), Task("eval/y/z")]
    )
    done = slurm.wait_for([submitted(slurm, array, profile, run)])
    assert list(done.values()) == ["COMPLETED"] * 2, log(run)
    assert sorted(calls(run)) == ["step responses/y eval/y/z", "step translate/x 1/2", "step translate/x 2/2"]


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("exit 0", "mix/b: ended without a result"),
        ("exit 3", "ended with exit code 3; why stands above"),
        (
            "mkdir -p $run/mix/b $run/source/a; echo {} > $run/mix/b/step.json; echo {} > $run/source/a/step.json; exit 2",
            "exit code 2",
        ),
    ],
)
def test_a_job_succeeds_only_by_its_records(
    slurm: Slurm, profile: Profile, run: RunFolder, behaviour: str, sentence: str
) -> None:
    (run.path / "first").write_text(behaviour.replace("$run", '"$run"'))
    done = slurm.wait_for([submitted(slurm, steps("mix/b", "source/a"), profile, run)])
    assert list(done.values()) == ["FAILED"] and sentence in log(run)


def test_a_shard_that_is_only_begun_is_a_failure(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    behaviour = 'mkdir -p "$run/translate/x/shards"; echo \'{"complete": false}\' > "$run/translate/x/shards/1-of-2.json"; exit 0'
    (run.path / "first").write_text(behaviour)
    done = slurm.wait_for([submitted(slurm, job("steps", [Task("translate/x", "1/2")]), profile, run)])
    assert list(done.values()) == ["FAILED"] and "translate/x 1/2: not complete" in log(run)


SHARDS = job("shards", [Task("translate/x", "1/2"), Task("translate/x", "2/2")], resources=TWO)


def test_every_node_makes_its_own_shard(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    done = slurm.wait_for([submitted(slurm, SHARDS, profile, run)])
    assert list(done.values()) == ["COMPLETED"], log(run)
    assert sorted(calls(run)) == ["step translate/x 1/2", "step translate/x 2/2"]


def test_a_failed_shard_is_made_alone(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    (run.path / "first").write_text('if [ "$shard" = 2/2 ] && mkdir "$run/failed"; then exit 1; fi 2> /dev/null')
    done = slurm.wait_for([submitted(slurm, SHARDS, profile, run)])
    assert list(done.values()) == ["COMPLETED"], log(run)
    assert calls(run).count("step translate/x 2/2") == 2


def test_a_lost_node_takes_its_own_shard_only(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    # the shard of the node that stays ends after the other's node is gone
    waits = 'if [ "$shard" = 1/2 ]; then until [ -e "$run/lost" ]; do sleep 0.1; done; fi; if [ "$shard" = 2/2 ] && [ ! -e "$run/lost" ]; then sleep 60; fi'
    (run.path / "first").write_text(f'echo "$SLURMD_NODENAME" > "$run/node-${{shard%/*}}"; {waits}')
    submission = submitted(slurm, SHARDS, profile, run)
    assert until(lambda: len(calls(run)) == 2 or None, 30) and until(lambda: (run.path / "node-2").exists() or None, 10)
    node = (run.path / "node-2").read_text().strip()
    slurm.kill_node(node)
    (run.path / "lost").touch()
    try:
        done = slurm.wait_for([submission])
    finally:
        slurm.restart_node(node)
    assert list(done.values()) == ["COMPLETED"], log(run)
    assert calls(run).count("step translate/x 2/2") == 2 and (run.path / "node-2").read_text().strip() != node


def test_a_training_is_prepared_run_on_all_nodes_and_collected(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    both = job("training", [Task("reference/x"), Task("dpo/y")], resources=TWO)
    done = slurm.wait_for([submitted(slurm, both, profile, run)])
    assert list(done.values()) == ["COMPLETED"], log(run)
    found = calls(run)
    assert [found[0], sorted(found[1:3]), found[3]] == [
        "prepare reference/x", ["train reference/x rank 0 of 8", "train reference/x rank 1 of 8"], "collect reference/x",
    ]  # fmt: skip
    assert len(found) == 8 and found[-1] == "collect dpo/y"


def test_a_complete_training_is_not_made_again(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    (run.path / "sft" / "a").mkdir(parents=True)
    (run.path / "sft" / "a" / "step.json").write_text("{}")
    done = slurm.wait_for([submitted(slurm, job("training", [Task("sft/a")], resources=TWO), profile, run)])
    assert list(done.values()) == ["COMPLETED"] and calls(run) == ["prepare sft/a"]


UNTIL_STOPPED = 'if [ "$part ${steps[0]}" = "train sft/a" ] && [ "${SLURM_RESTART_COUNT:-0}" = 0 ]; then until [ -e "$run/sft/a/STOP" ]; do sleep 0.1; done; exit 130; fi'


def test_a_training_near_its_limit_stops_and_is_started_again(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    (run.path / "first").write_text(UNTIL_STOPPED)
    submission = submitted(slurm, job("training", [Task("sft/a")], [Task("sft/b")], resources=TWO), profile, run)
    assert until(lambda: "train sft/a rank 1 of 8" in calls(run) or None, 30)
    slurm.call("scancel", "--batch", "--signal=USR1", f"{submission}_0")
    done = slurm.wait_for([submission])
    assert list(done.values()) == ["COMPLETED"] * 2, log(run)
    assert "the time limit is near: the job is started again" in log(run) and "start 2" in log(run)
    assert [call for call in calls(run) if "sft/a" in call].count("prepare sft/a") == 2
    assert calls(run).count("prepare sft/b") == 1


ENDLESS = (
    """if [ "${SLURM_RESTART_COUNT:-0}" = 0 ]; then trap 'note stopped; kill $!; exit 130' TERM; sleep 60 & wait; fi"""
)


def test_steps_near_their_limit_are_ended_in_order_and_started_again(
    slurm: Slurm, profile: Profile, run: RunFolder
) -> None:
    (run.path / "first").write_text(ENDLESS)
    submission = submitted(slurm, steps("responses/a"), profile, run)
    assert until(lambda: calls(run) or None, 30)
    slurm.call("scancel", "--batch", "--signal=USR1", submission)
    assert list(slurm.wait_for([submission]).values()) == ["COMPLETED"], log(run)
    assert calls(run) == ["step responses/a", "stopped", "step responses/a"]


def watched(profile: Profile, seconds: float) -> Profile:
    return profile.model_copy(update={"requeue": profile.requeue.model_copy(update={"quiet_minutes": seconds / 60})})


HANGS = 'if [ "${SLURM_RESTART_COUNT:-0}" = 0 ] && [ "$part ${steps[0]}" = "%s" ]; then kill -STOP $$; fi'


def test_a_job_that_hangs_is_ended_and_started_again(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    hanging = {"train sft/a": job("training", [Task("sft/a")]), "step mix/b": steps("mix/b")}
    (run.path / "first").write_text("\n".join(HANGS % call for call in hanging))
    numbers = [submitted(slurm, each, watched(profile, 1.5), run) for each in hanging.values()]
    assert list(slurm.wait_for(numbers, 90).values()) == ["COMPLETED"] * 2, log(run)
    assert log(run).count("nothing was written for 0.025 minutes: it hangs") == 2
    assert log(run).count("it hung: the job is started again") == 2
    for call in hanging:
        assert sum(line.startswith(call) for line in calls(run)) == 2


def test_a_job_that_hung_twice_before_is_not_started_again(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    earlier = "kielo: nothing was written for 60 minutes: it hangs"
    (run.path / "first").write_text(f"echo '{earlier}' >&2; echo '{earlier}' >&2; kill -STOP $$")
    done = slurm.wait_for([submitted(slurm, steps("mix/b"), watched(profile, 1.5), run)], 60)
    assert list(done.values()) == ["FAILED"] and "it hung 3 times; kielo preflight tries" in log(run), log(run)
    assert calls(run) == ["step mix/b"]


@pytest.mark.parametrize("where", ["$run/sft/a/deep/file", "/dev/stderr"])
def test_a_job_that_writes_now_and_then_does_not_hang(
    slurm: Slurm, profile: Profile, run: RunFolder, where: str
) -> None:
    (run.path / "first").write_text(
        f'mkdir -p "$run/sft/a/deep"; for beat in 1 2 3 4 5 6; do sleep 0.5; echo $beat >> "{where}"; done'
    )
    done = slurm.wait_for([submitted(slurm, steps("sft/a"), watched(profile, 2), run)])
    assert list(done.values()) == ["COMPLETED"] and "it hangs" not in log(run), log(run)


def test_what_other_shards_write_says_nothing_of_a_shard(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    beats = 'until [ -e "$run/translate/x/shards/1-of-2.json" ]; do sleep 0.3; date | tee "$run/translate/x/completions" >&2; done'
    first = f'[ "$shard" = 1/2 ] || {{ mkdir -p "$run/translate/x"; {beats}; }}; [ "$shard" = 2/2 ] || {HANGS % "step translate/x"}'
    (run.path / "first").write_text(first)
    array = job("steps", [Task("translate/x", "1/2")], [Task("translate/x", "2/2")])
    done = slurm.wait_for([submitted(slurm, array, watched(profile, 2), run)], 90)
    assert list(done.values()) == ["COMPLETED"] * 2, log(run)
    assert calls(run).count("step translate/x 1/2") == 2


def test_restarts_are_capped(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    capped = profile.model_copy(update={"requeue": profile.requeue.model_copy(update={"restarts": 0})})
    (run.path / "first").write_text(ENDLESS)
    submission = submitted(slurm, steps("responses/a"), capped, run)
    assert until(lambda: calls(run) or None, 30)
    slurm.call("scancel", "--batch", "--signal=USR1", submission)
    assert list(slurm.wait_for([submission]).values()) == ["FAILED"]
    assert "kielo resubmit goes on from here" in log(run)


def test_a_cancelled_job_stays_cancelled(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    (run.path / "first").write_text(UNTIL_STOPPED)
    submission = submitted(slurm, job("training", [Task("sft/a")], resources=TWO), profile, run)
    assert until(lambda: "train sft/a rank 1 of 8" in calls(run) or None, 30)
    slurm.call("scancel", submission)
    assert list(slurm.wait_for([submission]).values()) == ["CANCELLED"]
    assert until(
        lambda: "CANCELLED" in slurm.call("squeue", "-h", "-t", "all", "-j", submission, "-o", "%T") or None, 10
    )
    assert "start 2" not in log(run)


def test_a_preempted_job_saves_and_is_started_again(slurm: Slurm, profile: Profile, run: RunFolder) -> None:
    (run.path / "first").write_text(ENDLESS)
    whole = replace(ONE, partition="scavenge", nodes=4, cores=56)
    low = submitted(slurm, replace(steps("responses/a"), resources=whole), profile, run)
    assert until(lambda: calls(run) or None, 30)
    first = slurm.call("sbatch", "--parsable", "-p", "standard-g", "-N4", "-t1", "-o", "/dev/null", "--wrap", "sleep 1")
    assert list(slurm.wait_for([first, low]).values()) == ["COMPLETED"] * 2, log(run)
    assert "another job goes first: the job is started again" in log(run)
    assert calls(run) == ["step responses/a", "stopped", "step responses/a"]


def test_modules_and_container_stand_around_python(
    slurm: Slurm, profile: Profile, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = {
        "modules": {"use": ["/a b"], "load": ["x", "y"]}, "srun": ["--quiet"],
        "container": {"image": "/an image's.sif", "binds": ["{run}:/data"], "options": ["--cleanenv"]},
    }  # fmt: skip
    inside = Profile.model_validate({**profile.model_dump(exclude_unset=True), **around})
    monkeypatch.setenv("PATH", f"{SHIMS}:{slurm.environment['PATH']}")
    shimmed = replace(slurm, environment={**slurm.environment, "PATH": f"{SHIMS}:{slurm.environment['PATH']}"})
    done = slurm.wait_for([submitted(shimmed, job("training", [Task("sft/a")], resources=TWO), inside, run)])
    assert list(done.values()) == ["COMPLETED"], log(run)
    assert ["module purge", "module use /a b", "module load x y"] == re.findall("module .*", log(run))
    assert log(run).count("singularity image /an image's.sif") == 4
    assert sorted(calls(run))[-2:] == ["train sft/a rank 0 of 8", "train sft/a rank 1 of 8"]


def acted(given: Job, profile: Profile, run: RunFolder, scontrol: str) -> str:
    """Run a script with a Slurm that is acted by programs; give what it says."""
    place = run.path / "bin"
    place.mkdir()
    acts = {"scontrol": scontrol, "sleep": "true", "srun": 'while [[ $1 == --* ]]; do shift; done; exec "$@"'}
    for name, act in acts.items():
        (place / name).write_text(
            f'#!/bin/bash\nrun={shlex.quote(str(run.path))}\necho "{name}" >> "$run/calls"\n{act}\n'
        )
        (place / name).chmod(0o755)
    script = run.path / "jobs" / "some.sbatch"
    script.write_text(script_text(given, watched(profile, 0), "recipe", run), encoding="utf-8")
    inherited = {"PYTHONPATH": "/host", **dict.fromkeys(("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"), "3")}
    slurms = {"SLURM_JOB_ID": "32005", "SLURM_JOB_NODELIST": "n1", "SLURM_NODEID": "0", "ROCR_VISIBLE_DEVICES": "0"}
    shell = {"PATH": f"{place}:/usr/bin:/bin", **inherited, **slurms}
    return subprocess.run(["bash", str(script)], env=shell, capture_output=True, text=True, timeout=60).stderr


def test_no_phase_begins_while_slurm_does_not_answer(profile: Profile, run: RunFolder) -> None:
    said = acted(job("training", [Task("sft/a")]), profile, run, '[ "$(grep -c scontrol "$run/calls")" != 2 ]')
    assert calls(run) == [
        "scontrol", "srun", "prepare sft/a", "scontrol", "sleep", "scontrol",
        "srun", "train sft/a rank 0 of 1", "scontrol", "srun", "collect sft/a",
    ], said  # fmt: skip


def test_a_slurm_that_never_answers_is_not_waited_for_without_end(profile: Profile, run: RunFolder) -> None:
    assert acted(steps("mix/b"), profile, run, "false").endswith("kielo: complete\n")
    assert calls(run) == [*["scontrol", "sleep"] * 9, "scontrol", "srun", "step mix/b"]


@pytest.mark.parametrize("boxed", [False, True])
def test_what_the_submitting_shell_has_set_leads_no_job_astray(profile: Profile, run: RunFolder, boxed: bool) -> None:
    python = run.path / "python"
    python.write_text('#!/bin/bash\n(printenv; ulimit -c) > "$4/seen"\n')
    python.chmod(0o755)
    box = {"container": {"image": "/usr/bin/env", "command": ["/usr/bin/env"]}} if boxed else {}
    given = {**profile.model_dump(exclude_unset=True), "python": str(python), **box}
    acted(steps("mix/b"), Profile.model_validate(given), run, "true")
    seen = (run.path / "seen").read_text().splitlines()
    assert not [line for line in seen if line.startswith(("CUDA_VISIBLE", "HIP_VISIBLE"))] and seen[-1] == "0"
    assert "ROCR_VISIBLE_DEVICES=0" in seen and f"PYTHONPATH={CHECKOUT}{'' if boxed else ':/host'}" in seen


def test_ports_lie_below_those_that_systems_give_away(profile: Profile, run: RunFolder) -> None:
    text = script_text(job("training", [Task("sft/a")]), profile, "recipe", run)
    ports = re.search(r"--master-port=(\$\(\(.*?\)\))", text)
    assert ports
    asked = f"for SLURM_JOB_ID in 0 11999 12000 9999999; do echo {ports[1]}; done"
    said = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["20000", "31999", "20000", "23999"]


def on_this_machine(given: Job, run: RunFolder) -> subprocess.Popen[str]:
    local = load_profile("local").model_copy(update={"python": str(SHIMS / "python")})
    script = run.path / "jobs" / "some.sbatch"
    here = replace(given, resources=replace(ONE, partition="here"))
    script.write_text(script_text(here, local, "recipe", run), encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "USER": "who", "SLURM_ARRAY_TASK_ID": "1"}
    return subprocess.Popen(["bash", str(script)], stderr=subprocess.PIPE, text=True, env=environment)


def test_without_slurm_the_scripts_run_as_they_are(run: RunFolder) -> None:
    process = on_this_machine(job("training", [Task("sft/a")], [Task("sft/b")]), run)
    assert process.communicate(timeout=30)[1] == "kielo: complete\n" and process.returncode == 0
    assert calls(run) == ["prepare sft/b", "train sft/b", "collect sft/b"]
    assert "#SBATCH" not in (run.path / "jobs" / "some.sbatch").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_slurm_a_signal_is_handed_on(run: RunFolder, number: signal.Signals) -> None:
    (run.path / "first").write_text(ENDLESS)
    process = on_this_machine(steps("responses/a", "eval/b"), run)
    assert until(lambda: calls(run) or None, 30)
    process.send_signal(number)
    assert "exit code 130" in process.communicate(timeout=30)[1] and process.returncode == 1


@pytest.mark.parametrize("named", [True, False])
def test_jobs_look_into_the_cache_that_the_profile_names_whatever_they_inherit(run: RunFolder, named: bool) -> None:
    profile = load_profile("local", [f"hub_cache={run.path}/hf"] if named else [])
    here = replace(ONE, partition="here", devices=0)
    text = script_text(job("steps", [Task("mix/en")], resources=here), profile, "recipe", run)
    head = text[: text.index("python=(")]
    inherited = {**dict.fromkeys(OTHER_CACHES, "elsewhere"), "HF_HOME": "usual", "PATH": os.environ["PATH"]}
    asked = f'{head}\nprintenv HF_HOME; for name in {" ".join(OTHER_CACHES)}; do printenv "$name" || echo none; done'
    said = subprocess.run(["bash", "-c", asked], env=inherited, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ([f"{run.path}/hf", *["none"] * 4] if named else ["usual", *["elsewhere"] * 4])


def test_packs_of_the_users_own_go_with_the_jobs(
    profile: Profile, run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "KIELO_PACKS" not in script_text(steps("one"), profile, "recipe", run)
    own = tmp_path / "my {user} packs"
    own.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIELO_PACKS", own.name)
    assert f"export KIELO_PACKS={shlex.quote(str(own))}\n" in script_text(steps("one"), profile, "recipe", run)
    other = profile.model_copy(update={"environment": {"KIELO_PACKS": "/packs"}})
    text = script_text(steps("one"), other, "recipe", run)
    assert text.count("export KIELO_PACKS=") == 1 and "export KIELO_PACKS=/packs\n" in text, "the profile holds"
