"""Every script of the paper's recipe on two clusters: as it was read and kept, sound bash, and what Slurm takes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kielo.cluster import golden
from tests.kielo.cluster.slurm_on_loopback import Slurm

KEPT = sorted(golden.FOLDER.glob("*/*.sbatch"))


@pytest.mark.parametrize("profile", golden.PROFILES)
def test_scripts_are_those_that_were_read(profile: str) -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in (golden.FOLDER / profile).glob("*")}
    made = dict(golden.scripts(profile))
    assert sorted(made) == sorted(kept), "renew them: python -m tests.kielo.cluster.golden"
    for name, text in made.items():
        assert text == kept[name], f"{name} changed; renew it and read the diff: python -m tests.kielo.cluster.golden"


def test_bash_can_read_every_script() -> None:
    assert len(KEPT) > 20
    for path in KEPT:
        done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), path


def test_shellcheck_finds_nothing() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", "-S", "warning", *map(str, KEPT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_directives_are_what_slurm_reads(path: Path) -> None:
    text = path.read_bytes().decode()
    lines = text.splitlines()
    first_command = next(place for place, line in enumerate(lines) if line and not line.startswith("#"))
    found = [place for place, line in enumerate(lines) if line.startswith("#SBATCH")]
    assert lines[0] == "#!/bin/bash" and found == list(range(1, len(found) + 1)) and found[-1] < first_command
    assert "\r" not in text and text.endswith("\n") and not re.search(r"[ \t]+$", text, re.MULTILINE)
    asked = dict(line.removeprefix("#SBATCH --").partition("=")[::2] for line in lines[1 : len(found) + 1])
    assert "$" not in "".join(asked.values()) and asked["output"].startswith("/")
    assert asked["account"] == golden.ACCOUNT and "dependency" not in asked and "comment" not in asked


def test_slurm_takes_every_script(slurm: Slurm) -> None:
    for path in KEPT:
        done = subprocess.run(
            ["sbatch", "--test-only", str(path)], env=slurm.environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{path}: {done.stderr}"
