"""Masks of cores in scripts: only for jobs that have whole nodes with something on every device, and then by nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kielo.cluster.jobs.job import Job, Resources, Task
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import load_profile
from kielo.cluster.scripts.script import network_text, script_text
from kielo.run_folder import RunFolder

WHOLE = Resources("standard-g", nodes=4, cores=56, memory_gb=480, devices=8, minutes=60, processes=8)
MASKS = "export KIELO_CPU_MASKS=0xfe000000000000,0xfe00000000000000,0xfe0000,0xfe000000,0xfe,0xfe00,0xfe00000000,0xfe0000000000\n"
BINDING = "--numa-binding=exclusive"


@pytest.fixture
def lumi() -> Profile:
    return load_profile("lumi", account="project_465000000")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def training(profile: Profile, run: RunFolder, resources: Resources) -> str:
    return script_text(Job("sft", "train", "training", ((Task("sft/a"),),), resources), profile, "r", run)


def servers(profile: Profile, run: RunFolder, resources: Resources, number: int | None) -> str:
    elements = ((Task("translate/x", "1/2"),), (Task("translate/x", "2/2"),))
    job = Job("translate", "translate", "steps", elements, resources, servers=number, tensor_parallel=2)
    return script_text(job, profile, "r", run)


@pytest.mark.parametrize(
    ("changed", "bound"),
    [
        ({}, True),
        ({"partition": "small-g"}, True),
        ({"processes": 4}, False),
        ({"devices": 4, "processes": 4, "cores": 28}, False),
        ({"cores": 28}, False),
    ],
)
def test_masks_bind_trainings_on_whole_nodes_and_torchrun_the_others(
    lumi: Profile, run: RunFolder, changed: dict[str, int], bound: bool
) -> None:
    text = training(lumi, run, replace(WHOLE, **changed))  # type: ignore[arg-type]
    assert (MASKS in text, BINDING in text) == (bound, not bound)


def test_servers_on_a_whole_node_and_the_trial_of_the_network_are_bound(lumi: Profile, run: RunFolder) -> None:
    one = replace(WHOLE, nodes=1, processes=1)
    assert MASKS in servers(lumi, run, one, 4)
    assert MASKS not in servers(lumi, run, replace(one, devices=2, cores=14), 1)
    assert MASKS not in servers(lumi, run, one, None), "an engine in the process itself has no place of its own"
    assert MASKS in network_text(lumi, WHOLE, run.path) and BINDING not in network_text(lumi, WHOLE, run.path)


@pytest.mark.parametrize("written", [("--numa-binding", "exclusive"), ("--numa_binding=node",)])
def test_only_the_second_binder_is_left_out(lumi: Profile, run: RunFolder, written: tuple[str, ...]) -> None:
    profile = lumi.model_copy(update={"torchrun": ("--tee=3", *written, "--log-dir=x")})
    assert " --tee=3 --log-dir=x\n" in training(profile, run, WHOLE)
    assert f" --tee=3 {' '.join(written)} --log-dir=x\n" in training(profile, run, replace(WHOLE, processes=4))
