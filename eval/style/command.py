"""`kielo eval style`: what the stored answers of models are written with, and what tuned models took over of a generator's style."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.model_answers import Reading, add_answer_options, read_models, reading
from eval.named_files import named_file, named_files
from eval.style.documents import CSV_HEADINGS, answers_document, csv_rows, pages_document
from eval.style.inheritance import inheritance
from eval.style.pages import WARNING, read_pages
from eval.style.profiles import Profile, profile
from eval.style.tables import answer_tables, page_tables
from eval.table_files import write_csv_file
from kielo.errors import UsageError
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.out_files import output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    add_answer_options(parser, turn=None, files="*")
    parser.add_argument(
        "--source", metavar="NAME", help="the model whose answers the others were tuned on: print what they took over"
    )
    parser.add_argument(
        "--paper", action="store_true", help="count whole HTML pages (--pages) as WildChat-50M's table 3 does"
    )
    parser.add_argument(
        "--pages", action="append", default=[], metavar="[NAME=]FOLDER", help="with --paper: a model's .html pages"
    )
    add_json(parser, "the tables, with all digits")
    parser.add_argument("--csv", type=Path, metavar="OUT", help="write a row for every model and mark here")


def run(arguments: argparse.Namespace) -> None:
    """Print the tables, and write them where asked."""
    _check(arguments)
    inputs = [path for _, path in map(named_file, arguments.answers)]
    out, csv = json_file(arguments.json, *inputs), output_file("--csv", arguments.csv, *inputs)
    if arguments.paper:
        document = pages_document(
            {name: read_pages(folder) for name, folder in named_files(arguments.pages).items()}, arguments.source
        )
        tables, notes = page_tables(document), [WARNING]
    else:
        document, notes = style_of_files(arguments.answers, reading(arguments), arguments.source)
        tables = answer_tables(document)
    if csv:
        write_csv_file(csv, CSV_HEADINGS, csv_rows(document))
    tell(out, document, tables, notes)


def style_of_files(given: Sequence[str], wanted: Reading, source: str | None) -> tuple[dict[str, Any], list[str]]:
    """Make the document of stored answers, and sentences that say what was left out.

    Raises:
        SourceError: a file holds no answers that count.
        UsageError: two files have one name, or the source shares no prompt with a model.
    """
    answers, notes = read_models(given, wanted)
    profiles = {name: profile(texts) for name, texts in answers.items()}
    ratios = (
        {} if source is None else {name: _taken_over(profiles, name, source) for name in profiles if name != source}
    )
    return answers_document(profiles, source, ratios), notes


def _taken_over(profiles: Mapping[str, Profile], name: str, source: str) -> Mapping[str, Any]:
    try:
        return inheritance(profiles[name], profiles[source])
    except ValueError as error:
        raise UsageError(f"'{name}' and '{source}' have no prompt in common; are these answers to one file?") from error


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together, before anything is read."""
    if arguments.paper and (arguments.answers or arguments.turn or arguments.language or arguments.strip_thinking):
        raise UsageError("--paper counts the pages of --pages alone; give no files of answers and no --turn, --language or --strip-thinking.")  # fmt: skip
    if arguments.paper != bool(arguments.pages):
        raise UsageError("--paper and --pages belong together: the published counts are of whole pages; give both or neither.")  # fmt: skip
    given = arguments.pages if arguments.paper else arguments.answers
    if not given:
        raise UsageError("name files of answers: kielo eval style [NAME=]FILE...")
    names = named_files(given)
    if arguments.source is not None and (arguments.source not in names or len(names) < 2):
        raise UsageError(
            f"--source {arguments.source}: give this model and one tuned on it; there is {', '.join(names)}."
        )
