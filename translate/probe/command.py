"""`kielo probe`: measures what a model can do in a language, before any GPU-hour is spent, and says it by stage."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kielo.options.engine import add_engine, engine_of
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.out_files import output_folder
from kielo.options.values import positive

if TYPE_CHECKING:
    from kielo.records import Record
    from translate.probe.ask import Question

SAMPLES = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    parser.add_argument("model", metavar="MODEL", help="a Hub id, a folder, or pocket")
    parser.add_argument("--revision", metavar="COMMIT", help="of the model on the Hub")
    parser.add_argument("--language", required=True, metavar="CODE", help="the language to probe")
    parser.add_argument("--source", default="en", metavar="CODE", help="the language to translate from (default: en)")
    parser.add_argument(
        "--development", type=Path, nargs="+", default=[], metavar="FILE",
        help='sentences to try: rows {"source", "target"}, or two text files line by line, such as FLORES; default: shots of the language',
    )  # fmt: skip
    parser.add_argument(
        "--data", type=Path, metavar="RECIPE|FILE",
        help="what is to be translated and trained on, for its lengths; a recipe's shots, max_length and limits are taken, too",
    )  # fmt: skip
    add_engine(parser)
    parser.add_argument(
        "--samples", type=positive, default=SAMPLES, metavar="N", help=f"most sentences to translate (default: {SAMPLES})"
    )  # fmt: skip
    parser.add_argument(
        "--folder", type=Path, metavar="FOLDER", help="where completions are kept (default: runs/probe-<model>-<language>)"
    )  # fmt: skip
    add_json(parser, "everything found")


def run(arguments: argparse.Namespace) -> None:
    """Probe a model and print what was found.

    Raises:
        UsageError: an option names something that is not there.
        RecipeError: the model or the recipe cannot be used.
        SourceError: the sentences or the data are missing or malformed.
        GenerationError: the engine gave up; the same command goes on from there.
    """
    from translate.probe.ask import ask
    from translate.probe.printed import page, to_document

    out = json_file(arguments.json, *arguments.development, *([arguments.data] if arguments.data else []))
    folder = output_folder("--folder", arguments.folder or _usual_folder(arguments.model, arguments.language))
    question = _question(arguments, folder)
    findings = ask(question, folder)
    tell(out, to_document(question, findings), page(question, findings))


def _usual_folder(model: str, code: str) -> Path:
    return Path("runs") / f"probe-{Path(model).name or 'model'}-{code}"


def _question(arguments: argparse.Namespace, folder: Path) -> Question:
    from translate.probe.ask import Question
    from translate.probe.data import file_records, is_recipe, recipe_records
    from translate.probe.drift import identifier_for
    from translate.probe.sample import take_sample
    from translate.probe.setting import POCKET_RECIPE, direction_of, open_model, recipe_for

    code, source = arguments.language, arguments.source
    direction, engine = direction_of(source, code), engine_of(arguments.engine)
    pocket = arguments.model == "pocket"
    data = arguments.data or (POCKET_RECIPE if pocket and (source, code) == ("en", "fi") else None)
    from_recipe = is_recipe(data)
    recipe = recipe_for(arguments.model, arguments.revision, code, source, data if from_recipe else None, engine)
    model = open_model(arguments.model, arguments.revision)
    identifier, said = identifier_for(direction)
    sample = take_sample(arguments.development, recipe, pocket, arguments.samples, direction, identifier)
    records: list[Record] = []
    if data:
        records = recipe_records(recipe, folder) if from_recipe else file_records(data, source)
    return Question(model, recipe, engine, direction, sample, records, identifier, said)
