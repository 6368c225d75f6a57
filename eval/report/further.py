"""The IFEval sets beside the recipe's own, such as native prompts: each has a section with the tables, tests and marks that the main one has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from eval.report.collect import Run
from eval.report.comparisons import gains_table
from eval.report.document import Figure, Section, Table
from eval.report.language_chart import draw_languages
from eval.report.language_tables import spoken_table
from eval.report.mode_tables import modes_table
from eval.report.tables import mixes_table, runs_table
from eval.report.wide_tables import measures_table

_NUMBER = re.compile(r"^Table \d+\. ")


def further_sections(run: Run) -> Iterator[Section]:
    """Write a section for every further set: its models against the same baselines and starts, corrected table by table."""
    for name in dict.fromkeys(one.benchmark for one in run.further):
        evaluations = tuple(one for one in run.further if one.benchmark == name)
        yield _section(replace(run, evaluations=evaluations, further=()), name)


def _section(run: Run, name: str) -> Section:
    """Write the section of a set from a run in which it is the only one."""
    compared = [table(run, mode) for mode in ("compat", "fair") for table in (mixes_table, runs_table, gains_table)]
    spoken = [spoken_table(run, code) for code in run.languages]
    tables = [_of_set(table, name) for table in (*compared, modes_table(run), *spoken) if table]
    every = measures_table(run, run.evaluations, f"Accuracy on {name}")
    figure = draw_languages(run)
    bars = [replace(figure, name=f"{name}-{figure.name}", caption=f"{name}: {figure.caption}")] if figure else []
    blocks: list[Table | Figure | None] = [*tables, *bars, every]
    return Section(f"set-{name}", f"Instruction following: {name}", tuple(block for block in blocks if block))


def _of_set(table: Table, name: str) -> Table:
    """Name a table after its set: the numbered ones are those of the main set."""
    return replace(table, title=f"{name}: {_NUMBER.sub('', table.title)}")
