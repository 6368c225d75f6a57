"""The command line: `kielo <verb> RECIPE`; every verb imports what it needs inside itself, so that --help costs nothing."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kielo import __version__
from kielo.errors import KieloError, UsageError
from kielo.file_verbs import add_file_verbs, score_parser

if TYPE_CHECKING:
    from kielo.plan import Step
    from kielo.run_folder import RunFolder
    from kielo.schema import Recipe
    from translate.shards import Shard

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
STAGE_VERBS = {
    "translate": "fetch the data sets and translate them",
    "mix": "mix training data by language",
    "sft": "fine-tune on every mix",
    "dpo": "tune on preference pairs",
    "eval": "answer and score the benchmarks (`kielo eval score --help`: score stored answers)",
    "report": "write the report",
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 2 for a user's mistake, 130 after Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        _refuse_namesakes()
        parsed = (score_parser() if given[:2] == ["eval", "score"] else _parser()).parse_args(given)
        verb: Any = parsed.function
        code = int(verb(parsed) or 0)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `kielo plan | head`: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KieloError as error:
        print(f"kielo: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in (*FULL, errno.EROFS, errno.EACCES):
            raise
        print(
            f"kielo: {error.filename or 'a file'}: cannot be written ({error.strerror}); make room or name another place.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("kielo: stopped; the same command continues from here.", file=sys.stderr)
        return 130


def _on_sigterm(*_: object) -> None:
    raise KeyboardInterrupt


def _refuse_namesakes() -> None:
    """Stop if another installed package hides one of our folders (translate-toolkit also installs `translate`)."""
    from importlib.util import find_spec

    here = Path(__file__).resolve().parent.parent
    for name in ("translate", "align", "eval"):
        spec = find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or here not in origin.parents:
            raise UsageError(
                f"the package '{name}' found first is {origin}, not Kielo's; uninstall it or use a fresh virtual environment."
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kielo",
        description="Post-training recipes for languages that have a language model but no post-training data.",
    )
    parser.add_argument("--version", action="version", version=f"kielo {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _recipe_verb(verbs, "check", "check a recipe without running anything", _check)
    plan = _recipe_verb(verbs, "plan", "list the steps of a recipe and what each stands on", _plan)
    status = _recipe_verb(verbs, "status", "list the steps of a recipe and where each stands", _status)
    run = _recipe_verb(verbs, "run", "make everything, from source data to report", _run)
    run.set_defaults(stage=None)
    stages = [_recipe_verb(verbs, stage, text, _run) for stage, text in STAGE_VERBS.items()]
    for stage, stage_parser in zip(STAGE_VERBS, stages, strict=True):
        stage_parser.set_defaults(stage=stage)
    for with_limit in (plan, status, run, *stages):
        with_limit.add_argument(
            "--limit",
            type=_positive,
            metavar="N",
            help="keep the first N records of each data set (in a run folder of its own)",
        )
    for working in (run, *stages):
        working.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="STEP",
            help="only this step, or every step below this name; may be repeated",
        )
        working.add_argument(
            "--redo",
            action="append",
            default=[],
            metavar="STEP",
            help="make this step again, and what stands on it; may be repeated",
        )
        working.add_argument("--dry-run", action="store_true", help="say what would be made, make nothing")
        working.set_defaults(shard=None, review=False)
    translate = stages[0]
    translate.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="make the completions of every N-th record only, for job arrays; without --shard the data set is then put together",
    )
    translate.add_argument(
        "--review", action="store_true", help="then write a page to read the translations on, the worst first"
    )
    add_file_verbs(verbs)
    return parser


def _recipe_verb(verbs: Any, name: str, text: str, function: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a recipe, such as recipes/pocket.yaml")
    if name != "check":
        parser.add_argument(
            "--run", type=Path, metavar="FOLDER", dest="run_folder", help="run folder (default: runs/<recipe name>)"
        )
    parser.set_defaults(function=function, limit=None)
    return parser


def _shard(written: str) -> Shard:
    from translate.shards import parse_shard

    try:
        return parse_shard(written)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive whole number")
    return int(text)


def _check(arguments: argparse.Namespace) -> None:
    from kielo.execute import check_task_changes
    from kielo.plan import make_plan
    from kielo.recipe import load

    recipe = load(arguments.recipe)
    check_task_changes(recipe)
    plan = make_plan(recipe)
    trained = sum(step.kind in ("sft", "dpo") for step in plan)
    print(
        f"{arguments.recipe}: good. {recipe.source_language} -> {recipe.language}, {recipe.model}: {len(plan)} steps, {trained} trainings."
    )


def _opened(arguments: argparse.Namespace) -> tuple[Recipe, list[Step], RunFolder]:
    from kielo.plan import make_plan
    from kielo.recipe import load
    from kielo.run_folder import RunFolder

    recipe = load(arguments.recipe)
    usual = f"{recipe.name}-limit-{arguments.limit}" if arguments.limit else recipe.name
    return recipe, make_plan(recipe, arguments.limit), RunFolder(arguments.run_folder or Path("runs") / usual)


def _plan(arguments: argparse.Namespace) -> None:
    recipe, plan, run = _opened(arguments)
    width = max(len(step.name) for step in plan)
    for step in plan:
        inputs = ", ".join(step.inputs) if len(step.inputs) <= 4 else f"{len(step.inputs)} steps"
        print(
            f"{step.name:{width}}  {'accelerator' if step.accelerator else 'cpu':11}  {f'<- {inputs}' if inputs else ''}".rstrip()
        )
    print(f"{len(plan)} steps; {recipe.name} would be made in {run.path}")


def _status(arguments: argparse.Namespace) -> None:
    recipe, plan, run = _opened(arguments)
    for step in plan:
        standing, record = run.standing(step), run.record(step.name)
        seconds = f"{record['wall_seconds']:9.1f} s" if record else " " * 11
        print(f"{standing.state:9}{seconds}  {step.name}")
        for change in standing.changes:
            print(f"{'':22}{change}")
    done = sum(run.standing(step).state == "complete" for step in plan)
    print(f"{done} of {len(plan)} steps complete in {run.path} ({recipe.name})")


def _run(arguments: argparse.Namespace) -> None:
    from kielo.execute import Job, execute, say, write_reviews
    from kielo.plan import STAGES, needed_for, select

    recipe, plan, run = _opened(arguments)
    steps = needed_for(plan, STAGES[arguments.stage]) if arguments.stage else plan
    if arguments.only:
        steps = select(steps, tuple(arguments.only))
    redo = frozenset(step.name for step in select(steps, tuple(arguments.redo)))
    if arguments.dry_run:
        for step in steps:
            state = "again" if step.name in redo else run.standing(step).state
            print(f"{state:9} {step.name}")
        return
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if arguments.shard and (arguments.review or arguments.redo):
        raise UsageError(
            "--shard makes completions alone; leave --review and --redo to the run that puts them together."
        )
    try:
        execute(recipe, run, Job(tuple(steps), redo, arguments.shard))
    finally:  # where everything was rejected the page is needed most
        if arguments.review and (page := write_reviews(recipe, run, steps)):
            print(f"review: {page}")
    if arguments.shard:
        say(
            f"shard {arguments.shard} complete; without --shard, when all are, the same command puts the data sets together"
        )
        return
    if steps and steps[-1].kind == "report":
        from eval.report.stage import summary

        print(summary(run.folder("report")))
        print(f"report: {run.folder('report') / 'index.html'}")
    else:
        say(f"{len(steps)} steps complete in {run.path}")


if __name__ == "__main__":
    sys.exit(main())
