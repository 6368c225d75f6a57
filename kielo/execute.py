"""Walks a plan on this machine: skips what is complete, continues what was interrupted, stops at what was changed."""

from __future__ import annotations

import errno
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import FULL, MissingExtraError, RunFolderError
from kielo.plan import Kind, Outcome, Step, Workplace
from kielo.plan.evaluation import benchmarks
from kielo.plan.steps import SHARDED
from kielo.run_folder import RunFolder, Standing, training_lock
from kielo.schema import Recipe
from translate.shards import Shard, shard_complete

FUNCTIONS: Mapping[Kind, str] = {
    "source": "translate.rows.sources", "translate": "translate.stage",
    "regenerate": "translate.regenerate.stage", "annotate": "align.annotations.stage", "select": "align.selection.stage", "mix": "align.mix", "tokens": "align.prepare", "sft": "align.sft",
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
    "regenerate": "train",
    "annotate": "train,select",
    "select": "select",
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
TRAININGS: tuple[Kind, ...] = ("sft", "reference", "dpo")
"""They can be prepared and collected by other processes than those that train."""


@dataclass(frozen=True)
class Job:
    """What the user asked for: which steps, and which of them to make again."""

    steps: tuple[Step, ...]
    redo: frozenset[str] = frozenset()
    shard: Shard | None = None
    """Make but this part of the completions of translations, and of answers made anew."""
    on_machine: Recipe | None = None
    """The recipe with its engines as this machine runs them, where that is another way than the recipe's own."""


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
    with _told(run):
        run.refuse_foreign(recipe)
        _refuse_changed(run, job)
        refuse_trackers(run, job.steps, job.redo)
        run.claim(recipe)
        for number, step in enumerate(job.steps, 1):
            label = f"[{number}/{len(job.steps)}] {step.name}"
            place = _workplace(job.on_machine or recipe, run, step)
            if job.shard is not None and step.kind in SHARDED:
                if unfinished := _in_shards_itself(step, run, job):
                    say(f"{label}: when {', '.join(unfinished)} is put together; run the shards again then")
                else:
                    _make_shard(place, run, label, job.shard)
                continue
            with _alone(run, step, wait=job.shard is not None):
                _make(place, run, label, step.name in job.redo)


def _in_shards_itself(step: Step, run: RunFolder, job: Job) -> list[str]:
    """List the inputs of a step that this very job makes in shards, so that they are not whole yet."""
    sharded = {other.name for other in job.steps if other.kind in SHARDED}
    return [name for name in step.inputs if name in sharded and run.record(name) is None]


def prepare_training(recipe: Recipe, run: RunFolder, step: Step) -> None:
    """Write the job.json of a training that other processes then do; a complete one is left as it is.

    Raises:
        RunFolderError: it was made with other settings, is under way elsewhere, or an input is not complete.
    """
    from align.training.stopping import StopRequest

    with _told(run), _alone(run, step):
        run.claim(recipe)
        if _is_to_be_made(run, step, redo=False):
            say(step.name)
            run.begin(step)
            StopRequest(run.folder(step.name)).done()  # what the start before this one has left
            with _extra_named(step):
                _module(step.kind).prepare(_workplace(recipe, run, step))


def collect_training(recipe: Recipe, run: RunFolder, step: Step) -> None:
    """Record a training that other processes did as complete.

    Raises:
        RunFolderError: it is not finished, was made with other settings, or is under way elsewhere.
        Stopped: it was asked to stop.
    """
    with _told(run), _alone(run, step):
        standing = run.standing(step)
        if standing.state == "complete":
            return
        if standing.state == "changed":
            raise RunFolderError(_changed(run, step, standing))
        if standing.state == "waiting":
            raise RunFolderError(
                f"{run.folder(step.name)}: nothing was prepared here; run it with --part prepare first."
            )
        with _extra_named(step):
            outcome = _module(step.kind).collect(_workplace(recipe, run, step))
        run.finish(step, outcome, run.began(step.name))


@contextmanager
def _told(run: RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _sentence(error, run) from error


@contextmanager
def _alone(run: RunFolder, step: Step, wait: bool = False) -> Iterator[None]:
    """Hold a step, and see that no training of it is under way that another process has prepared."""
    with run.lock(step.name, wait):
        if step.kind in TRAININGS:
            with run.lock(training_lock(step.name)):
                pass
        yield


def _workplace(recipe: Recipe, run: RunFolder, step: Step) -> Workplace:
    return Workplace(step, recipe, run.folder(step.name), {name: run.folder(name) for name in step.inputs})


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
        if standing.state == "changed" and not may_clear(run, step, standing, step.name in job.redo):
            raise RunFolderError(_changed(run, step, standing))


def refuse_trackers(run: RunFolder, steps: Sequence[Step], redo: frozenset[str]) -> None:
    """Look for the trackers of trainings to come: that one lacks must not be found after hours of translation.

    Raises:
        MissingExtraError: one is not installed.
    """
    from align.training.reporting import lacking_trackers

    reporting = [step for step in steps if step.running.get("report_to")]
    for sentence in lacking_trackers(s for s in reporting if s.name in redo or run.standing(s).state != "complete"):
        raise MissingExtraError(sentence)


def may_clear(run: RunFolder, step: Step, standing: Standing, redo: bool) -> bool:
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


def _make(place: Workplace, run: RunFolder, label: str, redo: bool) -> None:
    step = place.step
    begun = run.standing(step).state == "begun"
    if not _is_to_be_made(run, step, redo):
        return
    say(f"{label}{' (continued)' if begun else ''}")
    began = run.begin(step)
    with _extra_named(step):
        outcome = step_function(step.kind)(place)
    run.finish(step, outcome, began)


def _is_to_be_made(run: RunFolder, step: Step, redo: bool) -> bool:
    """Clear away what is to be made again, and tell whether anything is to be made.

    Raises:
        RunFolderError: it was made with other settings, is damaged, or an input is not complete.
    """
    standing = run.standing(step)
    if standing.state == "changed" and not may_clear(run, step, standing, redo):
        raise RunFolderError(_changed(run, step, standing))
    if standing.state == "changed" or (standing.state == "complete" and redo):
        run.clear(step.name)
    elif standing.state == "complete":
        damage = run.damaged(step.name)
        if damage:
            raise RunFolderError(f"{run.folder(step.name)}: {damage}; make it again with --redo {step.name}.")
        return False
    _refuse_missing(run, step)
    return True


def _refuse_missing(run: RunFolder, step: Step) -> None:
    missing = [name for name in step.inputs if run.record(name) is None]
    if missing:
        raise RunFolderError(
            f"step {step.name} needs {', '.join(missing)}, which is not complete; run it first (or leave out --only)."
        )


def _make_shard(place: Workplace, run: RunFolder, label: str, shard: Shard) -> None:
    """Make the completions of one shard of a step; several processes may make one each at the same time."""
    step = place.step
    with run.lock(step.name, wait=True):
        standing = run.standing(step)
        if standing.state == "complete":
            return
        if standing.state == "changed":
            if not may_clear(run, step, standing, redo=False):
                changes = "\n  ".join(standing.changes)
                raise RunFolderError(
                    f"step {step.name} in {run.path} was made with other settings:\n  {changes}\n"
                    f"give --run another folder, or remove {run.folder(step.name)}/*.json and run the shards again (its completions stay)."
                )
            run.clear(step.name)
        elif shard_complete(place.folder, shard):
            return
        _refuse_missing(run, step)
        run.begin(step)
    say(f"{label}, shard {shard}")
    with run.lock(f"{step.name}.{shard}"), _extra_named(step):
        _module(step.kind).run_shard(place, shard)


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
        from kielo.languages.pack import language

        for code in scored:
            LanguageRules.from_pack(code, language(code).ifeval)


def write_reviews(recipe: Recipe, run: RunFolder, steps: Sequence[Step]) -> Path | None:
    """Write the page on which the translations of a run are read and judged; None while there are none."""
    from kielo.languages.pack import language
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


def tell_report(recipe: Recipe, run: RunFolder, plan: Sequence[Step]) -> None:
    """Put the scores into the models' cards, and print what the report found and where it lies."""
    from align.cards.card import refresh_cards
    from eval.report.stage import summary

    refresh_cards(recipe, run, plan)
    print(summary(run.folder("report")))
    print(f"report: {run.folder('report') / 'index.html'}")


def _changed(run: RunFolder, step: Step, standing: Standing) -> str:
    changes = "\n  ".join(standing.changes)
    return (
        f"step {step.name} in {run.path} was made with other settings:\n  {changes}\n"
        f"make it again with --redo {step.name} (what stands on it follows), or give --run another folder."
    )


def step_function(kind: Kind) -> Callable[[Workplace], Outcome]:
    """Import the function that makes steps of a kind."""
    function: Callable[[Workplace], Outcome] = _module(kind).run
    return _with_checked_benchmark(function) if kind == "source" else function


def _module(kind: Kind) -> Any:
    return importlib.import_module(FUNCTIONS[kind])


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


@contextmanager
def _extra_named(step: Step) -> Iterator[None]:
    """Name the extra of the package that a step lacks."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in ("kielo", "translate", "align", "eval"):
            raise
        extra = EXTRAS.get(step.kind, "all")
        raise MissingExtraError(
            f"step {step.name} needs the package {error.name}; install it with: pip install -e '.[{extra}]'."
        ) from error
