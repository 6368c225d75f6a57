"""`kielo eval score`: scores stored answers to IFEval prompts without running a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import score_files, totals_table
from kielo.errors import RecipeError, UsageError
from kielo.languages import language
from kielo.out_files import output_file
from kielo.records import write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument("--prompts", type=Path, required=True, metavar="FILE", help="IFEval rows, .jsonl or .jsonl.gz")
    parser.add_argument(
        "--responses", type=Path, required=True, metavar="FILE", help="rows {prompt, response}, .jsonl or .jsonl.gz"
    )
    parser.add_argument(
        "--language", required=True, metavar="CODE", help="language of the prompts: a pack under recipes/languages/"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write totals and per-prompt verdicts here")


def run(arguments: argparse.Namespace) -> None:
    """Print the totals, and write every verdict where asked."""
    out = output_file("--json", arguments.json, arguments.prompts, arguments.responses)
    try:
        rules = LanguageRules.from_pack(arguments.language, language(arguments.language).ifeval)
    except RecipeError as error:
        raise UsageError(f"--language {arguments.language}: {error}") from error
    scores = score_files(arguments.prompts, arguments.responses, rules)
    if out:
        write_json(out, scores)
    print(totals_table(scores))
