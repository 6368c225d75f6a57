"""The tables of the report: what stands in them, what is tested against what, and that no difference goes unmarked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eval.report.collect import Run
from eval.report.document import MARKS, Cell, Report
from eval.report.judge_tables import rating_outcomes
from eval.report.marks import Compared, legend, marked
from eval.report.mode_tables import differing
from eval.report.tables import mixes_table
from eval.statistics import Interval, Paired, clustered_interval, holm, paired, wilson
from tests.eval.report.conftest import cell_of, table_of

MODELS = 12


def compared(p: float, difference: float = 0.1, prompts: int = 100) -> Compared:
    return Compared(Cell("x"), Paired(difference, Interval(-1, 1), p, prompts))


def test_tests_of_a_table_are_corrected_together() -> None:
    alone, among = marked([[compared(0.03)]]), marked([[compared(0.03), compared(0.5)], [compared(0.001, -0.2)]])
    assert alone[0][0].verdict == "higher" and among[0][0].verdict == "no difference shown"
    assert among[1][0].verdict == "lower" and among[1][0].mark == "▼"
    assert dict(among[0][0].numbers) == {"p": 0.03, "p_holm": 0.06, "verdict": "no difference shown"}


def test_few_prompts_are_never_a_difference() -> None:
    assert marked([[compared(0.0001, prompts=19)]])[0][0].verdict == "too few to tell"
    assert marked([[compared(0.0001, prompts=20)]])[0][0].verdict == "higher"


def test_the_legend_explains_every_mark_and_counts_the_tests() -> None:
    rows = [[Cell("m"), compared(0.1), compared(0.2)]]
    said = legend(rows, "`base`", "a test")
    assert all(mark in said for mark in MARKS.values()) and "the 2 tests of this table" in said and "`base`" in said
    assert legend([[Cell("m")]], "`base`", "a test") == ""


def test_table_1_is_the_papers_with_intervals_tests_and_floors(report: Report, run: Run) -> None:
    table = table_of(report, "Table 1. Data mixes")
    one, base = (run.evaluation(f"sft/en-fi-{percent}pct", "fi") for percent in (20, 100))
    assert one is not None and base is not None
    cell = cell_of(table, "en-fi-20pct", "Finnish accuracy, %")
    numbers = dict(cell.numbers)
    k, n = (sum(counts[at] for counts in one.outcomes().values()) for at in (0, 1))
    assert (numbers["k"], numbers["n"]) == (k, n) and cell.small.startswith(f"{k:.0f}/{n:.0f}, ")
    interval, test = clustered_interval(one.outcomes()), paired(one.outcomes(), base.outcomes())
    assert test is not None and numbers["p"] == test.p
    assert (numbers["low"], numbers["high"]) == (100 * interval.low, 100 * interval.high)
    marks = [cell for row in table.rows for cell in row if cell.verdict]
    raw, adjusted = ([float(dict(cell.numbers)[name]) for cell in marks] for name in ("p", "p_holm"))
    assert len(marks) == 18 and adjusted == holm(raw)
    assert cell_of(table, "en-fi-100pct", "Finnish accuracy, %").verdict == ""
    floors = [row[0].text for row in table.rows if row[0].small == "no model"]
    assert floors == ["“lol” to every prompt", "the prompt repeated", "an empty answer"]
    assert cell_of(table, "the prompt repeated", "Finnish accuracy, %").text == "37.38"


def test_tables_2_and_3_say_the_same_of_a_run(report: Report) -> None:
    for mode in ("", ", fair mode"):
        scores, gains = (
            table_of(report, f"{title}{mode}") for title in ("Table 2. Other runs", "Table 3. Gains on the start")
        )
        assert [column.removesuffix(", %") for column in scores.columns[1:]] == list(gains.columns[2:])
        for row in gains.rows:
            (same,) = (cells for cells in scores.rows if cells[0].text == row[0].text)
            assert [cell.verdict for cell in row[2:]] == [cell.verdict for cell in same[1:]]
            assert all(cell.verdict for cell in row[2:])


def test_fair_mode_is_scored_by_its_own_verdicts(report: Report, run: Run) -> None:
    compat, fair = (table_of(report, f"Table 1. Data mixes{mode}") for mode in ("", ", fair mode"))
    assert all(
        cell_of(compat, row[0].text, "English accuracy, %").text
        == cell_of(fair, row[0].text, "English accuracy, %").text
        for row in compat.rows
    )
    one = run.evaluation("sft/en-fi-0pct", "fi")
    assert one is not None
    cell = dict(cell_of(fair, "en-fi-0pct", "Finnish accuracy in Finnish, %").numbers)
    assert cell["k"] == one.document["normalised"]["fair"]["followed"] < one.accuracy("fair").k
    assert cell["n"] == one.document["normalised"]["fair"]["instructions"]


def test_what_the_modes_judge_differently_is_counted_with_its_reasons(report: Report, run: Run) -> None:
    table = table_of(report, "What the modes judge differently")
    found = differing([one for one in run.evaluations if one.language == "fi"])
    listed = [each for one in run.evaluations for row in one.scores.counted for each in row.differences]
    assert sum(of.fair_alone + of.compat_alone for of in found.values()) == len(listed) > 0
    cells = next(row for row in table.rows if row[0].text == "keywords:forbidden_words")
    assert cells[2].text.startswith("an inflected form of a forbidden word (") and cells[3].text == "0"
    assert {row[1].text for row in table.rows} == {"Finnish"}


def test_the_wide_table_has_every_measure_of_every_model_and_the_floors(report: Report) -> None:
    table = table_of(report, "Every measure of accuracy")
    assert len(table.rows) == 2 * 2 * (MODELS + 3) and table.folded
    assert table.columns[3:7] == (
        "Instructions, strict, %", "Instructions, loose, %", "Prompts, strict, %", "Prompts, loose, %",
    )  # fmt: skip
    assert all("–" in cell.small for row in table.rows if row[0].small != "no model" for cell in row[3:])


def test_types_and_pairs_are_folded(report: Report, run: Run) -> None:
    types, pairs = (
        table_of(report, "Accuracy by instruction type, Finnish"),
        table_of(report, "Every pair of models, Finnish"),
    )
    assert len(types.rows) == 24 and len(types.columns) == 2 + MODELS and types.folded
    tests = [cell for row in pairs.rows for cell in row if cell.verdict]
    assert len(tests) == MODELS * (MODELS - 1) // 2 and "the 66 tests" in pairs.note
    first = cell_of(pairs, "en-fi-20pct", "en-fi-10pct")
    ours, theirs = (run.evaluation(f"sft/en-fi-{percent}pct", "fi") for percent in (20, 10))
    assert ours is not None and theirs is not None
    assert dict(first.numbers)["points"] == pytest.approx(100 * (ours.accuracy().share - theirs.accuracy().share))


def test_the_languages_of_the_answers_are_told_by_three_ways(report: Report) -> None:
    table = table_of(report, "Languages of the answers to Finnish prompts")
    assert table.columns[2:] == (
        "Finnish, langdetect, %", "Finnish, folded, %", "Finnish, lines, %", "Mixed, lines, %", "English, lines, %",
        "Other, lines, %", "None, lines, %",
    )  # fmt: skip
    (row,) = (row for row in table.rows if row[0].text == "en-fi-0pct")
    assert row[1].text == "en 201, de 67"
    counts = [dict(cell.numbers) for cell in row[2:]]
    assert [count["k"] for count in counts[:2]] == [242, 309] and sum(count["k"] for count in counts[2:]) == 510
    english = table_of(report, "Languages of the answers to English prompts")
    assert "Finnish, lines, %" not in english.columns and english.columns.count("English, lines, %") == 1


def test_turns_of_a_question_are_answers_to_one_prompt(report: Report) -> None:
    table = table_of(report, "Languages of the answers to mt-bench in Finnish")
    numbers = dict(cell_of(table, "en-fi-0pct", "Finnish, langdetect, %").numbers)
    alone = wilson(numbers["k"], numbers["n"])
    assert numbers["n"] == 160 and numbers["high"] - numbers["low"] > 1.3 * 100 * (alone.high - alone.low)


def test_the_judge_is_told_with_all_that_was_lost(report: Report, run: Run) -> None:
    table = table_of(report, "Judge: mt-bench in Finnish")
    (document,) = run.judged.values()
    for row in table.rows:
        found = document["models"][next(name for name in run.models if name.endswith(f"/{row[0].text}"))]["pairwise"]
        assert row[2].verdict and dict(row[2].numbers)["p"] == found["p"]
        assert [cell.text for cell in row[3:6]] == [str(found[name]) for name in ("wins", "losses", "ties")]
        assert (row[1].text == "none") == (found["errors"] == 0) and row[6].text == "4"
    assert "en-fi-100pct" not in [row[0].text for row in table.rows] and "`en-fi-100pct`" in table.note


def test_ratings_are_tested_question_by_question(report: Report, run: Run) -> None:
    table = table_of(report, "Ratings: mt-bench in Finnish")
    (document,) = run.judged.values()
    ours, theirs = (rating_outcomes(document, f"sft/en-fi-{percent}pct") for percent in (20, 100))
    test = paired(ours, theirs)
    assert len(ours) == 80 and test is not None
    assert dict(cell_of(table, "en-fi-20pct", "Rating").numbers)["p"] == test.p
    assert cell_of(table, "en-fi-100pct", "Rating").verdict == ""


def test_what_could_not_be_measured_is_a_dash(report: Report, run: Run) -> None:
    table = table_of(report, "Answers to mt-bench in Finnish")
    assert cell_of(table, "dpo-both", "Cut off, %").text == "3.1" and cell_of(table, "dpo-both", "Words").text == "104"
    measured = run.questions[0]
    empty = {
        **measured.document,
        "in_language": None,
        "fluency": {**measured.document["fluency"], "usual_trigrams": None},
    }
    from eval.report.question_tables import question_tables

    (again, _) = question_tables(replace(run, questions=(replace(measured, document=empty),)))
    assert (again.rows[0][1].text, again.rows[0][5].text) == ("–", "–")


def test_translation_quality_has_chrf_plus_plus_and_intervals(report: Report) -> None:
    cell = cell_of(table_of(report, "Translation quality"), "held-out", "chrF++")
    assert (cell.text, cell.small) == ("54.1", "53.0–55.2")


def test_a_single_model_is_compared_with_nothing(run: Run) -> None:
    alone = replace(run, evaluations=tuple(one for one in run.evaluations if one.model == "sft/en-fi-100pct"))
    table = mixes_table(alone)
    assert table is not None and len(table.rows) == 1 + 3 and not any(mark in table.note for mark in "▲▼○")


def test_what_was_not_answered_and_what_means_nothing_is_said(run: Run) -> None:
    one, *rest = run.evaluations
    counts = one.scores.responses.model_copy(update={"blank": 4, "missing": 1})
    unanswered = replace(one, scores=one.scores.model_copy(update={"responses": counts}))
    compat = mixes_table(replace(run, evaluations=(unanswered, *rest)))
    caseless = [
        replace(each, document={**each.document, "meaningless": {"change_case:english_capital": 25}})
        if each.language == "en" else each
        for each in run.evaluations
    ]  # fmt: skip
    fair = mixes_table(replace(run, evaluations=tuple(caseless)), "fair")
    assert compat is not None and fair is not None
    assert (
        "without an answer, scored as not followed: at most 1.0% (5 of 510), by `en-fi-0pct` in English." in compat.note
    )
    assert "Followed by no answer: 25 instructions about letter case, which English does not have." in fair.note
    for mode in ("compat", "fair"):
        as_it_is = mixes_table(run, mode)
        assert as_it_is is not None and "without an answer" not in as_it_is.note and "letter case" not in as_it_is.note


def test_a_language_that_langdetect_does_not_know_is_still_normalised_in_fair_mode(run: Run) -> None:
    unknown = {"langdetect": None, "folded": None}
    evaluations = tuple(
        replace(one, document={**one.document, "response_language": {**one.document["response_language"], **unknown}})
        for one in run.evaluations
    )
    small = replace(run, evaluations=evaluations)
    compat, fair = mixes_table(small), mixes_table(small, "fair")
    assert compat and compat.columns == ("Model", "English accuracy, %", "Finnish accuracy, %")
    assert fair and fair.columns == (*compat.columns, "Finnish accuracy in Finnish, %")
    assert fair.rows[0][3].numbers and {len(row) for row in fair.rows} == {4}


def test_a_table_of_scores_has_marks_or_says_that_nothing_in_it_is_tested(report: Report) -> None:
    scores = [table for table in report.tables if any(column.endswith(", %") for column in table.columns)]
    shown = [table for table in scores if table.columns[0] == "Model"]
    assert len(shown) > 8
    for table in shown:
        marked_cells = any(cell.verdict for row in table.rows for cell in row)
        assert marked_cells or "not tested" in table.note, table.title
