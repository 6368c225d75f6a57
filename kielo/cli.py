"""The command line: `kielo <verb> RECIPE`; every verb imports what it needs inside itself, so that --help costs nothing."""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kielo import __version__
from kielo.errors import FULL, KieloError, MissingExtraError, UsageError
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.values import amount, positive
from kielo.verbs.cluster import VERBS as CLUSTER_VERBS
from kielo.verbs.eval_tools import find_tool, parse_tool, tools_text
from kielo.verbs.files import add_file_verbs
from kielo.verbs.lazy import Tool
from kielo.verbs.select_tools import parse_select

if TYPE_CHECKING:
    from kielo.plan import Step
    from kielo.run_folder import RunFolder
    from kielo.schema import Recipe
    from translate.shards import Shard

STAGE_VERBS = {
    "translate": "fetch the data sets and translate them",
    "mix": "mix training data by language",
    "tokens": "make tokens and masks of every training, on CPU",
    "sft": "fine-tune on every mix",
    "dpo": "tune on preference pairs",
    "eval": "answer and score the benchmarks; also a box of tools (`kielo eval --help`)",
    "report": "write the report",
}

VERBS = {
    "analyse": Tool("eval.analyse.command", "how alike models answer, in which style, and what they took over from their data"),
    "probe": Tool("translate.probe.command", "can this model do it? tokens, copying, translation, drift, stopping: before any GPU-hour is spent"),
    "chat": Tool("eval.chat.chat_command", "talk to a model of a run"),
    "compare": Tool("eval.chat.compare_command", "answers of two models of a run side by side"),
    "language": Tool("kielo.packs.command", "make, check and list language packs", has_verbs=True),
    "publish": Tool("kielo.verbs.publish", "share a data set or a model of a run: a folder, or the Hub; --dry-run shows it all first"),
    "completion": Tool("kielo.completion", "shell completion for bash, zsh or fish"),
    **CLUSTER_VERBS,
}  # fmt: skip
"""Each brings its own options."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 2 for a user's mistake, 130 after Ctrl-C."""
    given = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _on_sigterm)
    try:
        _refuse_namesakes()
        _refuse_undecodable(given)
        parsed = _parse(given)
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
        if error.errno not in (*FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EISDIR):
            raise
        print(
            f"kielo: {error.filename or 'a file'}: cannot be written ({error.strerror}); make room or name another place.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("kielo: stopped; the same command continues from here.", file=sys.stderr)
        return 130


def _parse(given: list[str]) -> argparse.Namespace:
    tool = find_tool(given)
    if tool:
        return parse_tool(tool, given[2:])
    if given[:1] == ["select"]:
        return parse_select(given[1:])
    if given and given[0] in VERBS:
        return VERBS[given[0]].parse(f"kielo {given[0]}", given[1:])
    parser, verbs = _parser()
    if given and not given[0].startswith("-") and given[0] not in verbs:
        from kielo.recipe.reading import nearest

        raise UsageError(f"there is no verb '{given[0]}'; {nearest(given[0], verbs)}")
    return parser.parse_args(given)


def _on_sigterm(*_: object) -> None:
    raise KeyboardInterrupt


def _refuse_undecodable(given: list[str]) -> None:
    """Refuse arguments that are not UTF-8: names stand in the files that a command writes."""
    for argument in given:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise UsageError(f"the argument {ascii(argument)} is not UTF-8; rename that file, or write it otherwise.")


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


def _parser() -> tuple[argparse.ArgumentParser, list[str]]:
    """Make the parser of all verbs that are not lazy, and list every verb."""
    parser = argparse.ArgumentParser(
        prog="kielo",
        description="Post-training recipes for languages that have a language model but no post-training data.",
    )
    parser.add_argument("--version", action="version", version=f"kielo {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = _recipe_verb(verbs, "check", "check a recipe without running anything", _check)
    check.add_argument(
        "--model",
        action="store_true",
        help="load the model, too, and look at what its trainings would do (needs torch)",
    )
    plan = _recipe_verb(
        verbs, "plan", "list the steps of a recipe, what each stands on, and what its trainings cost", _plan
    )
    _hardware_options(plan)
    run = _recipe_verb(verbs, "run", "make everything, from source data to report", _run)
    run.add_argument(
        "--miniature",
        action="store_true",
        help="the same steps with a tiny random-weight model of the same architecture and a few rows, in a run folder of its own: does all of it run?",
    )
    run.set_defaults(stage=None)
    stages = [_recipe_verb(verbs, stage, text, _run) for stage, text in STAGE_VERBS.items()]
    for stage, stage_parser in zip(STAGE_VERBS, stages, strict=True):
        stage_parser.set_defaults(stage=stage)
    evaluate = stages[list(STAGE_VERBS).index("eval")]
    evaluate.epilog, evaluate.formatter_class = tools_text(), argparse.RawDescriptionHelpFormatter
    for with_limit in (plan, run, *stages):
        with_limit.add_argument(
            "--limit",
            type=positive,
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
    verbs.add_parser("select", help="choose training rows without a recipe: MIG, its rivals, near-duplicates")
    for name, tool in VERBS.items():
        verbs.add_parser(name, help=tool.help)
    add_file_verbs(verbs)
    return parser, list(verbs.choices)


def _hardware_options(plan: argparse.ArgumentParser) -> None:
    plan.add_argument(
        "--profile", metavar="NAME|FILE", help="a cluster, such as lumi: what each job asks for and costs"
    )
    plan.add_argument("--account", metavar="NAME", help="with --profile: who pays")
    plan.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="changes", help="with --profile: change a key of it"
    )  # fmt: skip
    plan.add_argument("--device", metavar="NAME", help="a device of slurm/devices.yaml, such as mi250x-gcd or a100-80")
    plan.add_argument("--devices", type=positive, metavar="N", help="how many of them (default: 1)")
    plan.add_argument("--device-memory", type=amount, metavar="GB", help="memory of one, where it is not that device's")
    plan.add_argument("--tflops", type=amount, metavar="X", help="dense bf16 peak of one, likewise")
    add_json(plan, "the plan and its estimates")


def _recipe_verb(verbs: Any, name: str, text: str, function: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a recipe, such as recipes/pocket.yaml")
    parser.add_argument(
        "--run", type=Path, metavar="FOLDER", dest="run_folder", help="run folder (default: runs/<recipe name>)"
    )
    parser.set_defaults(function=function, limit=None, miniature=False)
    return parser


def _shard(written: str) -> Shard:
    from translate.shards import parse_shard

    try:
        return parse_shard(written)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _check(arguments: argparse.Namespace) -> int:
    from align.tokens.limits import check_lengths
    from align.training.reporting import lacking_trackers
    from kielo.execute import check_packs

    recipe, plan, run = _opened(arguments)
    check_packs(recipe)
    check_lengths(recipe)
    trained = sum(step.kind in ("sft", "dpo") for step in plan)
    print(
        f"{arguments.recipe}: good. {recipe.source_language} -> {recipe.language}, {recipe.model}: {len(plan)} steps, {trained} training{'s' * (trained != 1)}."
    )
    for sentence in lacking_trackers(plan):  # jobs may have another Python than this one
        print(f"here {sentence}")
    return _check_model(recipe, run) if arguments.model else 0


def _check_model(recipe: Recipe, run: RunFolder) -> int:
    """Print what the probes of the model say; returns 2 where one failed."""
    try:
        from align.probes.check_model import check_model

        findings = check_model(recipe, run)
    except ImportError as error:
        raise MissingExtraError(
            f"check --model needs the packages of the extra `train` ({error}); pip install -e '.[train]'."
        ) from error
    for finding in findings:
        print("\n".join(finding.lines()))
    return 0 if all(finding.ok for finding in findings) else 2


def _opened(arguments: argparse.Namespace) -> tuple[Recipe, list[Step], RunFolder]:
    from kielo.plan import make_plan
    from kielo.recipe.reading import load
    from kielo.run_folder import RunFolder

    recipe = load(arguments.recipe)
    if arguments.miniature:
        return _miniature(recipe, arguments)
    usual = f"{recipe.name}-limit-{arguments.limit}" if arguments.limit else recipe.name
    return recipe, make_plan(recipe, arguments.limit), RunFolder(arguments.run_folder or Path("runs") / usual)


def _miniature(recipe: Recipe, arguments: argparse.Namespace) -> tuple[Recipe, list[Step], RunFolder]:
    from kielo.execute import say
    from kielo.miniature import ROWS, miniature_name, miniature_recipe, notice
    from kielo.plan import make_plan
    from kielo.run_folder import RunFolder

    if arguments.dry_run:
        raise UsageError("--miniature makes its small model before it knows its steps; leave --dry-run out.")
    say(notice(recipe))
    folder = arguments.run_folder or Path("runs") / miniature_name(recipe)
    run = RunFolder(folder)
    if not (folder / "recipe.json").is_file():  # else it is held against the miniature, whose model is another
        run.refuse_foreign(recipe)
    with run.lock("miniature", wait=True):  # another process may be making the same models
        small = miniature_recipe(recipe, folder)
    return small, make_plan(small, arguments.limit or ROWS), run


def _plan(arguments: argparse.Namespace) -> None:
    if arguments.profile:
        _plan_jobs(arguments)
        return
    if arguments.changes or arguments.account:
        raise UsageError("--set and --account change a cluster profile; name one with --profile.")
    from align.estimate.hardware import hardware
    from align.estimate.table import table, to_document
    from align.estimate.trainings import estimate

    recipe, plan, run = _opened(arguments)
    out = json_file(arguments.json, arguments.recipe)
    given = hardware(arguments.device, arguments.devices or 1, arguments.device_memory, arguments.tflops)
    found, said = estimate(recipe, plan, run, given)
    where = f"{len(plan)} steps; {recipe.name} would be made in {run.path}\n"
    tell(out, to_document(found, said, given, plan), "\n".join([*_steps(plan), where, table(found, said, given)]))


def _steps(plan: Sequence[Step]) -> Iterator[str]:
    width = max(len(step.name) for step in plan)
    for step in plan:
        inputs = ", ".join(step.inputs) if len(step.inputs) <= 4 else f"{len(step.inputs)} steps"
        place = "accelerator" if step.accelerator else "cpu"
        yield f"{step.name:{width}}  {place:11}  {f'<- {inputs}' if inputs else ''}".rstrip()


def _plan_jobs(arguments: argparse.Namespace) -> None:
    from kielo.cluster.costs.rows import cost_rows
    from kielo.cluster.costs.table import table, to_document
    from kielo.cluster.jobs.placing import place
    from kielo.cluster.profiles.reading import load_profile

    if any((arguments.device, arguments.devices, arguments.device_memory, arguments.tflops)):
        raise UsageError(
            "--profile says what the devices are; leave --device, --devices, --device-memory and --tflops out."
        )
    profile = load_profile(arguments.profile, arguments.changes, arguments.account)
    recipe, plan, run = _opened(arguments)
    out = json_file(arguments.json, arguments.recipe)
    rows = cost_rows(recipe, plan, place(recipe, plan, profile, run), profile, run)
    tell(out, to_document(rows, recipe, profile), table(rows, recipe, profile))


def _run(arguments: argparse.Namespace) -> None:
    from kielo.execute import Job, execute, say, tell_report, write_reviews
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
    _refuse_queued(run)
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
        tell_report(recipe, run, plan)
    else:
        say(f"{len(steps)} steps complete in {run.path}")


def _refuse_queued(run: RunFolder) -> None:
    """Refuse to work beside jobs of the same run."""
    from kielo.cluster.queue.apart import refuse_alive

    refuse_alive(run, shlex.quote(str(run.path)))


if __name__ == "__main__":
    sys.exit(main())
