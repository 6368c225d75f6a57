"""The costs of a plan's jobs as a table for the terminal, 120 columns wide or less, and as JSON; `cost.py` reckons them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import chain, groupby
from textwrap import wrap
from typing import Any

from align.estimate.model_shape import read_shape
from align.estimate.table import plain, short, too_large
from align.estimate.trainings import UTILISATION, Estimate, assumptions
from kielo.cluster.costs.rows import Row
from kielo.cluster.costs.totals import totals
from kielo.cluster.profiles.profile import Billing, Profile
from kielo.schema import Recipe
from kielo.text_table import aligned

_HEAD = ("job, training", "partition", "nodes", "batch", "GB", "steps", "", "hours", "billed", "disk", "after")
_WIDTH = 120
_LONG_LIMIT = 5
"""Times an estimate, above which a time limit is worth a word: what it leaves out, loading and saving, is less."""
_LEFT = (0, 1, 10)  # names stand at the left, numbers at the right


def table(rows: Sequence[Row], recipe: Recipe, profile: Profile) -> str:
    """Write one line for each job or training, the totals, and what was assumed."""
    numbers = {row.job: row.number for row in rows}
    lines = [_HEAD, *(_cells(row, numbers) for row in rows)]
    said = (wrap(each, _WIDTH, initial_indent="  ", subsequent_indent="    ") for each in notes(rows, recipe, profile))
    added = (wrap(each, _WIDTH, subsequent_indent="  ") for each in totals(rows, recipe, profile))
    return "\n".join(
        [*aligned(lines, _LEFT, at_most=_WIDTH), "", *chain.from_iterable(added), "", *chain.from_iterable(said)]
    )


def _cells(row: Row, numbers: Mapping[str, int]) -> tuple[str, ...]:
    asked, found = row.resources, row.estimate
    array = f" [{row.elements}]" if row.elements > 1 else ""
    batch = held = steps = quotient = ""
    if found is not None:
        batch, held, steps, quotient = _training(row, found)
    mark = "~" if found and found.amount.guessed else ""
    return (
        f"{row.number:02} {row.name}{array}", asked.partition, f"{asked.nodes}x{asked.devices}", batch, held, steps, quotient,
        _pair(row.hours, row.limit_hours, mark), _pair(row.billed, row.most, mark) if row.unit else "", short(row.peak_bytes / 1e9) if row.peak_bytes else "",
        _after(row, numbers),
    )  # fmt: skip


def _training(row: Row, found: Estimate) -> tuple[str, str, str, str]:
    """Write batch arithmetic, memory, steps, and rows by batch."""
    spread = f"{found.devices}x{found.batches.per_device}"
    mark = row.given is not None and too_large(found, row.given)
    held = "?" if found.gb is None else f"{short(found.state_gb or 0)}/{short(found.gb)}{'!' * mark}"
    if found.kind == "reference":
        return spread, held, "", ""
    steps = "?" if found.steps is None else f"{found.steps:,}"
    quotient = "" if found.quotient is None else f"({found.quotient:,.1f})"
    return f"{found.global_batch_size}:{spread}x{found.batches.accumulation}", held, steps, quotient


def _after(row: Row, numbers: Mapping[str, int]) -> str:
    """Write dependencies short: 5,7-15 of whole jobs, 5[0 2] of some elements, 5= of each element on its own."""
    whole = sorted(numbers[each.job] for each in row.after if each.is_whole)
    runs = groupby(enumerate(whole), lambda pair: pair[1] - pair[0])
    found = [[number for _, number in run] for _, run in runs]
    written = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in found]
    parts = [each for each in row.after if not each.is_whole]
    written += [
        f"{numbers[each.job]}{'=' if each.elements is None else '[' + ' '.join(map(str, each.elements)) + ']'}"
        for each in parts
    ]
    return ",".join(written)


def _pair(estimated: float | None, most: float | None, mark: str) -> str:
    """Write an estimate and its limit; without a limit of its own the estimate alone."""
    first = "?" if estimated is None else f"{mark}{short(estimated)}"
    return first if most is None else f"{first}/{most:,.0f}" if most >= 1 else f"{first}/{most:.2g}"


def notes(rows: Sequence[Row], recipe: Recipe, profile: Profile) -> list[str]:
    """Say what the columns mean and what was assumed."""
    trained = [row for row in rows if row.estimate and row.given]
    said = [
        "nodes: nodes x devices on each; [n]: an array of n; hours: of one element, estimated/limit; billed: of all; disk: GB, the most while one runs",
        "after: numbers of jobs; n[0 2]: those elements of it; n=: each element its own",
    ]
    said += [f"billed by {name}: {_formula(billing)}" for name, billing in _billings(rows, profile).items()]
    if profile.requeue.allowed and any(row.unit for row in rows):
        said.append(
            f"a job that is started again (at most {profile.requeue.restarts} times) is billed again; 'at most' counts each job once"
        )
    if not trained:
        return said
    first = trained[0]
    assert first.given is not None
    said.append(
        f"trainings: {first.resources.nodes}x{first.resources.processes} processes on {first.given.words}; batch: global:processes x at once x passes; GB on each: weights, gradients, optimiser/all"
    )
    if any(row.estimate and row.estimate.quotient for row in trained):
        said.append(
            "(rows x epochs / batch) beside the steps: each epoch ends in a smaller step, so there are some more"
        )
    said += _long_limits(trained)
    said.append("hours leave out waiting, loading and saving; answers and translations are not estimated (?)")
    found = [row.estimate for row in trained if row.estimate]
    said += assumptions(read_shape(recipe.model_path, recipe.revision), first.given, found)
    if any(row.estimate and row.given and too_large(row.estimate, row.given) for row in trained):
        said.append(
            f"!: more than the {first.given.memory_gb:g} GB of a device; more nodes, a smaller batch at once or lora"
        )
    return said


def _long_limits(trained: Sequence[Row]) -> list[str]:
    """Say where the time limit of the trainings is far above the longest of them."""
    longest, limit, hours = 0.0, 0.0, 0.0
    for row in trained:
        if row.hours is None:
            return []
        hours += row.hours
        if row.limit_hours is not None:  # the last of its element
            longest, limit, hours = max(longest, hours), row.limit_hours, 0.0
    if limit <= _LONG_LIMIT * longest:
        return []
    return [
        f"a limit of {short(limit)} h is more than {_LONG_LIMIT} times the longest training's {short(longest)} h: a shorter one finds a gap sooner; --set jobs.train.hours=H"
    ]


def _billings(rows: Sequence[Row], profile: Profile) -> dict[str, Billing]:
    names = dict.fromkeys(row.resources.partition for row in rows)
    return {name: billing for name in names if (billing := profile.partitions[name].billing)}


def _formula(billing: Billing) -> str:
    if billing.each is None:
        return f"{billing.per_node:g} {billing.unit} for a node and hour"
    shares = {"cores": billing.cores, "GB": billing.memory_gb, "devices": billing.devices}
    asked = [f"{name}/{of_one:g}" for name, of_one in shares.items() if of_one]
    largest = asked[0] if len(asked) == 1 else f"the largest of ({', '.join(asked)})"
    return f"{billing.each:g} {billing.unit} x {largest}, for an hour of each node"


def to_document(rows: Sequence[Row], recipe: Recipe, profile: Profile) -> dict[str, Any]:
    """Spell the costs out for JSON."""
    return {
        "profile": profile.name, "device": profile.device, "utilisation": UTILISATION, "jobs": [_plain(row) for row in rows],
        "totals": totals(rows, recipe, profile), "assumptions": notes(rows, recipe, profile),
    }  # fmt: skip


def _plain(row: Row) -> dict[str, Any]:
    asked = row.resources
    return {
        "number": row.number, "job": row.job, "step": row.step, "elements": row.elements, "at_once": row.at_once,
        "partition": asked.partition, "nodes": asked.nodes, "devices_per_node": asked.devices, "cores_per_node": asked.cores,
        "memory_gb_per_node": asked.memory_gb, "processes_per_node": asked.processes if row.step else None, "after": [asdict(each) for each in row.after],
        "hours": row.hours, "limit_hours": row.limit_hours, "billed": row.billed, "billed_at_most": row.most, "unit": row.unit,
        "kept_bytes": row.kept_bytes, "peak_bytes": row.peak_bytes, "training": row.estimate and plain(row.estimate),
    }  # fmt: skip
