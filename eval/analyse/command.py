"""`kielo analyse RUN...`: compares the answers of the models of one run or several, and writes a page, figures, tables and JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.analyse.answers import read_answers_by_language
from eval.analyse.content import Material, compose
from eval.analyse.origins import tuned_on
from eval.analyse.preferences_part import read_ratings
from eval.analyse.runs import models_of, read_runs
from eval.report.document import Items, Paragraph, Report, Table
from eval.report.page import write_page
from eval.report.spreadsheet import write_csv
from eval.report.standalone import write_standalone
from eval.report.summary import plain
from kielo.errors import UsageError
from kielo.options.out_files import output_folder
from kielo.records import replacing

FOLDER, PAGE, DOCUMENT = "analysis", "index.html", "analysis.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run folders, such as runs/pocket")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help=f"write the page and its files here (default: {FOLDER}/ in the first run)"
    )  # fmt: skip
    parser.add_argument("--language", metavar="CODE", help="answers in this language alone (default: every one)")
    parser.add_argument(
        "--benchmark", action="append", default=[], metavar="NAME",
        help="answers to this data set alone; may be repeated (default: open questions, and IFEval where a language has none)",
    )  # fmt: skip
    parser.add_argument(
        "--tuned-on", action="append", default=[], metavar="TUNED=GENERATOR",
        help="a model of these runs that was tuned on the answers of another one; may be repeated (found by itself where a step answered prompts anew with it)",
    )  # fmt: skip
    parser.add_argument("--paper", action="store_true", help="similarity and style as WildChat-50M published them")
    parser.add_argument("--json", action="store_true", help=f"print {DOCUMENT} instead of the tables")


def run(arguments: argparse.Namespace) -> None:
    """Write the analysis and print its tables."""
    runs = read_runs(arguments.runs)
    out = output_folder("--out", arguments.out or arguments.runs[0] / FOLDER)
    models = models_of(runs)
    if not models:
        raise UsageError(
            f"{arguments.runs[0]}: no model has answered anything in these runs, so there is nothing to compare; run `kielo eval` with their recipes first."
        )
    answers = read_answers_by_language(models, arguments.language, arguments.benchmark)
    pairs = tuned_on(models, arguments.tuned_on)
    material = Material(runs, models, answers, read_ratings(runs, models), pairs, arguments.paper)
    report, document = compose(material)
    for name, content in _files(report, document):
        with replacing(out / name) as stream:
            stream.write(content)
    print(_json(document) if arguments.json else terminal_text(report))
    print(f"analysis: {out / PAGE} (with intervals and figures)", file=sys.stderr if arguments.json else sys.stdout)


def _files(report: Report, document: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield PAGE, write_page(report).encode("utf-8")
    yield DOCUMENT, f"{_json(document)}\n".encode()
    for figure in report.figures:
        yield f"figures/{figure.name}.svg", write_standalone(figure).encode("utf-8")
    for table in report.tables:
        yield f"tables/{table.name}.csv", write_csv(table).encode("utf-8")


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)


def terminal_text(report: Report) -> str:
    """Write the findings, the tables that are not folded, and what is missing."""
    parts = [*report.findings]
    for section in report.sections:
        parts += [plain(table) for table in section.blocks if isinstance(table, Table) and not table.folded]
        parts += [sentence for block in section.blocks if isinstance(block, Items) for sentence in block.sentences]
        parts += [block.text for block in section.blocks if isinstance(block, Paragraph)]
    return "\n\n".join(parts) + "\n"
