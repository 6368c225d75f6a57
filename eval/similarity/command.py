"""`kielo eval similarity`: how alike the stored answers of several models are, pair by pair and each against all others."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.model_answers import Reading, add_answer_options, read_models, reading
from eval.named_files import named_file
from eval.similarity.compare import DEFAULT_METRICS, NoSharedPrompt, compare
from eval.similarity.documents import CSV_HEADINGS, compared_document, csv_rows, published_document
from eval.similarity.metrics import METRICS
from eval.similarity.published import WARNING, published
from eval.similarity.rouge import rouge_words
from eval.similarity.tables import compared_tables, published_table
from eval.table_files import write_csv_file
from kielo.errors import UsageError
from kielo.languages.pack import Language, option_language
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.out_files import output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    add_answer_options(parser, turn=1, files="+")
    parser.add_argument(
        "--metric", action="append", choices=METRICS, help=f"again for several (default: {', '.join(DEFAULT_METRICS)})"
    )
    parser.add_argument(
        "--wordnet",
        action="store_true",
        help="with --metric meteor --language en: match synonyms of NLTK's WordNet, too",
    )
    parser.add_argument(
        "--paper", action="store_true", help="average as WildChat-50M's table 5 does, and say what is wrong with that"
    )
    add_json(parser, "the tables, with all digits")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="write a row for every pair, model and metric here")


def run(arguments: argparse.Namespace) -> None:
    """Print the tables, and write them where asked."""
    if len(arguments.answers) < 2:
        raise UsageError("similarity is between models; name two files of answers or more.")
    asked = _asked(arguments)
    inputs = [path for _, path in map(named_file, arguments.answers)]
    out, csv = json_file(arguments.json, *inputs), output_file("--csv", arguments.csv, *inputs)
    document, notes = similarity_of_files(arguments.answers, reading(arguments), asked)
    if csv:
        write_csv_file(csv, CSV_HEADINGS, csv_rows(document))
    tables, warnings = (published_table(document), [WARNING]) if asked.paper else (compared_tables(document), [])
    tell(out, document, tables, [*warnings, *notes])


@dataclass(frozen=True)
class Asked:
    """How answers are compared."""

    metrics: tuple[str, ...] = DEFAULT_METRICS
    language: Language | None = None
    """For METEOR's stems; None: equal words alone."""
    wordnet: bool = False
    paper: bool = False


def similarity_of_files(given: Sequence[str], wanted: Reading, asked: Asked) -> tuple[dict[str, Any], list[str]]:
    """Make the document of stored answers, and sentences that say what was left out.

    Raises:
        SourceError: a file holds no answers that count.
        UsageError: two files have one name, or models share no prompt.
        MissingExtraError: a metric's package is not installed.
    """
    answers, notes = read_models(given, wanted)
    texts = {name: {key: "\n".join(turns) for key, turns in found.items()} for name, found in answers.items()}
    wordy = {name: {key: text for key, text in found.items() if rouge_words(text)} for name, found in texts.items()}
    notes += [
        f"{name}: {len(texts[name]) - len(found)} answers are without a word and left out."
        for name, found in wordy.items()
        if len(found) < len(texts[name])
    ]
    return _document(wordy, asked), notes


def _document(answers: Mapping[str, Mapping[str, str]], asked: Asked) -> dict[str, Any]:
    try:
        if asked.paper:
            return published_document(published(answers, asked.metrics, 0, asked.language, asked.wordnet))
        return compared_document(compare(answers, asked.metrics, 0, asked.language, asked.wordnet))
    except NoSharedPrompt as error:
        raise UsageError(f"{error}; are these answers to one file of prompts?") from error


def _asked(arguments: argparse.Namespace) -> Asked:
    metrics = tuple(dict.fromkeys(arguments.metric or DEFAULT_METRICS))
    if arguments.wordnet and "meteor" not in metrics:
        raise UsageError("--wordnet is for METEOR; give --metric meteor with it, or leave it out.")
    stems = arguments.language and "meteor" in metrics
    spoken = option_language("--language", arguments.language) if stems else None
    return Asked(metrics, spoken, arguments.wordnet, arguments.paper)
