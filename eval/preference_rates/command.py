"""`kielo eval preference-rates`: on how many prompts one model is scored above another, and where two pairs of models disagree."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.named_files import named_file
from eval.preference_rates.documents import CSV_HEADINGS, csv_rows, rates_document, tables
from eval.preference_rates.rates import Scores, flips, rates
from eval.preference_rates.score_files import FORMATS, ScoreFile, read_scores
from eval.table_files import write_csv_file
from kielo.errors import UsageError
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.out_files import output_file
from kielo.options.values import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument("scores", nargs="+", metavar="[NAME=]FILE", help=f"{FORMATS}; NAME= for a file of one model")
    parser.add_argument(
        "--prompts",
        type=positive,
        metavar="N",
        help="prompts in all, where files leave out those on which all are equal",
    )
    parser.add_argument(
        "--flips", nargs=4, metavar=("TUNED_A", "TUNED_B", "GENERATOR_A", "GENERATOR_B"),
        help="count the prompts on which the tuned models stand the other way round than their generators",
    )  # fmt: skip
    parser.add_argument(
        "--language", metavar="CODE", help="leave out scores that say another language (default: all count)"
    )
    add_json(parser, "the tables, with all digits")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="write a row for every model against every other here")


def run(arguments: argparse.Namespace) -> None:
    """Print the tables, and write them where asked."""
    inputs = [path for _, path in map(named_file, arguments.scores)]
    out, csv = json_file(arguments.json, *inputs), output_file("--csv", arguments.csv, *inputs)
    scores, notes, prompts = scores_of_files(arguments.scores, arguments.language)
    document = preference_document(scores, arguments.prompts or prompts, arguments.flips)
    if csv:
        write_csv_file(csv, CSV_HEADINGS, csv_rows(document))
    tell(out, document, tables(document), notes)


def scores_of_files(given: Sequence[str], language: str | None) -> tuple[Scores, list[str], int | None]:
    """Put the scores of files together: by model, with sentences of what was left out, and how many prompts there are in all.

    Raises:
        SourceError: a file holds no scores.
        UsageError: two files hold one model, or a name is given to a file of several.
    """
    found: dict[str, Mapping[Any, float]] = {}
    files = [(name, path, read_scores(path, language)) for name, path in map(named_file, given)]
    for name, path, file in files:
        for model, scores in _renamed(name, path, file).items():
            if model in found:
                raise UsageError(
                    f"{path}: another file holds scores of '{model}', too; give files of one model names: NAME=FILE."
                )
            found[model] = scores
    alone = files[0][2].prompts if len(files) == 1 else None
    return found, [note for _, _, file in files for note in file.notes], alone


def preference_document(scores: Scores, prompts: int | None, asked: Sequence[str] | None) -> dict[str, Any]:
    """Make the document: the matrix, and the flips between two pairs of models where they are asked for.

    Raises:
        UsageError: there is but one model, no model of a name, or there are more scores than prompts.
    """
    if len(scores) < 2:
        raise UsageError(f"a preference is between two models; there are only scores of {', '.join(scores)}.")
    scored = max(map(len, scores.values()))
    if prompts is not None and prompts < scored:
        raise UsageError(f"--prompts {prompts}: there are scores for {scored} prompts.")
    unknown = next((name for name in asked or () if name not in scores), None)
    if unknown is not None:
        raise UsageError(f"--flips: there are no scores of '{unknown}'; there are scores of {', '.join(scores)}.")
    if asked is None:
        return rates_document(rates(scores, prompts))
    tuned, generators = (asked[0], asked[1]), (asked[2], asked[3])
    return rates_document(rates(scores, prompts), (tuned, generators, flips(scores, tuned, generators)))


def _renamed(name: str | None, path: Path, file: ScoreFile) -> Mapping[str, Mapping[str, float]]:
    if name is None:
        return file.scores
    if len(file.scores) > 1:
        raise UsageError(
            f"{name}={path}: this file holds scores of {', '.join(file.scores)}; a name is for a file of one model."
        )
    return {name: next(iter(file.scores.values()))}
