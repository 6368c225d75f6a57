"""Walks a plan on this machine: skips what is complete, continues what was interrupted, stops at what was changed."""

from __future__ import annotations

import errno
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kielo.errors import FULL, MissingExtraError, RunFolderError
from kielo.plan import Kind, Outcome, Step, Workplace
from kielo.plan.evaluation import benchmarks
from kielo.run_folder import RunFolder, Standing
from kielo.schema import Recipe
from translate.shards import Shard

FUNCTIONS: Mapping[Kind, str] = {
    "source": "translate.rows.sources", "translate": "translate.stage", "mix": "align.mix", "tokens": "align.prepare", "sft": "align.sft",
    "reference": "align.reference", "dpo": "align.dpo",
    "responses": "eval.responses", "ifeval-scores": "eval.ifeval.stage", "question-scores": "eval.questions.stage", "judge": "eval.judge.stage",
    "translation-quality": "eval.translation_quality.stage", "report": "eval.report.stage",
}  # fmt: skip
EXTRAS: Mapping[Kind, str] = {
    "tokens": "train",
    "sft": "train",
    "reference": "train",
    "dpo": "train",
    "translate": "train",
    "responses": "train",
    "ifeval-scores": "eval",
    "question-scores": "eval",
    "judge": "train,eval",
    "translation-quality": "eval",
}


_MADE_AT_ONCE: tuple[Kind, ...] = ("mix", "tokens")
"""They go on from nothing: one that stopped at a mistake is free to be made otherwise."""
_ALL_KEPT: tuple[Kind, ...] = ("responses", "judge")
"""All they make stays in their completion stores: made again without asking, they ask models only for what is not there."""


@dataclass(frozen=True)
class Job:
    """What the user asked for: which steps, and which of them to make again."""

    steps: tuple[Step, ...]
    redo: frozenset[str] = frozenset()
    shard: Shard | None = None
    """Make but this part of the completions of translations."""


def say(text: str) -> None:
    """Tell the user what happens, on standard error (standard output is for results)."""
    print(text, file=sys.stderr, flush=True)


def execute(recipe: Recipe, run: RunFolder, job: Job) -> None:
    """Make every step of the job that is not complete.

    Raises:
        RunFolderError: a step was made with other settings, or an input outside the job is not complete.
        KieloError: a step found a mistake the user can mend, or the disk is full.
    """
    check_packs(recipe)
    try:
        run.claim(recipe)
        _refuse_changed(run, job)
        for number, step in enumerate(job.steps, 1):
            label = f"[{number}/{len(job.steps)}] {step.name}"
            if job.shard is not None and step.kind == "translate":
                _make_shard(recipe, run, step, label, job.shard)
                continue
            with run.lock(step.name, wait=job.shard is not None):
                _make(recipe, run, step, label, step.name in job.redo)
    except OSError as error:
        raise _sentence(error, run) from error


def _sentence(error: OSError, run: RunFolder) -> Exception:
    """Say what a full disk or a locked folder means; any other error is our bug and stays as it is."""
    if error.errno in FULL:
        return RunFolderError(
            f"no space left on the disk of {run.path}; make room and run the same command again: what was made so far is kept."
        )
    if error.errno in (errno.EACCES, errno.EROFS) and str(error.filename or "").startswith(str(run.path)):
        return RunFolderError(f"{error.filename}: this folder cannot be written to; give --run another one.")
    return error


def _refuse_changed(run: RunFolder, job: Job) -> None:
    """Look at every step before making any: a typo in the last step must not be found after the first ten."""
    for step in job.steps:
        standing = run.standing(step)
        if standing.state == "changed" and not _may_clear(run, step, standing, step.name in job.redo):
            raise RunFolderError(_changed(run, step, standing))


def _may_clear(run: RunFolder, step: Step, standing: Standing, redo: bool) -> bool:
    """Tell whether a changed step may be made again: asked for, of changed inputs alone, or nothing of it would be lost."""
    nothing_made = step.kind in _MADE_AT_ONCE and run.record(step.name) is None
    kept = step.derived or step.kind in _ALL_KEPT or _compares_only(step, standing)
    return redo or standing.follows or kept or nothing_made


def _compares_only(step: Step, standing: Standing) -> bool:
    """Tell whether tokens differ in nothing but the benchmarks that their rows are compared with, for the report.

    Made again they are the same tokens, byte for byte, so that no training has to follow.
    """
    compared = step.kind == "tokens" and step.settings["eval"]["overlap"] == "report"
    return compared and all(change.startswith(("inputs.", "eval.benchmarks: ")) for change in standing.changes)


def _make(recipe: Recipe, run: RunFolder, step: Step, label: str, redo: bool) -> None:
    standing = run.standing(step)
    if standing.state == "changed" and not _may_clear(run, step, standing, redo):
        raise RunFolderError(_changed(run, step, standing))
    if standing.state == "changed" or (standing.state == "complete" and redo):
        run.clear(step.name)
    elif standing.state == "complete":
        damage = run.damaged(step.name)
        if damage:
            raise RunFolderError(f"{run.folder(step.name)}: {damage}; make it again with --redo {step.name}.")
        return
    missing = [name for name in step.inputs if run.record(name) is None]
    if missing:
        raise RunFolderError(
            f"step {step.name} needs {', '.join(missing)}, which is not complete; run it first (or leave out --only)."
        )
    say(f"{label}{' (continued)' if standing.state == 'begun' else ''}")
    began = run.begin(step)
    outcome = _call(
        step, Workplace(step, recipe, run.folder(step.name), {name: run.folder(name) for name in step.inputs})
    )
    run.finish(step, outcome, began)


def _make_shard(recipe: Recipe, run: RunFolder, step: Step, label: str, shard: Shard) -> None:
    """Make the completions of one shard of a translation; several processes may make one each at the same time."""
    from translate.stage import run_shard

    with run.lock(step.name, wait=True):
        standing = run.standing(step)
        if standing.state == "complete":
            return
        if standing.state == "changed":
            if not _may_clear(run, step, standing, redo=False):
                changes = "\n  ".join(standing.changes)
                raise RunFolderError(
                    f"step {step.name} in {run.path} was made with other settings:\n  {changes}\n"
                    f"give --run another folder, or remove {run.folder(step.name)}/*.json and run the shards again (its completions stay)."
                )
            run.clear(step.name)
        run.begin(step)
    say(f"{label}, shard {shard}")
    with run.lock(f"{step.name}.{shard}"):
        inputs = {name: run.folder(name) for name in step.inputs}
        run_shard(Workplace(step, recipe, run.folder(step.name), inputs), shard)


def check_packs(recipe: Recipe) -> None:
    """Check what a recipe asks of the language packs and only the stages can read.

    Raises:
        RecipeError: task changes name no rule of the source language (the sentence names the nearest), or the pack of a
            language that IFEval is scored in has no sound part `ifeval:`.
    """
    if recipe.translate.task_changes:
        from translate.tasks.rules import actions, read_rules

        actions(read_rules(recipe.source_language), recipe.translate.task_changes)
    scored = dict.fromkeys(each.language for each in benchmarks(recipe) if each.kind == "ifeval")
    if scored:
        from eval.ifeval.rules import LanguageRules
        from kielo.languages import language

        for code in scored:
            LanguageRules.from_pack(code, language(code).ifeval)


def write_reviews(recipe: Recipe, run: RunFolder, steps: Sequence[Step]) -> Path | None:
    """Write the page on which the translations of a run are read and judged; None while there are none."""
    from kielo.languages import language
    from translate.review.page import write_review
    from translate.review.verdicts import NO_VERDICTS, read_verdicts

    written = recipe.translate.verdicts
    verdicts = NO_VERDICTS if written is None else read_verdicts(recipe.path(written))
    folders = {step.name.partition("/")[2]: run.folder(step.name) for step in steps if step.kind == "translate"}
    folders = {name: folder for name, folder in folders.items() if (folder / "translations.jsonl").is_file()}
    if not folders:
        return None
    out = run.path / "translate" / "review.html"
    source, target = language(recipe.source_language), language(recipe.language)
    write_review(folders, out, recipe.name, source, target, verdicts)
    return out


def _changed(run: RunFolder, step: Step, standing: Standing) -> str:
    changes = "\n  ".join(standing.changes)
    return (
        f"step {step.name} in {run.path} was made with other settings:\n  {changes}\n"
        f"make it again with --redo {step.name} (what stands on it follows), or give --run another folder."
    )


def step_function(kind: Kind) -> Callable[[Workplace], Outcome]:
    """Import the function that makes steps of a kind."""
    function: Callable[[Workplace], Outcome] = importlib.import_module(FUNCTIONS[kind]).run
    return _with_checked_benchmark(function) if kind == "source" else function


def _with_checked_benchmark(read: Callable[[Workplace], Outcome]) -> Callable[[Workplace], Outcome]:
    """Check the instructions of an IFEval data set as soon as it is read: the scorer would find them after all training.

    It is done here because the stage that reads them and the stage that scores them do not know each other.
    """

    def read_and_check(place: Workplace) -> Outcome:
        outcome = read(place)
        dataset = place.recipe.translate.datasets[place.step.name.partition("/")[2]]
        if dataset.kind == "ifeval":
            from eval.ifeval.rows import read_prompts

            read_prompts(place.folder / "rows.jsonl", dataset.language or place.recipe.source_language)
        return outcome

    return read_and_check


def _call(step: Step, place: Workplace) -> Outcome:
    try:
        return step_function(step.kind)(place)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("kielo", "translate", "align", "eval"):
            raise
        extra = EXTRAS.get(step.kind, "all")
        raise MissingExtraError(
            f"step {step.name} needs the package {error.name}; install it with: pip install -e '.[{extra}]'."
        ) from error
