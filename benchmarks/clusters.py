"""Times what is asked on a login node, as whole processes: the plan of the paper's recipe on LUMI, its dry run, and the status of 200 jobs.

`python -m benchmarks.clusters [--rounds N]` prints wall and processor time of the fastest round beside the floor: Python that imports
pydantic and yaml and reads the recipe. The contenders take turns, with compiled modules, as a user has them. The queue is a stand-in on PATH that counts how often it is asked.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kielo.cluster.frozen import freeze
from kielo.cluster.jobs.placing import place
from kielo.cluster.profiles.reading import load_profile
from kielo.cluster.queue import manifest
from kielo.plan import make_plan
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder

LIMIT_SECONDS = 1.0
RECIPE = Path("recipes") / "fi-poro-34b.yaml"
_FLOOR = f"import pydantic, yaml; yaml.safe_load(open({str(RECIPE)!r}, encoding='utf-8'))"
_JOBS = 200
_QUEUE = '#!/bin/sh\necho "$@" >> "{folder}/calls"\ncat "{folder}/queue"\n'


@dataclass(frozen=True)
class Contender:
    """A command that is timed; `limit_seconds`: what its wall time is to stay under."""

    name: str
    command: tuple[str, ...]
    limit_seconds: float | None = None


def main() -> None:
    """Prepare a run of 200 jobs, time the commands, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as written:
        folder = Path(written)
        jobs = prepare(folder)
        timed = time_all(contenders(folder), rounds, environment(folder))
        calls = len((folder / "calls").read_text("utf-8").splitlines())
    floor = timed["floor"][0]
    print("| command | wall, s | processor, s | times the floor | under 1 s |\n|---|---:|---:|---:|---|")
    for each in contenders(folder):
        wall, processor = timed[each.name]
        met = "" if each.limit_seconds is None else "yes" if wall < each.limit_seconds else "no"
        print(f"| {each.name} | {wall:.2f} | {processor:.2f} | {wall / floor:.1f} | {met} |")
    print(f"\nstatus of {jobs} jobs: squeue was called {calls} times in {rounds + 1} runs")


def contenders(folder: Path) -> list[Contender]:
    """List what is timed."""
    kielo, recipe, lumi = (sys.executable, "-m", "kielo.cli"), str(RECIPE), ("--profile", "lumi")
    queued = ("--account", "project_465000000", "--set", "node_local=[]")  # wherever this checkout lies
    return [
        Contender("floor", (sys.executable, "-c", _FLOOR)),
        Contender("kielo plan --profile lumi", (*kielo, "plan", recipe, *lumi), LIMIT_SECONDS),
        Contender("kielo submit --dry-run", (*kielo, "submit", recipe, *lumi, *queued, "--dry-run"), LIMIT_SECONDS),
        Contender("kielo status, 200 jobs", (*kielo, "status", str(folder / "run"))),
    ]


def environment(folder: Path) -> dict[str, str]:
    """Put the stand-in for the queue before others, and compiled modules where no earlier ones lie."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def prepare(folder: Path) -> int:
    """Leave a run folder with 200 jobs or more and a squeue that knows them all; returns how many."""
    recipe, run = load(RECIPE), RunFolder(folder / "run")
    profile = load_profile("lumi", [f"jobs.translate.shards={_JOBS // 3}"])
    jobs = place(recipe, make_plan(recipe), profile, run)
    freeze(recipe, None, profile, run)
    made = manifest.begun(recipe.name, profile.name, jobs, [f"{job.name}.sbatch" for job in jobs])
    lines = []
    for number, job in enumerate(jobs, 1000):
        made = made.with_submission(job.name, manifest.Submission(str(number), None, manifest.now()))
        elements = [str(index) for index in range(len(job.elements))] if job.is_array else ["N/A"]
        lines += [f"{number}|{element}|PENDING|{job.resources.partition}|0:00|Dependency|" for element in elements]
    manifest.write(run, made)
    (folder / "queue").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "squeue").write_text(_QUEUE.format(folder=folder), "utf-8")
    (folder / "squeue").chmod(0o755)
    return len(lines)


def time_all(
    commands: Sequence[Contender], rounds: int, variables: Mapping[str, str]
) -> dict[str, tuple[float, float]]:
    """Give the least wall and processor seconds of every command; the first round, which compiles, does not count."""
    found: dict[str, list[tuple[float, float]]] = {each.name: [] for each in commands}
    for _ in range(rounds + 1):
        for each in commands:
            found[each.name].append(_time(each.command, variables))
    return {
        name: (min(wall for wall, _ in times[1:]), min(own for _, own in times[1:])) for name, times in found.items()
    }


def _time(command: tuple[str, ...], variables: Mapping[str, str]) -> tuple[float, float]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
