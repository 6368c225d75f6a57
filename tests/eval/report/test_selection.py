"""The report on recipes that select: the section, its tests against random rows, the figure's lines, and who answered anew."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from eval.report.collect import Run, collect
from eval.report.content import compose
from eval.report.data_tables import mix_table
from eval.report.document import Paragraph, Report, Table
from eval.report.findings import findings
from eval.report.selection_tables import methods_table, selections_table
from eval.report.size_chart import draw_selections, selected_rows
from eval.report.standalone import resolved
from eval.report.standing import (
    baseline_of,
    families,
    mix_models,
    random_twin,
    telling_models,
    unselected,
    widest_family,
)
from eval.report.svg import SERIES
from eval.statistics import holm
from tests.eval.fixture_run import RECIPE, SELECTING, Built, build
from tests.eval.report.conftest import cell_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def selecting(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("selecting") / "run", SELECTING, prompts=60)


@pytest.fixture(scope="module")
def chosen(selecting: Built) -> Run:
    return collect(selecting.recipe, selecting.place.inputs)


@pytest.fixture(scope="module")
def told(chosen: Run) -> Report:
    return compose(chosen)


def test_every_method_is_a_line_of_its_own(chosen: Run) -> None:
    found = families(chosen, chosen.models)
    assert list(found) == ["en-fi-Xpct", "few-random", "few-mig"]
    assert found["few-mig"] == [f"sft/few-mig-{size}" for size in (400, 1000, 4000)]
    figure = draw_selections(chosen)
    assert figure is not None
    ends = [one.text or "" for one in resolved(figure).iter(f"{SVG}text") if one.get("font-weight")]
    assert {end.rpartition(" ")[0] for end in ends} == {"every row", "few-random", "few-mig"}
    assert sum(1 for _ in resolved(figure).iter(f"{SVG}polyline")) == 2
    assert [selected_rows(chosen, model) for model in ("sft/few-mig-400", "sft/en-fi-100pct", "sft/en-fi-10pct")] == [400, 4126, 0]  # fmt: skip


def test_the_axis_marks_the_recipes_sizes_and_no_point_hides_another(chosen: Run) -> None:
    figure = draw_selections(chosen)
    assert figure is not None
    drawn = ElementTree.fromstring(f"<svg>{figure.body}</svg>")
    whiskers = {
        role: [line.get("x1") for line in drawn.iter("line") if line.get("class") == f"whisker {role}"]
        for role in SERIES
    }
    assert [len(whiskers[role]) for role in SERIES[:3]] == [3, 3, 1], "two methods at three sizes, and every row"
    places = [place for role in SERIES for place in whiskers[role]]
    assert len(set(places)) == len(places)
    ticks = [
        one.text for one in drawn.iter("text") if one.get("class") == "muted" and one.get("text-anchor") == "middle"
    ]
    assert [tick.replace("\u202f", "").replace("\u00a0", "") for tick in ticks if tick] == [
        "400",
        "1000",
        "4000",
        "selected rows (logarithmic)",
    ]


def test_a_method_is_tested_against_random_rows_of_its_size_with_one_correction(chosen: Run) -> None:
    table = methods_table(chosen)
    assert isinstance(table, Table)
    pairs = [(row[0].text, row[2].text) for row in table.rows]
    assert pairs == [
        ("few-mig-400", "few-random-400"), ("few-mig-1000", "few-random-1000"), ("few-mig-4000", "few-random-4000"),
        ("few-random-4000", "en-fi-100pct"), ("few-mig-4000", "en-fi-100pct"),
    ]  # fmt: skip
    tests = [dict(cell.numbers) for row in table.rows for cell in row if cell.verdict]
    assert len(tests) == 10 and [each["p_holm"] for each in tests] == holm([float(each["p"]) for each in tests])
    gap = chosen.measures.paired(
        chosen.evaluation("sft/few-mig-400", "fi"), chosen.evaluation("sft/few-random-400", "fi")
    )
    assert gap and tests[1]["points"] == 100 * gap.difference and tests[1]["p"] == gap.p


def test_the_finding_tells_every_size_whatever_it_is(chosen: Run) -> None:
    (said,) = [sentence for sentence in findings(chosen) if "at random" in sentence]
    table = methods_table(chosen)
    assert isinstance(table, Table)
    column = table.columns.index("Finnish accuracy")
    for row in table.rows[:3]:
        assert f"(`{row[0].text}`) {row[column].text} points {row[column].small}, {row[column].verdict}" in said
    higher = sum(row[column].verdict == "higher" for row in table.rows[:3])
    assert said.endswith(f"Shown to be higher in {higher} and lower in 0 of 3.")


def test_the_table_of_selections_shows_what_their_steps_counted(chosen: Run) -> None:
    table = selections_table(chosen)
    assert table is not None
    assert cell_of(table, "few-mig-400", "Information, %").text == "6.4"
    assert cell_of(table, "few-mig-400", "Labels covered, %").small == "20/210"
    assert cell_of(table, "few-random-400", "Information, %").text == "–"
    assert cell_of(table, "few-mig-1000", "Left out").text == "87 near-duplicates, no labels 12"
    assert cell_of(table, "few-mig-400", "Translation quality").small == "all 0.905"
    alone = {name: record for name, record in chosen.records.items() if "mig" not in name}
    smaller = selections_table(replace(chosen, records=alone))
    assert smaller is not None and "Information, %" not in smaller.columns


def test_a_selection_stands_in_the_other_tables_by_its_share_of_the_pool(chosen: Run) -> None:
    assert chosen.shares["sft/few-mig-400"] == pytest.approx(400 / 4126, abs=0.0005)
    names = [model.removeprefix("sft/") for model in mix_models(chosen)]
    assert (
        names.index("en-fi-0pct")
        < names.index("few-mig-400")
        < names.index("en-fi-20pct")
        < names.index("few-mig-4000")
    )
    assert baseline_of(chosen, "sft/few-mig-400") == "sft/en-fi-100pct"
    assert widest_family(chosen)[0] == "sft/en-fi-0pct" and "sft/few-mig-400" not in telling_models(chosen)
    training = mix_table(chosen)
    assert training is not None
    row = next(row for row in training.rows if row[0].text == "few-mig-400" and row[1].text == "Finnish")
    assert (row[2].text, row[2].small) == ("400", "of 400 selected")


def test_the_section_stands_in_the_report(told: Report) -> None:
    section = next(section for section in told.sections if section.anchor == "selection")
    assert [type(block).__name__ for block in section.blocks] == ["Figure", "Table", "Table"]
    assert section.title == "Selection"


@pytest.mark.parametrize(
    ("method", "lines"),
    [("method: mig", ["few"]), ("method: [mig, longest]", ["few-mig", "few-longest"])],
)
def test_without_random_rows_there_is_nothing_to_compare_with_and_that_is_said(
    tmp_path: Path, method: str, lines: list[str]
) -> None:
    built = build(tmp_path / "run", SELECTING.replace("method: [random, mig]", method), prompts=30)
    run = collect(built.recipe, built.place.inputs)
    assert [name for name in families(run, run.models) if name.startswith("few")] == lines
    found = methods_table(run)
    assert isinstance(found, Paragraph) and "method: [random, mig]" in found.text
    assert not [sentence for sentence in findings(run) if "at random" in sentence]


def test_seeds_are_compared_with_their_own(tmp_path: Path) -> None:
    built = build(tmp_path / "run", SELECTING.replace("seed: 7", "seeds: [3, 5]"), prompts=20)
    run = collect(built.recipe, built.place.inputs)
    assert random_twin(run, "sft/few-mig-400-seed-5") == "sft/few-random-400-seed-5"
    assert unselected(run, "sft/few-mig-400-seed-3") == "sft/en-fi-100pct-seed-3"
    assert random_twin(run, "sft/few-random-400-seed-3") is None
    (said,) = [sentence for sentence in findings(run) if "at random" in sentence]
    assert len(re.findall("seed [35]\\)", said)) == 6 and said.endswith("of 6.")


def test_a_selection_that_is_not_complete_is_left_out(chosen: Run) -> None:
    records = {name: record for name, record in chosen.records.items() if not name.startswith(("select/", "mix/few"))}
    run = replace(chosen, records=records)
    assert selections_table(run) is None and draw_selections(run) is None and run.shares["sft/few-mig-400"] == 0


def test_a_report_without_selections_says_nothing_of_them(report: Report) -> None:
    assert "selection" not in [section.anchor for section in report.sections]


def test_who_answered_anew_stands_in_the_training_data(tmp_path: Path) -> None:
    anew = '    anew: {kind: conversations, prompts_of: oasst2, engine: {kind: openai, model: example/teacher, urls: ["http://teacher.example/v1"]}}\n'
    text = RECIPE.replace("    helpsteer2: {kind", f"{anew}    helpsteer2: {{kind", 1)
    text = text.replace(
        "sft:\n  mixes:\n",
        "sft:\n  mixes:\n    taught: {sources: {oasst2: {shares: {en: 1.0}}, anew: {shares: {fi: 1.0}}}}\n",
    )
    built = build(tmp_path / "run", text, prompts=10)
    table = mix_table(collect(built.recipe, built.place.inputs))
    assert table is not None and table.columns[:5] == ("Mix", "Language", "Data set", "Answers by", "Rows")
    rows = {tuple(cell.text for cell in row[:3]): row[3].text for row in table.rows}
    assert rows["taught", "Finnish", "anew"] == "example/teacher" and rows["taught", "English", "oasst2"] == "–"
    assert "answered the prompts anew" in table.note and table.text_columns == 4
