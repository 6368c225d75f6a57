"""What of a plan is there, by the run folder's own records: they alone say whether a job has done its work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kielo.cluster.jobs.job import Task
from kielo.plan import Step
from kielo.run_folder import RunFolder
from translate.shards import parse_shard, shard_complete


@dataclass
class Results:
    """What of a plan is complete in the run folder; every step is looked at once."""

    run: RunFolder
    steps: Mapping[str, Step]
    redo: frozenset[str] = frozenset()
    """Steps that will be made again."""
    _complete: dict[str, bool] = field(default_factory=dict)
    _changed: dict[str, bool] = field(default_factory=dict)

    def complete(self, name: str) -> bool:
        """Tell whether a step is complete, made with these settings, and everything it stands on is, too."""
        if name not in self._complete:
            kept = name in self.steps and name not in self.redo
            self._complete[name] = kept and self._stands(self.steps[name])
        return self._complete[name]

    def _stands(self, step: Step) -> bool:
        made = self.run.record(step.name) is not None and not self._is_changed(step)
        return made and all(self.complete(each) for each in step.inputs)

    def _is_changed(self, step: Step) -> bool:
        """Tell whether its settings are others; which packages this machine has says nothing of those the jobs run with."""
        if step.name not in self._changed:
            changes = self.run.standing(step).changes
            self._changed[step.name] = any(not change.startswith("versions.") for change in changes)
        return self._changed[step.name]

    def done(self, tasks: Iterable[Task]) -> bool:
        """Tell whether the results of some tasks are there."""
        return all(self.complete(task.step) or self._shard_done(task) for task in tasks)

    def _shard_done(self, task: Task) -> bool:
        step = self.steps.get(task.step)
        if task.shard is None or step is None or step.name in self.redo or self._is_changed(step):
            return False
        inputs = all(self.complete(each) for each in step.inputs)
        return inputs and shard_complete(self.run.folder(step.name), parse_shard(task.shard))
