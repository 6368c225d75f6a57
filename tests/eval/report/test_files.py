"""The tables as files: LaTeX that prints what stands in them, CSV that programs read."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.report.document import Cell, Report, Table
from eval.report.latex import escaped, write_latex
from eval.report.spreadsheet import write_csv
from kielo.plan import Outcome
from tests.eval.fixture_run import Built
from tests.eval.report.conftest import table_of

_KNOWN = re.compile(
    r"\\(textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|textquotedbl|dots)\{\}|\\[{}$&#_%,]|\$[^$]+\$|\{\[\}|\{\]\}"
)


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("words", "latex"),
    [
        ("50 % & more_", r"50 \% \& more\_"), (r"\input{x}", r"\textbackslash{}input\{x\}"), ("$a^2$ ~ #1", r"\$a\textasciicircum{}2\$ \textasciitilde{} \#1"),
        ("−1.8 ▲", r"$-$1.8 $\blacktriangle$"), ("`en-fi-0pct`", "en-fi-0pct"), ("[+0.1, +6.4]", "{[}+0.1, +6.4{]}"), ("a\nb\u2028c", "a b c"), ("ä”ö", "ä''ö"),
    ],
)  # fmt: skip
def test_latex_prints_text_as_it_is(words: str, latex: str) -> None:
    assert escaped(words) == latex


@given(st.text(max_size=60))
def test_nothing_from_data_becomes_a_command(words: str) -> None:
    left = _KNOWN.sub("", escaped(words))
    assert not set(left) & set("\\{}$&#%_^~") - {"~"} and "\n" not in left
    assert "~" not in left.replace("~", "", words.count("\u00a0"))


def test_a_row_has_as_many_cells_as_the_table_columns(report: Report) -> None:
    assert len(report.tables) > 25
    for table in report.tables:
        made = write_latex(table)
        inside = made[made.index(r"\toprule") : made.index(r"\bottomrule")]
        rows = [line for line in inside.splitlines() if line.endswith(r"\\")]
        assert len(rows) == 1 + len(table.rows)
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(table.columns) - 1}, table.title
        assert made.count(r"\begin{") == made.count(r"\end{") == 2
        unescaped = re.sub(r"\\[{}]", "", made)
        assert unescaped.count("{") == unescaped.count("}"), table.title


def test_marks_and_intervals_are_in_latex(report: Report) -> None:
    made = write_latex(table_of(report, "Table 1. Data mixes"))
    assert re.search(r"en-fi-20pct & .* & 29\.15~\$\\blacktriangledown\$ \{\\scriptsize 223/765, 25\.3--33\.2\}", made)
    assert (
        r"\label{tab:table-1-data-mixes}" in made and "Holm's correction" in made and "`" not in made.replace("``", "")
    )


def test_csv_has_the_numbers_behind_a_cell(report: Report) -> None:
    head, *rows = read_csv(write_csv(table_of(report, "Table 1. Data mixes")))
    assert len({len(row) for row in (head, *rows)}) == 1
    row = dict(zip(head, next(row for row in rows if row[0] == "en-fi-20pct"), strict=True))
    assert (row["Finnish accuracy, %"], row["Finnish accuracy, %: k"], row["Finnish accuracy, %: n"]) == (
        "29.15",
        "223",
        "765",
    )
    assert float(row["Finnish accuracy, %: low"]) < 29.15 < float(row["Finnish accuracy, %: high"])
    assert row["Finnish accuracy, %: verdict"] == "lower" and float(row["Finnish accuracy, %: p_holm"]) < 0.05
    floor = dict(zip(head, next(row for row in rows if row[0] == "the prompt repeated"), strict=True))
    assert floor["Finnish accuracy, %: k"] == "286" and floor["Finnish accuracy, %: p"] == ""


def test_csv_is_safe_and_plain() -> None:
    table = Table(
        "T",
        ("A", "B", "C"),
        ((Cell("=cmd()"), Cell("4\u202f399", "of 9"), Cell("−1.8", "x", numbers=(("points", -1.84),))),),
        text_columns=1,
    )
    assert read_csv(write_csv(table)) == [
        ["A", "B", "B: small print", "C", "C: points"],
        ["'=cmd()", "4399", "of 9", "-1.8", "-1.84"],
    ]


def test_every_table_and_figure_is_a_file_that_the_report_names(
    finished: Built, written: Outcome, report: Report
) -> None:
    outputs = written.outputs
    assert len(set(outputs)) == len(outputs) == 3 + 2 * len(report.tables) + 2 * len(report.figures)
    assert all((finished.folder / "report" / name).stat().st_size > 80 for name in outputs)
    told = (finished.folder / "report/report.md").read_text("utf-8").partition("## Files for papers")[2]
    for table in report.tables:
        assert {f"tables/{table.name}.tex", f"tables/{table.name}.csv"} < set(outputs) and f"`{table.name}`" in told
    for figure in report.figures:
        assert {f"figures/{figure.name}.svg", f"figures/{figure.name}.pdf"} < set(
            outputs
        ) and f"`{figure.name}`" in told
