"""The folded tables of accuracy: both modes, both levels, strict and loose; by instruction type; on further IFEval sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.ifeval.registry import MODES, Mode
from eval.ifeval.scores_file import Level, Way
from eval.report.collect import Run, name_of, short
from eval.report.document import Cell, Table
from eval.report.numbers import Ratio
from eval.report.scored import Evaluation
from eval.report.tables import NOTHING, accuracy_cell, floor_cell, floor_names

MEASURES: Sequence[tuple[str, Level, Way]] = (
    ("Instructions, strict, %", "instruction", "strict"), ("Instructions, loose, %", "instruction", "loose"),
    ("Prompts, strict, %", "prompt", "strict"), ("Prompts, loose, %", "prompt", "loose"),
)  # fmt: skip
SETTING = (
    "Prompts that ask for a response language are left out. In small print: counts and the 95% interval over prompts."
)


def measures_table(run: Run, evaluations: Sequence[Evaluation], title: str) -> Table | None:
    """Lay out every measure of every model in both modes, one row for each, with the floors; None without any."""
    if not evaluations:
        return None
    rows = []
    for code in dict.fromkeys(one.language for one in evaluations):
        ours = [one for one in evaluations if one.language == code]
        for mode in MODES:
            scored = [(Cell(short(one.model)), *_measures(run, one, mode)) for one in ours]
            floors = [(name, *_floors(ours[0], mode, kind)) for kind, name in floor_names(ours[0]).items()]
            rows += [(name, Cell(name_of(code)), Cell(mode), *cells) for name, *cells in (*scored, *floors)]
    columns = ("Model", "Language", "Mode", *(name for name, _, _ in MEASURES), "Instructions, in the language, %")
    note = f"{SETTING} Differences between rows are not tested here. In the language: an instruction counts as followed (strict) only if its answer is in the language of the prompt."
    return Table(title, columns, tuple(rows), note, 3, f"{title}: {len(rows)} rows")


def _measures(run: Run, one: Evaluation, mode: Mode) -> list[Cell]:
    cells = [
        accuracy_cell(one.accuracy(mode, level, way), run.measures.interval(one, mode, level, way))
        for _, level, way in MEASURES
    ]
    found = run.measures.normalised(one, mode)
    return [*cells, accuracy_cell(*found) if found else NOTHING]


def _floors(one: Evaluation, mode: Mode, kind: str) -> list[Cell]:
    return [*(floor_cell(one, mode, kind, level, way) for _, level, way in MEASURES), NOTHING]


def types_table(run: Run, code: str) -> Table | None:
    """Lay out the accuracy by instruction type in one language, a column for each model; None where nothing was evaluated."""
    found = [one for one in run.evaluations if one.language == code]
    if not found:
        return None
    counted = [(one.by_type("compat"), one.by_type("fair")) for one in found]
    types = sorted({name for compat, _ in counted for name in compat})
    rows = tuple(
        (Cell(name), Cell(str(max(compat[name].n for compat, _ in counted if name in compat))), *(_by_type(each, name) for each in counted))
        for name in types
    )  # fmt: skip
    title = f"Accuracy by instruction type, {name_of(code)}"
    note = "Strict accuracy in compat mode, %; in small print in fair mode. A type has few instructions: differences between single cells here are not tested."
    columns = ("Type", "Instructions", *(short(one.model) for one in found))
    return Table(title, columns, rows, note, folded=f"{title}: {len(types)} types")


def _by_type(counted: tuple[Mapping[str, Ratio], Mapping[str, Ratio]], name: str) -> Cell:
    compat, fair = (by_type.get(name) for by_type in counted)
    if compat is None or fair is None:
        return NOTHING
    numbers = (("k", compat.k), ("n", compat.n), ("k_fair", fair.k), ("n_fair", fair.n))
    return Cell(compat.percent, f"fair {fair.percent}", numbers=numbers)
