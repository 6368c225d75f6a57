"""The files of made prompts: the rows as Google publishes them, where each is from, its proof, and a table to review."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.make_prompts.make import Made
from kielo.options.out_files import output_file
from kielo.records import replacing, write_jsonl

SOURCES, ANSWERS, REVIEW = ".sources.jsonl", ".answers.jsonl", ".review.tsv"
"""What stands in place of the suffix of the file of prompts."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def beside(out: Path, suffix: str, *inputs: Path) -> Path:
    """Name a file beside the prompts.

    Raises:
        UsageError: it cannot be written, or is an input.
    """
    path = out.with_suffix(suffix)
    output_file("--out", path, *inputs)
    return path


def row(made: Made) -> dict[str, Any]:
    """Lay a prompt out as a row of IFEval."""
    prompt = made.candidate.prompt
    return {
        "key": prompt.key,
        "prompt": prompt.text,
        "instruction_id_list": list(prompt.instruction_ids),
        "kwargs": list(prompt.arguments),
    }


def write_prompts(out: Path, made: Sequence[Made]) -> None:
    """Write the rows, and beside them the document, licence and task of each."""
    write_jsonl(out, map(row, made))
    write_jsonl(out.with_suffix(SOURCES), map(_source, made))


def _source(made: Made) -> dict[str, Any]:
    document = made.candidate.document
    return {
        "key": made.candidate.prompt.key,
        "document": document.id,
        "title": document.title,
        "url": document.url,
        "licence": document.licence,
        "task": made.candidate.task,
    }


def write_answers(path: Path, made: Sequence[Made]) -> None:
    """Write the answer that proves each prompt, as `kielo eval score --responses` reads them."""
    write_jsonl(
        path,
        (
            {"key": each.candidate.prompt.key, "prompt": each.candidate.prompt.text, "response": each.answer}
            for each in made
        ),
    )


def write_review(path: Path, made: Sequence[Made]) -> None:
    """Write a table for a native speaker, with empty columns for the verdict and a remark."""
    text = io.StringIO(newline="")
    table = csv.writer(text, dialect="excel-tab", lineterminator="\n")
    table.writerow(["key", "instructions", "prompt", "document", "good? (y/n)", "remark"])
    for each in made:
        prompt = each.candidate.prompt
        cells = [" ".join(prompt.instruction_ids), prompt.text, each.candidate.document.id]
        table.writerow([prompt.key, *map(_plain, cells), "", ""])
    with replacing(path) as stream:
        stream.write(text.getvalue().encode("utf-8"))


def _plain(cell: str) -> str:
    """Keep a spreadsheet from reading a document's text as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
