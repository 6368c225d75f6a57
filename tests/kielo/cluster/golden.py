"""The scripts of the paper's recipe on two clusters, kept to be read and compared; `python -m tests.kielo.cluster.golden` renews them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from kielo.cluster.jobs.placing import place
from kielo.cluster.jobs.resources import resources_of
from kielo.cluster.profiles.reading import load_profile
from kielo.cluster.scripts import script
from kielo.plan import make_plan
from kielo.provenance import CHECKOUT
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder

FOLDER = Path(__file__).parent / "golden"
PROFILES = ("lumi", "generic-cuda")
RECIPE = CHECKOUT / "recipes" / "fi-poro-34b.yaml"
ACCOUNT = "project_465000000"
HOME = Path("/projappl") / ACCOUNT / "kielo"
RUN = Path("/scratch") / ACCOUNT / "kielo" / "runs" / RECIPE.stem


def scripts(profile_name: str) -> Iterator[tuple[str, str]]:
    """Give the name and the text of every script, as an installation elsewhere would write it."""
    recipe, profile, run = load(RECIPE), load_profile(profile_name, account=ACCOUNT), RunFolder(RUN)
    jobs = place(recipe, make_plan(recipe), profile, run)
    with (
        patch.object(script, "CHECKOUT", HOME),
        patch.object(sys, "executable", str(HOME / ".venv" / "bin" / "python")),
    ):
        for number, job in enumerate(jobs, 1):
            yield f"{number:02}-{job.name}.sbatch", script.script_text(job, profile, recipe.name, run)
        folder, resources = RUN.with_name(f"preflight-{profile_name}"), resources_of(profile, "preflight")
        yield "preflight.sbatch", script.network_text(profile, resources, folder, limit_seconds=120)


def renew() -> None:
    """Write all of them anew; what changed is then read in the diff."""
    for profile in PROFILES:
        folder = FOLDER / profile
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.sbatch"):
            old.unlink()
        for name, text in scripts(profile):
            (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    renew()
