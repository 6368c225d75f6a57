"""The further runs against their starts, prompt by prompt: accuracies with intervals, answers in the asked language with an exact test."""

from __future__ import annotations

from collections.abc import Sequence

from eval.report.collect import Run, name_of, short
from eval.report.document import Cell, Table
from eval.report.language_tests import LanguageTest, language_test
from eval.report.numbers import difference
from eval.report.tables import NOTHING, other_models, spoken_languages, start_of


def gains_table(run: Run) -> Table | None:
    """Lay out what every further run gains on the model that it is compared with; None without any."""
    models = [model for model in other_models(run) if start_of(run, model) in run.models]
    if not models:
        return None
    tested = [code for code in spoken_languages(run) if any(spoken_test(run, model, code) for model in models)]
    rows = [(Cell(short(model)), Cell(short(start_of(run, model))), *_gains(run, model, tested)) for model in models]
    columns = tuple(f"{name_of(code)} accuracy" for code in run.languages)
    columns += tuple(f"Answers in {name_of(code)}" for code in tested)
    note = "Differences in percentage points with their 95% intervals, compared prompt by prompt."
    if tested:
        note += " Gained are prompts that the run alone answers in the language, lost those that its start alone does; p by McNemar's exact test."
    return Table("Table 3. Gains on the start", ("Model", "Start", *columns), tuple(rows), note, 2)


def spoken_test(run: Run, model: str, code: str) -> LanguageTest | None:
    """Test whether a run answers in a language more often than its start."""
    return language_test(run.evaluation(model, code), run.evaluation(start_of(run, model), code))


def _gains(run: Run, model: str, tested: Sequence[str]) -> list[Cell]:
    cells = []
    for code in run.languages:
        ours, theirs = run.evaluation(model, code), run.evaluation(start_of(run, model), code)
        found = difference(ours.followed, theirs.followed) if ours and theirs else None
        cells.append(Cell(found.text) if found else NOTHING)
    tests = [spoken_test(run, model, code) for code in tested]
    return [*cells, *(Cell(test.gap.text, test.words) if test else NOTHING for test in tests)]
