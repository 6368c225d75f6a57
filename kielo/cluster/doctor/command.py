"""`kielo doctor`: holds a cluster profile against the cluster, and a recipe's jobs against both, one line for each finding."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kielo.cluster.doctor.findings import Finding, Keyed
from kielo.cluster.profiles.options import add_profile
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import load_with_files
from kielo.errors import ClusterError, RecipeError, RunFolderError, UsageError
from kielo.records import json_text

if TYPE_CHECKING:
    from kielo.schema import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("recipe", type=Path, nargs="?", metavar="RECIPE", help="look at the jobs of this recipe, too")
    add_profile(parser)
    parser.add_argument("--run", type=Path, metavar="FOLDER", dest="run_folder", help="run folder of the recipe")
    parser.add_argument(
        "--deep",
        action="store_true",
        help="start Python as jobs do; look at its packages, and at the folders in the container (a minute)",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON instead")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; returns 1 if anything is wrong."""
    profile, files = load_with_files(arguments.profile, arguments.changes, arguments.account)
    found = []
    for finding in _findings(profile, Keyed(files), arguments):
        found.append(finding)
        if not arguments.json:
            print(finding, flush=True)
    states = [finding.state for finding in found]
    wrong, look = states.count("wrong"), states.count("look")
    if arguments.json:
        print(json_text({"profile": profile.name, "findings": [asdict(finding) for finding in found]}), end="")
        return 1 if wrong else 0
    print(f"profile {profile.name}: {states.count('ok')} ok, {look} to look at, {wrong} wrong")
    return 1 if wrong else 0


def _findings(profile: Profile, keyed: Keyed, arguments: argparse.Namespace) -> Iterator[Finding]:
    from kielo.cluster.doctor.deep_checks import deep_findings
    from kielo.cluster.doctor.file_checks import file_findings
    from kielo.cluster.doctor.lock_checks import lock_findings

    sound = True
    if profile.scheduler == "slurm":
        for finding in _live(profile, keyed):
            sound = sound and finding.state != "wrong"
            yield finding
    yield from file_findings(profile, keyed)
    if profile.scheduler == "slurm":
        yield from lock_findings(arguments.run_folder or Path("runs"))
    if arguments.deep:
        yield from deep_findings(profile, arguments.run_folder or Path("runs"), keyed)
    if arguments.recipe:
        yield from _recipe(profile, arguments, sound)


def _live(profile: Profile, keyed: Keyed) -> Iterator[Finding]:
    from kielo.cluster.doctor.slurm_checks import slurm_findings
    from kielo.cluster.queue.live import read_live

    try:
        live = read_live()
    except ClusterError as error:
        yield Finding("wrong", str(error))
        return
    yield from slurm_findings(profile, live, keyed)


def _recipe(profile: Profile, arguments: argparse.Namespace, sound: bool) -> Iterator[Finding]:
    from kielo.recipe.reading import load

    try:
        recipe = load(arguments.recipe)
    except RecipeError as error:
        yield Finding("wrong", str(error))
        return
    yield from _hub(recipe, profile, arguments)
    yield from _jobs(recipe, profile, arguments.run_folder or Path("runs") / recipe.name, sound)


def _hub(recipe: Recipe, profile: Profile, arguments: argparse.Namespace) -> Iterator[Finding]:
    from kielo.cluster.hub.prefetch import command, hub_cache, missing

    try:
        lacking = missing(recipe, hub_cache(profile))
    except UsageError:  # said already, of the key hub_cache
        return
    fix = command(arguments.recipe, arguments.profile, arguments.account, arguments.changes)
    for need in lacking:
        yield Finding("wrong" if profile.offline else "look", f"{need} is not in the cache of the jobs; {fix}")
    if not lacking:
        yield Finding("ok", "the cache holds all that the recipe reads of the Hub")


def _jobs(recipe: Recipe, profile: Profile, folder: Path, sound: bool) -> Iterator[Finding]:
    """Render every script of a recipe and let Slurm look at each, unless the profile is not its own; nothing stays."""
    from kielo.cluster.jobs.placing import place, refuse_unfit
    from kielo.cluster.queue.slurm import try_out
    from kielo.cluster.scripts.script import script_text
    from kielo.plan import make_plan
    from kielo.run_folder import RunFolder

    place_of_run = RunFolder(folder)
    try:
        jobs = place(recipe, make_plan(recipe, None), profile, place_of_run)
        refuse_unfit(jobs, profile, recipe, place_of_run)
        texts = {job.name: script_text(job, profile, recipe.name, place_of_run) for job in jobs}
    except (UsageError, RecipeError, RunFolderError) as error:
        yield Finding("wrong", f"{recipe.name}: {error}")
        return
    if profile.scheduler != "slurm" or not sound:
        yield Finding("ok", f"{len(texts)} jobs fit the profile")
        return
    refused = []
    with tempfile.TemporaryDirectory(prefix="kielo-doctor-") as scratch:
        for name, text in texts.items():
            script = Path(scratch) / f"{name}.sbatch"
            script.write_text(text, "utf-8")
            try:
                try_out(script)
            except ClusterError as error:
                refused.append(Finding("wrong", str(error).replace(str(script), f"the job {name}")))
    yield from refused
    if not refused:
        yield Finding("ok", f"Slurm would take each of the {len(texts)} jobs")
