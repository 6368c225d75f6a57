"""What a chain of jobs costs altogether: what is billed, by unit, and what lies on the disk; the lines below the table of `cost_table.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from align.estimate.model_shape import read_shape
from align.estimate.table import short
from kielo.cluster.costs.rows import Row
from kielo.cluster.profiles.profile import Profile
from kielo.schema import Recipe


def totals(rows: Sequence[Row], recipe: Recipe, profile: Profile) -> list[str]:
    """Add up what is billed, by unit, and what lies on the disk."""
    elements = sum(row.elements for row in rows if row.limit_hours is not None)
    said = [f"{len({row.job for row in rows})} jobs, {elements} with every element of their arrays"]
    for unit in dict.fromkeys(row.unit for row in rows if row.unit):
        of_unit = [row for row in rows if row.unit == unit]
        known = [row.billed for row in of_unit if row.billed is not None]
        estimated = f"{sum(known):,.0f} estimated for {len(known)} trainings and reference passes, " if known else ""
        most = sum(row.most or 0 for row in of_unit)
        said.append(f"{unit}: {estimated}{most:,.0f} at most, if every job took its limit")
    kept = sum(row.kept_bytes or 0 for row in rows)
    return [*said, _disk(rows, kept, recipe, profile)] if kept else said


def _disk(rows: Sequence[Row], kept: float, recipe: Recipe, profile: Profile) -> str:
    fetched = "" if Path(recipe.model_path).is_dir() else _fetched(recipe)
    if profile.scheduler == "none":  # one after the other
        passing, together = max((row.peak_bytes or 0) - (row.kept_bytes or 0) for row in rows), ""
    else:
        passing, running = most_passing(rows)
        together = f", if up to {running} trainings run at once" if running else ""
    return f"disk: {_gb(kept)} GB stay{fetched}; {_gb(kept + passing)} GB at most{together}"


def most_passing(rows: Sequence[Row]) -> tuple[float, int]:
    """Bound the bytes of checkpoints that may lie there together, and say of how many trainings.

    Jobs run side by side unless one must wait for all of another: those that a job neither follows nor precedes, with as many
    elements as may run at once.
    """
    by_job = {row.job: row for row in sorted(rows, key=_passing)}  # of each job the row that takes most
    earlier = _earlier(by_job)
    trained = [row for row in by_job.values() if _passing(row)]
    sums = []
    for own in trained:
        beside = [row for row in trained if row.job not in earlier[own.job] and own.job not in earlier[row.job]]
        sums.append((sum(map(_passing, beside)), sum(row.at_once for row in beside)))
    return max(sums, default=(0.0, 0))


def _earlier(by_job: dict[str, Row]) -> dict[str, set[str]]:
    """Find the jobs that have wholly ended before each begins; rows stand after those they wait for."""
    found: dict[str, set[str]] = {}
    for row in sorted(by_job.values(), key=lambda row: row.number):
        before = {each.job for each in row.after if each.is_whole}
        partly = {each.job for each in row.after}
        found[row.job] = before.union(*(found[name] for name in partly))
    return found


def _passing(row: Row) -> float:
    """Count the bytes that are there only while a job runs, with as many of its elements as may run at once."""
    return row.at_once * ((row.peak_bytes or 0) - (row.kept_bytes or 0))


def _fetched(recipe: Recipe) -> str:
    shape = read_shape(recipe.model_path, recipe.revision)
    if isinstance(shape, str):
        return ""
    return f", and {_gb(shape.parameters * shape.saved_bytes)} GB of {recipe.model} in the Hub's cache"


def _gb(count: float) -> str:
    return f"{count / 1e9:,.0f}" if count >= 1e10 else short(count / 1e9)
