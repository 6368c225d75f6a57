"""The step kind "report": reads every finished step of the run and writes report.md, index.html, figures and summary.txt."""

from __future__ import annotations

from pathlib import Path

from eval.report.collect import collect
from eval.report.content import compose
from eval.report.markdown import write_markdown
from eval.report.page import write_page
from eval.report.summary import summary_table
from eval.report.svg import write_svg
from kielo.plan import Outcome, Workplace
from kielo.records import replacing

SUMMARY = "summary.txt"


def run(place: Workplace) -> Outcome:
    """Write the report; the same records give the same bytes."""
    found = collect(place.recipe, place.inputs)
    report = compose(found)
    files = {"index.html": write_page(report), "report.md": write_markdown(report), SUMMARY: summary_table(found)}
    files |= {f"figures/{figure.name}.svg": write_svg(figure, alone=True) for figure in report.figures}
    for name, text in files.items():
        with replacing(place.folder / name) as stream:
            stream.write(text.encode("utf-8"))
    return Outcome(tuple(files), {"evaluations": len(found.evaluations), "findings": len(report.findings)})


def summary(folder: Path) -> str:
    """Read the plain-text result tables of a finished report, for the terminal."""
    return (folder / SUMMARY).read_text("utf-8")
