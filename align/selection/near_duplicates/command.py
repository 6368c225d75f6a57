"""`kielo select near-duplicates`: groups of prompts that are nearly the same, and prompts that stand in an evaluation."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from align.selection.near_duplicates.contamination import Contaminated, contaminated
from align.selection.near_duplicates.printed import contamination_lines, document, group_lines
from align.selection.near_duplicates.rows import FIELDS, PromptRow, read_prompt_rows
from align.selection.near_duplicates.thin_out import Thinned, thin_out
from align.selection.pool import Pool
from align.selection.vector_file import of_length_1, read_vectors
from kielo.errors import UsageError
from kielo.options.out_files import output_file
from kielo.records import write_json, write_jsonl
from kielo.schema.selection import NearDuplicates


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="rows with prompts, .jsonl or .jsonl.gz; rows that name a `language` are compared with those of the same")  # fmt: skip
    parser.add_argument("--field", metavar="NAME", help=f"where a row's prompt stands (default: the first of {', '.join(FIELDS)} that it has)")  # fmt: skip
    parser.add_argument("--threshold", type=_share, default=0.8, metavar="X", help="Jaccard similarity of the prompts' character 5-grams (default: 0.8)")  # fmt: skip
    parser.add_argument("--keep", choices=("best", "first", "longest"), default="first", help="which row of a group stays: the one of the best score, the first (default), or that with the longest answers")  # fmt: skip
    parser.add_argument("--score-field", metavar="NAME", help="--keep best: where a row's score stands (default: score); a row without one is the worst")  # fmt: skip
    parser.add_argument("--embeddings", type=Path, metavar="E.npy", help="a vector for each row")
    parser.add_argument("--semantic", type=_share, metavar="X", help="with --embeddings: rows whose vectors have at least this cosine are near-duplicates, too")  # fmt: skip
    parser.add_argument("--against", type=Path, nargs="+", default=[], metavar="EVAL", help="evaluation prompts: rows that stand in one are listed, left out of --out, and the exit code is 1 where there are any")  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="KEPT", help="write the rows that stay here")
    parser.add_argument("--report", type=Path, metavar="REPORT", help="write all groups, pairs and contaminated rows here, as JSON")  # fmt: skip


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0 and up to 1")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Print groups and contaminated rows, and write what stays where asked; returns 1 where a row stands in an evaluation."""
    inputs = [arguments.file, *arguments.against, *([arguments.embeddings] if arguments.embeddings else [])]
    out, report = output_file("--out", arguments.out, *inputs), output_file("--report", arguments.report, *inputs)
    _check(arguments, out, report)
    by_score = (arguments.score_field or "score") if arguments.keep == "best" else None
    rows = read_prompt_rows(arguments.file, arguments.field, by_score)
    evaluations = {str(path): read_prompt_rows(path) for path in arguments.against}
    settings = NearDuplicates(threshold=arguments.threshold, keep=arguments.keep, semantic=arguments.semantic)
    thinned = thin_out(_pool(rows, arguments), [row.prompt for row in rows], settings)
    found = contaminated(rows, evaluations)
    kept = _clean(thinned, found)
    if out:
        write_jsonl(out, (rows[row].row for row in kept))
    if report:
        write_json(report, document(rows, thinned, found, settings, kept))
    print("\n".join([*group_lines(rows, thinned, settings), *contamination_lines(rows, found, arguments.against)]))
    return 1 if found else 0


def _check(arguments: argparse.Namespace, out: Path | None, report: Path | None) -> None:
    if (arguments.embeddings is None) != (arguments.semantic is None):
        raise UsageError("--semantic and --embeddings belong together; give both or neither.")
    if arguments.score_field and arguments.keep != "best":
        raise UsageError("--score-field is read with --keep best; add that, or leave it out.")
    if out and report and out.resolve() == report.resolve():
        raise UsageError(f"--out and --report name one file, {out}; give them two.")


def _pool(rows: Sequence[PromptRow], arguments: argparse.Namespace) -> Pool:
    vectors = None
    if arguments.embeddings is not None:
        vectors = of_length_1(read_vectors(arguments.embeddings, len(rows), f"rows in {arguments.file}"))
    return Pool(
        tuple(row.name for row in rows), tuple(row.language for row in rows),
        lengths=np.array([row.answers_length for row in rows]), scores=np.array([row.score for row in rows]), embeddings=vectors,
    )  # fmt: skip


def _clean(thinned: Thinned, found: Sequence[Contaminated]) -> list[int]:
    """Leave contaminated rows out of those that stay."""
    out = {each.row for each in found}
    return [row for row in thinned.kept.tolist() if row not in out]
