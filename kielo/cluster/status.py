"""`kielo status`: where the jobs and the steps of a run stand, from its own records and one question to Slurm."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from kielo.cluster.frozen import thaw, thaw_profile
from kielo.cluster.queue.checkout import other_code
from kielo.cluster.queue.manifest import Entry, read
from kielo.cluster.queue.slurm import write_elements
from kielo.cluster.queue.standing import CANCELLED, FOLLOWS, Element, ElementStanding, Look, State, look, unasked
from kielo.cluster.quiet import LONG_SECONDS, quiet_elements, written_length
from kielo.cluster.status_document import to_document
from kielo.cluster.which_run import add_run, opened
from kielo.errors import UsageError
from kielo.options.values import positive
from kielo.plan import Step
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from kielo.text_table import text_table

_CLEAR = "\x1b[2J\x1b[H"
_ORDER: tuple[State, ...] = ("failed", "lost", "unknown", "running", "waiting", "not submitted", "done")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    add_run(parser)
    parser.add_argument(
        "--watch", type=positive, metavar="SECONDS", help="show it again every so often, until no job is alive"
    )
    parser.add_argument("--json", action="store_true", help="print jobs and steps as JSON instead of the tables")


def run(arguments: argparse.Namespace) -> None:
    """Print the tables of jobs and steps; with --watch again and again.

    Raises:
        UsageError: --json and --watch are given together.
        RecipeError: the recipe cannot be used.
        RunFolderError: the folder is damaged, or nothing was submitted in it.
    """
    if arguments.json and arguments.watch:
        raise UsageError("--json prints one document; leave --watch out.")
    recipe, plan, folder = opened(arguments)
    while True:
        now = look_at(folder)
        if arguments.json:
            quiet = quiet_elements(folder, now) if now else {}
            print(json.dumps(to_document(recipe, plan, folder, now, quiet), indent=2))
            return
        page = "\n\n".join(
            [*([written(now, quiet_elements(folder, now))] if now else []), steps_table(recipe, plan, folder)]
        )
        print(f"{_CLEAR}{page}" if arguments.watch and sys.stdout.isatty() else page, flush=True)
        if not arguments.watch or now is None or not (now.silence or any(now.alive())):
            return
        time.sleep(arguments.watch)


def look_at(folder: RunFolder) -> Look | None:
    """Look at a run's jobs, with or without Slurm; None where nothing was submitted."""
    manifest = read(folder)
    if manifest is None:
        return None
    plan = thaw(folder)[1]
    if thaw_profile(folder).scheduler == "none":
        return unasked(folder, plan, manifest)
    return look(folder, plan, manifest, must_answer=False)


def written(now: Look, quiet: Mapping[Element, float]) -> str:
    """Write a table with one line for each job, and below it which elements may hang and why others failed.

    `quiet`: for how many seconds running elements have written nothing.
    """
    heads = ("job", "id", "state", "done", "time", "quiet", "partition", "reason")
    silent = {
        entry.name: {number: seconds for (name, number), seconds in quiet.items() if name == entry.name}
        for entry in now.manifest.jobs
    }
    rows = [heads, *(_row(entry, now.of(entry), silent[entry.name]) for entry in now.manifest.jobs)]
    notes = [note for entry in now.manifest.jobs for note in _quiet_notes(entry, silent[entry.name])]
    notes += [note for entry in now.manifest.jobs for note in _notes(entry, now.of(entry))]
    silence = [f"Slurm cannot be asked: {now.silence}"] if now.silence else []
    changed = other_code(now.codes())
    warnings = [f"warning: {changed}"] if changed else []
    return "\n".join([text_table(rows), *notes, *warnings, *silence])


def _row(entry: Entry, elements: Sequence[ElementStanding], quiet: Mapping[int, float]) -> tuple[str, ...]:
    counts = Counter(element.state for element in elements)
    states = [state if len(counts) == 1 else f"{counts[state]} {state}" for state in _ORDER if counts[state]]
    ids = dict.fromkeys(element.id.partition("_")[0] for element in elements if element.id)
    alive = [element for element in elements if element.is_alive] or list(elements)
    reasons = dict.fromkeys(element.reason for element in elements if _is_told_in_row(element) and element.reason)
    return (
        entry.name, " ".join(list(ids)[-2:]), ", ".join(states), f"{counts['done']}/{len(elements)}",
        max((element.time for element in alive), key=_seconds), _quiet(quiet), entry.partition, ", ".join(reasons),
    )  # fmt: skip


def _quiet(quiet: Mapping[int, float]) -> str:
    """Write for how long the quietest element has written nothing, marked where that is long."""
    longest = max(quiet.values(), default=0.0)
    return f"{written_length(longest)}{' !' if longest >= LONG_SECONDS else ''}" if quiet else ""


def _quiet_notes(entry: Entry, quiet: Mapping[int, float]) -> Iterator[str]:
    """Yield a line for every element that has written nothing for long."""
    for number, seconds in quiet.items():
        if seconds >= LONG_SECONDS:
            of = f"{entry.name}_{number}" if entry.is_array else entry.name
            made = ", ".join(str(task) for task in entry.elements[number])
            yield f"! {of}: nothing was written for {written_length(seconds)} hours ({made}); kielo logs RUN {of} shows its last words"


def _is_told_in_row(element: ElementStanding) -> bool:
    """Whether the reason of an element is said in its job's row, since it has none of its own."""
    return element.state == "waiting" or element.is_ending or element.reason in (FOLLOWS, CANCELLED)


def _seconds(written_time: str) -> tuple[int, str]:
    """Order Slurm's times (`4:05`, `1-02:00:00`): the longer one is the later."""
    return len(written_time), written_time


def _notes(entry: Entry, elements: Sequence[ElementStanding]) -> Iterator[str]:
    """Yield a line for every reason why elements of a job came to nothing, with the names of their steps."""
    by_reason: dict[str, list[int]] = {}
    for number, element in enumerate(elements):
        if element.state in ("failed", "lost") and not _is_told_in_row(element):
            by_reason.setdefault(element.reason, []).append(number)
    for reason, numbers in by_reason.items():
        which = f" {write_elements(numbers)}" if entry.is_array else ""
        made = ", ".join(str(task) for task in entry.elements[numbers[0]])
        more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
        yield f"{entry.name}{which}: {reason} ({made}{more}); kielo logs shows why, kielo resubmit goes on"


def steps_table(recipe: Recipe, plan: Sequence[Step], folder: RunFolder) -> str:
    """Write one line for each step of a plan: where it stands, how long it took, what changed since."""
    lines, done = [], 0
    for step in plan:
        standing, record = folder.standing(step), folder.record(step.name)
        done += standing.state == "complete"
        seconds = f"{record['wall_seconds']:9.1f} s" if record else " " * 11
        lines.append(f"{standing.state:9}{seconds}  {step.name}")
        lines += (f"{'':22}{change}" for change in standing.changes)
    return "\n".join([*lines, f"{done} of {len(plan)} steps complete in {folder.path} ({recipe.name})"])
