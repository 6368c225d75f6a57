"""`kielo doctor` on a real Slurm: what agrees is ok, and every kind of disagreement is named with its key, file and line."""

from __future__ import annotations

import argparse
import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kielo.cluster.doctor import command as doctor
from kielo.cluster.doctor import lock_checks
from kielo.cluster.doctor.findings import Keyed
from kielo.cluster.doctor.slurm_checks import slurm_findings
from kielo.cluster.profiles.reading import load_profile, load_with_files
from kielo.cluster.queue.live import read_live
from kielo.provenance import CHECKOUT
from tests.kielo.cluster.slurm_on_loopback import Slurm

QUICK = str(CHECKOUT / "recipes" / "pocket-quick.yaml")


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SBATCH_ACCOUNT", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def examined(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """Run the verb; returns its exit code and lines."""
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    code = doctor.run(parser.parse_args(arguments))
    return code, capsys.readouterr().out.splitlines()


def lines(found: list[str], state: str) -> list[str]:
    return [line for line in found if line.startswith(state)]


def program(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program first on PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_profile_of_this_slurm_is_good_with_a_recipe(slurm: Slurm, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = examined(capsys, QUICK, "--profile", "loopback")
    assert code == 0 and not lines(found, "wrong"), found
    assert any("4 nodes" in line for line in lines(found, "ok"))
    assert any("Slurm would take each of the" in line for line in lines(found, "ok"))
    assert found[-1].endswith(" 0 wrong")
    assert not Path("runs").exists() and not slurm.call("squeue", "-h", "-t", "PENDING,RUNNING")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("partitions.small-g.hours=73", "partitions.small-g.hours: 73, but Slurm ends jobs after 72; write that"),
        ("partitions.small-g.nodes=5", "partitions.small-g.nodes: 5, but Slurm gives a job at most 4; write that"),
        ("partitions.standard-g.allocation=share", "partitions.standard-g.allocation: share, but Slurm gives whole nodes only"),
        ("partitions.small-g.node.cores=64", "partitions.small-g.node.cores: 64, but jobs can use 56 of a node; write that"),
        ("partitions.small-g.node.memory_gb=512", "partitions.small-g.node.memory_gb: 512, but jobs can use 480 of a node"),
        ("partitions.small-g.node.devices=9", "partitions.small-g.node.devices: 9, but a node has 8; write that"),
        ("partitions.small-g.node.gres=a100", "partitions.small-g.node.gres: a100, but Slurm knows mi250 there"),
        ("architecture=aarch64", "architecture: aarch64, but nodes of standard-g are x86_64; write that"),
        ("account_needed=true", "account: none, and Slurm refuses jobs without one"),
        ("jobs.translate.shards=1000", None),
        ("hub_cache=/tmp/cache", None),
    ],
)  # fmt: skip
def test_each_disagreement_with_slurm_is_named(
    slurm: Slurm, capsys: pytest.CaptureFixture[str], change: str, said: str | None
) -> None:
    code, found = examined(capsys, "--profile", "loopback", "--set", change)
    wrong = lines(found, "wrong")
    if said is None:
        assert code == 0 and not wrong
    else:
        assert code == 1 and any(said in line for line in wrong), found
        assert any(f"(--set {change})" in line or "loopback.yaml" in line for line in wrong)


def test_a_partition_that_is_not_there_is_wrong_only_where_jobs_use_it(
    slurm: Slurm, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "based_on: loopback\npartitions:\n  smallg: {node: {cores: 8, memory_gb: 8}, hours: 1}\n"
        "  smal-g: {node: {cores: 8, memory_gb: 8}, hours: 1}\njobs: {cpu: {partition: smal-g, hours: 1}}\n"
    )
    code, found = examined(capsys, "--profile", str(profile))
    assert code == 1
    assert [line for line in lines(found, "look") if "partitions.smallg" in line and "mine.yaml, line 3" in line]
    (wrong,) = lines(found, "wrong")
    assert "partitions.smal-g: Slurm has no such partition; did you mean 'small-g'? (" in wrong and "line 4)" in wrong


def test_nodes_that_are_down_are_to_be_looked_at(slurm: Slurm, capsys: pytest.CaptureFixture[str]) -> None:
    slurm.call("scontrol", "update", "NodeName=n[2-4]", "State=DRAIN", "Reason=for the test State=UP")
    try:
        _, found = examined(capsys, "--profile", "loopback")
    finally:
        slurm.call("scontrol", "update", "NodeName=n[2-4]", "State=RESUME")
        slurm.wait_for_nodes()
    assert any("only 1 of its 4 nodes are up, and a job takes 2" in line for line in lines(found, "look")), found


def test_what_slurm_refuses_is_said_job_by_job(
    slurm: Slurm, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses = 'case "$*" in *sft*) echo "sbatch: error: Batch job submission failed: no such luck" >&2; exit 1;; esac'
    program(tmp_path / "bin", "sbatch", refuses, monkeypatch)
    code, found = examined(capsys, QUICK, "--profile", "loopback")
    wrong = lines(found, "wrong")
    assert code == 1 and "Slurm refuses the job sft" in "\n".join(wrong), found
    assert not any("source" in line for line in wrong)


def test_settings_of_slurm_that_matter_are_told(slurm: Slurm) -> None:
    profile, files = load_with_files("loopback", ["jobs.translate.shards=200"])
    settings = {"MaxArraySize": "100", "SelectType": "select/linear", "EnforcePartLimits": "NO"}
    found = "\n".join(map(str, slurm_findings(profile, replace(read_live(), settings=settings), Keyed(files))))
    assert "wrong  jobs.translate.shards: 200, but MaxArraySize is 100" in found
    assert "look   SelectType is select/linear" in found and "look   EnforcePartLimits is NO" in found


def test_accounts_and_limits_come_from_accounting(
    slurm: Slurm, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = 'case "$*" in *assoc*) echo "project_1|normal,long"; echo "project_2|normal";; *qos*) echo "normal|"; echo "long|20";; esac'
    program(tmp_path / "bin", "sacctmgr", told, monkeypatch)
    qos = ["--set", "partitions.small-g.qos=long"]
    _, found = examined(capsys, "--profile", "loopback", "--account", "project_1", *qos)
    assert "ok     account: project_1 is yours" in found
    assert any("partitions.small-g.jobs: 210, but Slurm takes 20 of a user" in line for line in lines(found, "wrong"))
    _, found = examined(
        capsys, "--profile", "loopback", "--account", "project_3", "--set", "partitions.small-g.qos=short"
    )
    wrong = lines(found, "wrong")
    assert any("account: project_3 is no account of yours; did you mean 'project_" in line for line in wrong)
    assert any("partitions.small-g.qos: short is none of yours (normal, long)" in line for line in wrong)


def test_without_slurm_the_rest_is_looked_at_all_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, found = examined(capsys, QUICK, "--profile", "loopback")
    assert code == 1
    assert "scontrol is not on this machine's PATH" in lines(found, "wrong")[0]
    assert any("jobs fit the profile" in line for line in found)


def test_a_machine_without_a_scheduler_is_asked_for_no_slurm(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, found = examined(capsys, QUICK, "--profile", "local")
    assert code == 0 and not lines(found, "wrong"), found
    code, printed = examined(capsys, QUICK, "--profile", "local", "--json")
    said = json.loads("\n".join(printed))
    assert code == 0 and [f"{each['state']:5}  {each['text']}" for each in said["findings"]] == found[:-1]


FILES = """\
based_on: local
scheduler: slurm
container:
  image: {folder}/absent.sif
  command: [no-such-singularity, exec]
  binds: ["{folder}/absent.sqsh:/software:image-src=/", "{folder}:/data", "/scratch/{{job}}:/x"]
modules: {{use: [{folder}/absent-modules]}}
hub_cache: {folder}/local/{{user}}/hf
node_local: [{folder}/local]
environment: {{MIOPEN_CUSTOM_CACHE_DIR: "{folder}/local/{{job}}", VLLM_CACHE_ROOT: "/proc/nowhere", TRITON_CACHE_DIR: "{folder}/new/triton"}}
"""


def test_files_and_folders_are_looked_at(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(FILES.format(folder=tmp_path))
    code, found = examined(capsys, "--profile", str(profile))
    wrong, look = "\n".join(lines(found, "wrong")), "\n".join(lines(found, "look"))
    assert code == 1
    assert f"container.image: {tmp_path}/absent.sif is not there" in wrong and "mine.yaml, line 4)" in wrong
    assert f"container.binds.0: {tmp_path}/absent.sqsh is not there" in wrong and "container.binds.1" not in wrong
    assert "modules.use.0: " in wrong and "container.command: no-such-singularity is not on PATH here" in look
    assert f"hub_cache: {tmp_path}/local/" in wrong and "which other nodes do not see" in wrong
    assert (
        "environment.VLLM_CACHE_ROOT: /proc/nowhere cannot be written: /proc is closed to you" in wrong
        or os.geteuid() == 0
    )
    assert f"ok     environment.TRITON_CACHE_DIR: {tmp_path}/new/triton can be made" in found
    assert "MIOPEN_CUSTOM_CACHE_DIR" not in "\n".join(found), "it is made on each node"


def test_quotas_of_lustre_are_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = 'case "$*" in project*) echo "  4620 P $3";; *-p\\ 4620*) echo "  /scratch  900000000* 0 1000000000 - 5 0 0 -";; *) echo "  /scratch 12 0 0 - 5 0 0 -";; esac'
    program(tmp_path / "bin", "lfs", told, monkeypatch)
    _, found = examined(capsys, "--profile", "local")
    assert any("the quota of its project leaves 102 of 1,024 GB" in line for line in lines(found, "look")), found
    assert not any("the quota of you" in line for line in found), "0 is no limit"


@pytest.mark.parametrize(
    ("mounts", "state", "said"),
    [
        ("dev / ext4 rw 0 0", "ok", " (ext4 at /) takes file locks"),
        ("fs HERE lustre rw,flock 0 0", "ok", "takes file locks"),
        ("fs HERE lustre rw,user_xattr 0 0", "look", "it is mounted without flock, so that file locks do not hold between nodes"),
        ("fs HERE lustre rw,localflock 0 0", "look", "it is mounted with localflock"),
        ("fs HERE lustre rw,flock 0 0\nfs HERE nfs rw,local_lock=all 0 0", "look", "it is mounted with local_lock=all"),
        ("fs HERE nfs4 rw,local_lock=none 0 0\nfs HEREx lustre rw 0 0", "ok", "(nfs4 at "),
        ("", "ok", "takes file locks"),
    ],
)  # fmt: skip
def test_locks_between_nodes_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: str, state: str, said: str
) -> None:
    shared = tmp_path / "shared runs"
    shared.mkdir()
    written = "dev / ext4 rw 0 0\n" + mounts.replace("HERE", str(shared).replace(" ", "\\040"))
    (tmp_path / "mounts").write_text(f"{written}\n" if mounts else "")
    monkeypatch.setattr(lock_checks, "_MOUNTS", tmp_path / "mounts")
    (finding,) = lock_checks.lock_findings(shared / "runs" / "new")
    assert finding.state == state and said in finding.text and str(shared) in finding.text
    assert (state == "look") == ("kielo run" in finding.text)


def test_a_file_system_that_takes_no_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(lock_checks.fcntl, "flock", refused)
    (finding,) = lock_checks.lock_findings(tmp_path)
    assert finding.state == "look" and "it takes no file locks (Function not implemented)" in finding.text


def test_models_that_jobs_would_miss_are_named_with_the_command_that_brings_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, found = examined(
        capsys, str(CHECKOUT / "recipes" / "fi-poro-34b.yaml"), "--profile", "local", "--set", "offline=true"
    )
    (model,) = [line for line in lines(found, "wrong") if "model LumiOpen/Poro-34B" in line]
    assert code == 1 and model.endswith("fi-poro-34b.yaml --profile local --set offline=true")


def test_python_is_started_with_modules_and_container(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container is a program that notes what it is given; `module` is defined as a login shell would."""
    image = tmp_path / "an image.sif"
    image.touch()
    program(
        tmp_path / "bin",
        "box",
        f'[[ " $* " != *" sh -c "* ]] || exit 1; printf "%s\\n" "$@" "$PYTHONNOUSERSITE" "${{CACHE-none}}" >> {tmp_path}/box.txt; echo "trl is 0.1; Kielo needs 1"; exit 1',
        monkeypatch,
    )
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "based_on: local\nenvironment: {PYTHONNOUSERSITE: '1', CACHE: '/tmp/{job}'}\npython: /venv/bin/python\nmodules: {use: ['/a b'], load: ['x; touch /canary']}\n"
        f"container: {{image: '{image}', command: [box, run], binds: ['/data:/data']}}\n"
    )
    monkeypatch.setenv("BASH_FUNC_module%%", f'() {{ printf "<%s>" "$@" >> {tmp_path}/module.txt; }}')
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bash_profile").write_text(f"PATH={tmp_path}/bin:$PATH\n")
    code, found = examined(capsys, "--profile", str(profile), "--deep")
    assert code == 1 and any("container: trl is 0.1; Kielo needs 1 (" in line for line in lines(found, "wrong")), found
    given = (tmp_path / "box.txt").read_text().splitlines()
    assert given == [
        "run",
        "--bind",
        "/data:/data",
        str(image),
        "/venv/bin/python",
        "-m",
        "kielo.cluster.doctor.packages",
        "1",
        "none",
    ]
    assert (tmp_path / "module.txt").read_text() == "<purge><use></a b><load><x; touch /canary>" * 2


@pytest.mark.parametrize("answer", ["absent", "closed", "there"])
def test_folders_are_looked_for_inside_the_container(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """The container is a program that sees the run folder elsewhere, or says of every folder that it is closed."""
    (tmp_path / "runs").mkdir()
    inside = {"absent": "/absent", "there": f"{tmp_path}/runs", "closed": ""}[answer]
    acts = f'shift 2; exec "${{@/#*\\/runs/{inside}}}"' if inside else "echo welcome; echo closed closed closed"
    program(tmp_path / "bin", "box", f'[[ " $* " == *" sh -c "* ]] || exit 1; {acts}', monkeypatch)
    image = ("container={image: /image, command: [box, run], bind_option: x}", f"hub_cache={tmp_path}/hf")
    changes = [word for change in image for word in ("--set", change)]
    code, found = examined(capsys, "--profile", "local", *changes, "--deep", "--run", str(tmp_path / "runs" / "new"))
    said = [line for line in found if "container.binds: " in line and "inside" in line]
    assert len(said) == 3 and f"ok     container.binds: this checkout is seen inside: {CHECKOUT}" in said, found
    runs = f"{tmp_path}/runs"
    expected = {
        "absent": f"wrong  container.binds: the run folder is not seen inside: {runs}; add '{runs}:{runs}' (--set {image[0]})",
        "closed": f"wrong  container.binds: the run folder cannot be written inside: {runs}; bind it without `:ro`",
        "there": f"ok     container.binds: the run folder is seen inside: {runs}",
    }
    assert any(line.startswith(expected[answer]) for line in said), found
    assert any("the Hub's cache" in line and ("cannot" in line) == (answer == "closed") for line in said), found


def test_python_that_does_not_start_is_said_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for python, said in (("/bin/false", "Python ended with exit code 1"), (f"{tmp_path}/absent", "cannot be run here")):
        code, found = examined(capsys, "--profile", "local", "--set", f"python={python}", "--deep")
        assert code == 1 and any("python: " in line and said in line for line in lines(found, "wrong")), found


def test_this_python_has_what_kielo_needs(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = examined(capsys, "--profile", "local", "--deep")
    assert code == 0 and "ok     python: Python starts there and has Kielo's packages" in found, found


def test_a_damaged_recipe_is_one_finding_among_others(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = tmp_path / "broken.yaml"
    recipe.write_text("langauge: fi\n")
    code, found = examined(capsys, str(recipe), "--profile", "local")
    assert code == 1 and "unknown key 'langauge'" in lines(found, "wrong")[0]


def test_profiles_of_clusters_elsewhere_name_an_image_by_its_date() -> None:
    for name in ("lumi", "lumi-r64"):
        container = load_profile(name).container
        assert container and "latest" not in container.image
