"""The step kind "report": reads every finished step of the run and writes the page, its figures and tables as files, summary.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.report.collect import collect
from eval.report.content import compose
from eval.report.document import Report
from eval.report.latex import write_latex
from eval.report.markdown import write_markdown
from eval.report.page import write_page
from eval.report.pdf import write_pdf
from eval.report.spreadsheet import write_csv
from eval.report.standalone import write_standalone
from eval.report.summary import summary_text
from kielo.plan import Outcome, Workplace
from kielo.records import replacing

SUMMARY = "summary.txt"


def run(place: Workplace) -> Outcome:
    """Write the report; the same records give the same bytes."""
    found = collect(place.recipe, place.inputs)
    report = compose(found)
    files = dict(_files(report))
    for name, content in files.items():
        with replacing(place.folder / name) as stream:
            stream.write(content)
    return Outcome(tuple(files), {"evaluations": len(found.evaluations), "findings": len(report.findings)})


def _files(report: Report) -> Iterator[tuple[str, bytes]]:
    """Make every file of the report, as its name below the report's folder and its bytes."""
    for name, text in (
        ("index.html", write_page(report)), ("report.md", write_markdown(report)), (SUMMARY, summary_text(report)),
    ):  # fmt: skip
        yield name, text.encode("utf-8")
    for figure in report.figures:
        yield f"figures/{figure.name}.svg", write_standalone(figure).encode("utf-8")
        yield f"figures/{figure.name}.pdf", write_pdf(figure)
    for table in report.tables:
        yield f"tables/{table.name}.tex", write_latex(table).encode("utf-8")
        yield f"tables/{table.name}.csv", write_csv(table).encode("utf-8")


def summary(folder: Path) -> str:
    """Read the plain-text result tables of a finished report, for the terminal."""
    return (folder / SUMMARY).read_text("utf-8")
