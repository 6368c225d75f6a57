"""A recipe that tests submit in this process: its run folder, what Slurm has of it, what came of it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from kielo.cluster.queue.manifest import Manifest, read
from kielo.plan import Step, make_plan
from kielo.recipe.reading import load
from kielo.records import read_jsonl
from kielo.run_folder import RunFolder


@dataclass
class SubmittedRun:
    """A recipe and, beside it, its run folder."""

    folder: Path
    recipe: Path

    @property
    def run(self) -> RunFolder:
        """The run folder."""
        return RunFolder(self.folder / "run")

    @property
    def plan(self) -> list[Step]:
        """The steps of the recipe."""
        return make_plan(load(self.recipe))

    @property
    def manifest(self) -> Manifest:
        """What was submitted."""
        found = read(self.run)
        assert found is not None
        return found

    @property
    def ids(self) -> list[str]:
        """The numbers of all jobs that were submitted."""
        return [each.id for job in self.manifest.jobs for each in job.submissions]

    def newest(self, job: str) -> str:
        """The number under which Slurm has a job."""
        return self.manifest.job(job).submissions[-1].id

    def call(self, module: ModuleType, *words: object) -> None:
        """Call a verb on this run."""
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        module.run(parser.parse_args([str(self.recipe), *map(str, words), "--run", str(self.run.path)]))

    def incomplete(self) -> list[str]:
        """Name the steps that are not complete."""
        return [step.name for step in self.plan if self.run.standing(step).state != "complete"]

    def rows(self, *files: str) -> list[dict[str, Any]]:
        """Read the lines of JSONL files of the run folder, some of which may be patterns."""
        return [row for file in files for path in sorted(self.run.path.glob(file)) for _, row in read_jsonl(path)]

    def logs(self) -> str:
        """What all jobs have said."""
        return "\n".join(path.read_text("utf-8") for path in sorted((self.run.path / "jobs/logs").iterdir()))
