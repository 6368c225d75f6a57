"""Walks a plan on this machine: skips what is complete, continues what was interrupted, stops at what was changed."""

from __future__ import annotations

import errno
import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kielo.errors import KieloError, MissingExtraError, RunFolderError
from kielo.plan import Kind, Outcome, Step, Workplace
from kielo.recipe import Recipe
from kielo.run_folder import RunFolder, Standing

FUNCTIONS: Mapping[Kind, str] = {
    "source": "translate.sources", "translate": "translate.stage", "mix": "align.mix", "sft": "align.sft", "dpo": "align.dpo",
    "eval": "eval.stage", "translation-quality": "eval.translation_quality", "report": "eval.report.stage",
}  # fmt: skip
EXTRAS: Mapping[Kind, str] = {"sft": "train", "dpo": "train", "translate": "train", "eval": "train,eval", "translation-quality": "eval"}


@dataclass(frozen=True)
class Job:
    """What the user asked for: which steps, and which of them to make again."""

    steps: tuple[Step, ...]
    redo: frozenset[str] = frozenset()


def say(text: str) -> None:
    """Tell the user what happens, on standard error (standard output is for results)."""
    print(text, file=sys.stderr, flush=True)


def execute(recipe: Recipe, run: RunFolder, job: Job) -> None:
    """Make every step of the job that is not complete.

    Raises:
        RunFolderError: a step was made with other settings, or an input outside the job is not complete.
        KieloError: a step found a mistake the user can mend.
    """
    run.claim(recipe)
    _refuse_changed(run, job)
    made_again = set(job.redo)
    for number, step in enumerate(job.steps, 1):
        label = f"[{number}/{len(job.steps)}] {step.name}"
        with run.lock(step.name):
            if _make(recipe, run, step, label, made_again):
                made_again.add(step.name)


def _refuse_changed(run: RunFolder, job: Job) -> None:
    """Look at every step before making any: a typo in the last step must not be found after the first ten."""
    for step in job.steps:
        standing = run.standing(step)
        if standing.state == "changed" and step.name not in job.redo and not _follows(step, standing, job.redo):
            raise RunFolderError(_changed(run, step, standing))


def _make(recipe: Recipe, run: RunFolder, step: Step, label: str, made_again: set[str]) -> bool:
    standing = run.standing(step)
    if step.name in made_again or (standing.state == "changed" and _follows(step, standing, made_again)):
        run.clear(step.name)
        standing = run.standing(step)
    if standing.state == "changed":
        raise RunFolderError(_changed(run, step, standing))
    if standing.state == "complete":
        lost = run.damaged(step.name)
        if lost:
            raise RunFolderError(f"{run.folder(step.name)}: '{lost}' is missing from a complete step; make it again with --redo {step.name}.")
        return False
    missing = [name for name in step.inputs if run.record(name) is None]
    if missing:
        raise RunFolderError(f"step {step.name} needs {', '.join(missing)}, which is not complete; run it first (or leave out --only).")
    say(f"{label}{' (continued)' if standing.state == 'begun' else ''}")
    began = run.begin(step)
    outcome = _call(step, Workplace(step, recipe, run.folder(step.name), {name: run.folder(name) for name in step.inputs}))
    run.finish(step, outcome, began)
    return True


def _follows(step: Step, standing: Standing, made_again: set[str] | frozenset[str]) -> bool:
    """Whether a step differs only because its inputs were made again: then making it again is what was asked for."""
    only_inputs = all(change.startswith("inputs.") for change in standing.changes)
    return only_inputs and (step.derived or any(name in made_again for name in step.inputs)) or (step.derived and step.kind == "report")


def _changed(run: RunFolder, step: Step, standing: Standing) -> str:
    changes = "\n  ".join(standing.changes)
    return (
        f"step {step.name} in {run.path} was made with other settings:\n  {changes}\n"
        f"make it again with --redo {step.name} (what stands on it follows), or give --run another folder."
    )


def step_function(kind: Kind) -> Callable[[Workplace], Outcome]:
    """Import the function that makes steps of a kind."""
    function: Callable[[Workplace], Outcome] = importlib.import_module(FUNCTIONS[kind]).run
    return function


def _call(step: Step, place: Workplace) -> Outcome:
    try:
        return step_function(step.kind)(place)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("kielo", "translate", "align", "eval"):
            raise
        extra = EXTRAS.get(step.kind, "all")
        raise MissingExtraError(f"step {step.name} needs the package {error.name}; install it with: pip install -e '.[{extra}]'.") from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise KieloError(f"no space left on the disk of {place.folder}; free some and run the same command again: what was made so far is kept.") from error
