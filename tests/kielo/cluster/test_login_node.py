"""What is asked on a login node, as whole processes: it loads nothing heavy, and says what the jobs would miss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kielo.cluster.frozen import freeze
from kielo.cluster.jobs.placing import place
from kielo.cluster.profiles.reading import load_profile
from kielo.cluster.queue import manifest
from kielo.plan import make_plan
from kielo.provenance import CHECKOUT
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder

PAPER = CHECKOUT / "recipes" / "fi-poro-34b.yaml"
LUMI = ("--profile", "lumi", "--account", "project_465000000", "--set", "node_local=[]")
HEAVY = (
    "torch",
    "transformers",
    "trl",
    "datasets",
    "pyarrow",
    "scipy",
    "numpy",
    "httpx",
    "huggingface_hub.file_download",
)
_VERB = f"""
import sys
from kielo.cli import main
code = main(sys.argv[1:])
print("loaded:", [name for name in {HEAVY!r} if name in sys.modules])
sys.exit(code)
"""


def asked(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a verb in a folder, with a cache of the Hub that is empty."""
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT), "HF_HOME": str(folder / "hf")}
    command = [sys.executable, "-c", _VERB, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120)


def submitted(folder: Path) -> RunFolder:
    """Leave the paper's run as it is when its jobs have been written and none was queued."""
    recipe, run, lumi = load(PAPER), RunFolder(folder / "run"), load_profile("lumi", account="project_465000000")
    jobs = place(recipe, make_plan(recipe), lumi, run)
    freeze(recipe, None, lumi, run)
    manifest.write(run, manifest.begun(recipe.name, lumi.name, jobs, [f"{job.name}.sbatch" for job in jobs]))
    return run


@pytest.mark.parametrize("verb", ["submit", "plan", "status"])
def test_a_login_node_loads_nothing_heavy(verb: str, tmp_path: Path) -> None:
    options = {
        "submit": (PAPER, *LUMI, "--dry-run"),
        "plan": (PAPER, "--profile", "lumi"),
        "status": (tmp_path / "run",),
    }
    if verb == "status":
        submitted(tmp_path)
    done = asked(tmp_path, verb, *options[verb])
    assert done.stdout.splitlines()[-1] == "loaded: []", done.stdout + done.stderr
    assert not (tmp_path / "runs").exists()


def test_submit_says_what_jobs_without_a_network_would_miss(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "language: fi\nmodel: org/Base\ntranslate: {datasets: {c: {kind: conversations, hub: org/Chats}}}\n"
        "sft: {mixes: {m: {shares: {en: 1.0}}}}\n"
    )
    options = ("submit", recipe, "--profile", "loopback", "--run", tmp_path / "run", "--dry-run", "--set")
    done = asked(tmp_path, *options, f"hub_cache={tmp_path}/a cache")
    fix = f"kielo prefetch {recipe} --profile loopback --set 'hub_cache={tmp_path}/a cache'"
    assert done.returncode == 0
    assert done.stderr == (
        "2 things of the Hub are not in the cache of the jobs, which have no network "
        f"(model org/Base; data set org/Chats, train); before they begin: {fix}\n"
    )
    assert asked(tmp_path, *options, "offline=false").stderr == ""


def test_a_look_at_the_jobs_is_free_on_a_disk_that_they_do_not_see(tmp_path: Path) -> None:
    options = ("submit", CHECKOUT / "recipes/pocket-quick.yaml", "--profile", "loopback", "--run", tmp_path / "run")
    hidden = ("--set", f"node_local=[{tmp_path}]")
    looked = asked(tmp_path, *options, *hidden, "--dry-run")
    assert looked.returncode == 0 and looked.stdout.splitlines()[-2].endswith("nothing was written")
    assert f"from here it could not be queued: --run {tmp_path / 'run'}: {tmp_path} is a disk" in looked.stderr
    refused = asked(tmp_path, *options, *hidden, "--emit-only")
    assert refused.returncode == 2 and "is a disk of this node alone" in refused.stderr
    assert not (tmp_path / "run").exists()
