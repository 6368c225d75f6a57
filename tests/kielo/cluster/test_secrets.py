"""Keys in the environment of `kielo submit`: jobs can use them, and no file of the run, no log and none of Slurm's lists holds them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kielo.cluster import status
from kielo.cluster.queue import manifest
from kielo.run_folder import RunFolder
from kielo.verbs import submit
from tests.kielo.cluster.slurm_on_loopback import Slurm
from tests.translate.deepl_server import KEY, DeepLServer, serving

SECRETS = {"HF_TOKEN": "hf_Secret-of-the-Hub-77", "OPENAI_API_KEY": "sk-Secret-of-a-server-88"}
WRONG_KEY = "wrong-Secret-of-DeepL-99:fx"
RECIPE = """
language: fi
model: pocket
translate:
  engine: {kind: deepl}
  datasets: {chats: {kind: conversations, pocket: oasst2, rows: 6}}
sft: {mixes: {half: {shares: {en: 1.0}}}}
"""


@pytest.fixture
def deepl(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeepLServer]:
    pytest.importorskip("deepl")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with serving(monkeypatch) as server:
        yield server


def submitted(folder: Path, *options: str) -> RunFolder:
    """Submit the source and the translation of a recipe."""
    recipe = folder / "chats.yaml"
    recipe.write_text(RECIPE, "utf-8")
    parser = argparse.ArgumentParser()
    submit.add_arguments(parser)
    only = ("--only", "source", "--only", "translate", "--run", str(folder / "run"))
    submit.run(parser.parse_args([str(recipe), "--profile", "loopback", *only, *options]))
    return RunFolder(folder / "run")


def wait_for_all(slurm: Slurm, run: RunFolder) -> None:
    found = manifest.read(run)
    assert found is not None
    slurm.wait_for([each.id for job in found.jobs for each in job.submissions], 90)


def everything_written(slurm: Slurm, folder: Path) -> bytes:
    """Collect all that a run left: its files, hidden ones too, their names, and what Slurm tells anybody of its jobs."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    told = [slurm.call("scontrol", "show", "job", "-d"), slurm.call("squeue", "-r", "-t", "all", "-o", "%all")]
    return b"\n".join(
        [*(path.read_bytes() for path in paths), *(str(path).encode() for path in paths), *map(str.encode, told)]
    )


def test_jobs_use_a_key_that_is_written_nowhere(
    slurm: Slurm, deepl: DeepLServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = submitted(tmp_path)
    wait_for_all(slurm, run)
    assert run.record("translate/chats") and deepl.sent  # it answers nobody without the key
    parser = argparse.ArgumentParser()
    status.add_arguments(parser)
    status.run(parser.parse_args([str(run.path)]))
    shown = "".join(capfd.readouterr()).encode()
    written = everything_written(slurm, tmp_path) + shown
    assert re.search(rb"JobName=kielo-chats-", written) and b"kielo: job " in written  # lists and logs were looked at
    for secret in (KEY, *SECRETS.values()):
        assert secret.encode() not in written


def test_a_job_that_fails_over_its_key_does_not_tell_it(
    slurm: Slurm, deepl: DeepLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPL_AUTH_KEY", WRONG_KEY)
    run = submitted(tmp_path)
    wait_for_all(slurm, run)
    written = everything_written(slurm, tmp_path)
    assert run.record("translate/chats") is None and b"check DEEPL_AUTH_KEY" in written
    for secret in (WRONG_KEY, *SECRETS.values()):
        assert secret.encode() not in written


def test_scripts_that_are_only_written_hold_no_key(deepl: DeepLServer, tmp_path: Path) -> None:
    run = submitted(tmp_path, "--emit-only")
    files = {path.name: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert "submit.sh" in files and any(name.endswith(".sbatch") for name in files)
    for secret in (KEY, *SECRETS.values()):
        assert not [name for name, content in files.items() if secret.encode() in content]
