"""The further runs against their starts, prompt by prompt: differences with intervals and marks, in both modes."""

from __future__ import annotations

from eval.ifeval.registry import Mode
from eval.report.collect import Run, name_of, short
from eval.report.document import Cell, Table
from eval.report.language_tests import LanguageTest
from eval.report.marks import Compared, Entry, legend, marked
from eval.report.numbers import gap_span, signed
from eval.report.standing import other_models, spoken_languages, start_of
from eval.report.tables import LANGUAGE_TESTS, MODE_NAMES, NOTHING, TESTS, score_columns
from eval.statistics import Paired


def gains_table(run: Run, mode: Mode = "compat") -> Table | None:
    """Lay out what every further run gains on the model that it is compared with, in one mode; None without any.

    The columns, and so the tests, are those of Table 2: both say the same of every run.
    """
    models = [model for model in other_models(run) if start_of(run, model) in run.models]
    if not models:
        return None
    rows = [[Cell(short(model)), Cell(short(start_of(run, model))), *_gains(run, model, mode)] for model in models]
    note = "Differences in percentage points, compared prompt by prompt, with their 95% intervals."
    spoken = spoken_languages(run) if mode == "compat" else []
    if spoken:
        note += " Gained are prompts that the run alone answers in the language, lost those that its start alone does."
    said = f"{note} {legend(rows, 'the start', f'{TESTS}; {LANGUAGE_TESTS}' if spoken else TESTS)}".strip()
    columns = ("Model", "Start", *(column.removesuffix(", %") for column in score_columns(run, mode)))
    return Table(f"Table 3. Gains on the start{MODE_NAMES[mode]}", columns, marked(rows), said, 2)


def spoken_test(run: Run, model: str, code: str) -> LanguageTest | None:
    """Test whether a run answers in a language more often than its start."""
    return run.measures.spoken(run.evaluation(model, code), run.evaluation(start_of(run, model), code))


def gain(run: Run, model: str, code: str, mode: Mode = "compat") -> Paired | None:
    """Test whether a run follows more instructions in a language than its start."""
    return run.measures.paired(run.evaluation(model, code), run.evaluation(start_of(run, model), code), mode)


def gap_cell(test: Paired) -> Cell:
    """Write a difference in points with its interval in small print."""
    low, high = 100 * test.interval.low, 100 * test.interval.high
    numbers = (("points", 100 * test.difference), ("prompts", test.prompts), ("low", low), ("high", high))
    return Cell(signed(100 * test.difference), gap_span(test.interval), numbers=numbers)


def _gains(run: Run, model: str, mode: Mode) -> list[Entry]:
    found = [gain(run, model, code, mode) for code in run.languages]
    row: list[Entry] = [Compared(gap_cell(test), test) if test else NOTHING for test in found]
    for code in spoken_languages(run, mode):
        if mode == "compat":
            spoken = spoken_test(run, model, code)
            row.append(_language_gain(spoken) if spoken else NOTHING)
        else:
            ours, theirs = run.evaluation(model, code), run.evaluation(start_of(run, model), code)
            test = run.measures.paired(ours, theirs, mode, normalised=True)
            row.append(Compared(gap_cell(test), test) if test else NOTHING)
    return row


def _language_gain(test: LanguageTest) -> Compared:
    cell = gap_cell(test.gap)
    counts = (("gained", test.gained), ("lost", test.lost))
    words = f"{cell.small}, {test.gained} gained, {test.lost} lost"
    return Compared(Cell(cell.text, words, numbers=(*cell.numbers, *counts)), test.gap)


def pairs_table(run: Run, code: str) -> Table | None:
    """Lay out every pair of models in a language, folded: how far the row's model leads the column's."""
    models = [model for model in run.models if run.evaluation(model, code)]
    if len(models) < 3:
        return None
    rows: list[list[Entry]] = []
    for at, model in enumerate(models[1:], 1):
        tests = [run.measures.paired(run.evaluation(model, code), run.evaluation(other, code)) for other in models[:at]]
        entries: list[Entry] = [Compared(gap_cell(test), test) if test else NOTHING for test in tests]
        rows.append([Cell(short(model)), *entries, *(Cell("") for _ in models[at:-1])])
    name = name_of(code)
    note = f"{name} accuracy of the row's model less that of the column's, in percentage points, with its 95% interval. {legend(rows, 'the model of the column', TESTS)}"
    columns = ("Model", *(short(model) for model in models[:-1]))
    title = f"Every pair of models, {name}"
    return Table(title, columns, marked(rows), note, folded=f"{title}: {len(models) * (len(models) - 1) // 2} tests")
