"""From steps to units, the smallest things that jobs are made of: a shard, a training, a model's answers with their scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kielo.cluster.jobs.job import Body, Task
from kielo.cluster.profiles.profile import Profile, Use, UseName
from kielo.plan import Step
from kielo.plan.selection import annotating_engines
from kielo.plan.steps import SHARDED
from kielo.schema import Engine, Recipe

_ON_DEVICES = ("hf", "vllm-server")
_WITH_A_MODEL = ("judge", "translation-quality", "annotate")
_SCORES = ("ifeval-scores", "question-scores")


@dataclass(frozen=True)
class Unit:
    """Tasks that stay together, in this order; units of one family may be elements of one array."""

    family: str
    use: UseName
    body: Body
    tasks: tuple[Task, ...]

    @property
    def on_device(self) -> bool:
        """Whether it asks for accelerators."""
        return self.use != "cpu"


def engines_of(recipe: Recipe, step: Step) -> tuple[Engine, ...]:
    """List the text generators that a step opens."""
    if step.kind == "translate":
        return recipe.translate.engines(recipe.translate.datasets[step.name.partition("/")[2]])
    if step.kind == "regenerate":
        return recipe.translate.datasets[step.name.partition("/")[2]].engine or ()
    if step.kind == "annotate":
        return annotating_engines(recipe, step.settings["annotate"]["needs"])
    if step.kind == "judge" and recipe.eval.judge:
        return recipe.eval.judge.engines
    return (recipe.eval.engine,) if step.kind == "responses" else ()


def units_of(recipe: Recipe, steps: Sequence[Step], profile: Profile) -> list[Unit]:
    """Make the units of steps, in the order of the plan; every step is in one, or in its shards and their merge."""
    alone = _references_of_one(steps)
    taken = {name for names in (*alone.values(), *_scores(steps).values()) for name in names}
    scores, found = _scores(steps), list[Unit]()
    for step in steps:
        if step.name not in taken:
            together = (*alone.get(step.name, ()), step.name, *scores.get(step.name, ()))
            found += _units(recipe, step, tuple(map(Task, together)), profile.jobs.translate)
    return found


def _references_of_one(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """Find the reference passes that one training alone uses: training -> its passes."""
    users = {
        step.name: [each.name for each in steps if step.name in each.inputs and each.kind == "dpo"]
        for step in steps
        if step.kind == "reference"
    }
    found: dict[str, tuple[str, ...]] = {}
    for reference, trainings in users.items():
        if len(trainings) == 1:
            found[trainings[0]] = (*found.get(trainings[0], ()), reference)
    return found


def _scores(steps: Sequence[Step]) -> dict[str, tuple[str, ...]]:
    """Find the scores of each model's answers: responses -> scores."""
    return {
        step.name: tuple(each.name for each in steps if each.kind in _SCORES and step.name in each.inputs)
        for step in steps
        if step.kind == "responses"
    }


def _units(recipe: Recipe, step: Step, tasks: tuple[Task, ...], translate: Use) -> Iterator[Unit]:
    if step.kind in ("sft", "dpo", "reference"):
        yield Unit(step.kind, "train", "training", tasks)
    elif step.kind == "responses" or (step.kind in _WITH_A_MODEL and step.accelerator):
        yield Unit(step.kind, "evaluate", "steps", tasks)
    elif step.kind in SHARDED and any(engine.kind in _ON_DEVICES for engine in engines_of(recipe, step)):
        yield from _in_shards(step.name, translate)
    else:
        yield Unit("cpu", "cpu", "steps", tasks)


def _in_shards(name: str, use: Use) -> Iterator[Unit]:
    """Make one element for each of `shards`, each with a shard for every node, and the merge; a single shard is the step."""
    of_all = use.shards * use.nodes
    if of_all == 1:
        yield Unit(name, "translate", "steps", (Task(name),))
        return
    body: Body = "shards" if use.nodes > 1 else "steps"
    for element in range(use.shards):
        numbers = range(element * use.nodes + 1, (element + 1) * use.nodes + 1)
        yield Unit(name, "translate", body, tuple(Task(name, f"{number}/{of_all}") for number in numbers))
    yield Unit("cpu", "cpu", "steps", (Task(name),))


def needs_of(units: Sequence[tuple[Task, ...]], steps: Sequence[Step]) -> list[frozenset[Task]]:
    """List, for each tuple of tasks, the tasks elsewhere that must be complete before it starts."""
    inputs: Mapping[str, tuple[str, ...]] = {step.name: step.inputs for step in steps}
    shards: dict[str, list[Task]] = {}
    for task in (task for tasks in units for task in tasks if task.shard):
        shards.setdefault(task.step, []).append(task)

    def before(task: Task) -> Iterator[Task]:
        yield from (Task(name) for name in inputs[task.step] if name in inputs)
        if task.shard is None:
            yield from shards.get(task.step, ())

    return [frozenset(need for task in tasks for need in before(task)) - set(tasks) for tasks in units]
