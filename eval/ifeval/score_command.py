"""`kielo eval score`: scores stored answers to IFEval prompts in both modes, without running a model."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.ifeval.document import score_document
from eval.ifeval.matchers import LEMMATISERS
from eval.ifeval.rows import read_prompts, read_responses
from eval.ifeval.score_table import totals_table
from eval.response_language.options import add_identifier_options, chosen_identifier
from eval.stored_answers import FORMATS
from eval.thinking import strip_thinking
from kielo.languages.pack import Language, option_language
from kielo.options.json_out import add_json, json_file, tell

MATCHERS = ("exact", "prefix", *LEMMATISERS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument("--prompts", type=Path, required=True, metavar="FILE", help="IFEval rows, .jsonl or .jsonl.gz")
    parser.add_argument("--responses", type=Path, required=True, metavar="FILE", help=FORMATS)
    parser.add_argument(
        "--language", required=True, metavar="CODE", help="language of the prompts: a pack under recipes/languages/"
    )
    parser.add_argument(
        "--source", default="en", metavar="CODE", help="language they were translated from (default: en)"
    )
    parser.add_argument("--name", metavar="NAME", help="what to call the model (default: the responses file)")
    parser.add_argument(
        "--sentences",
        choices=("punkt", "sentencex"),
        help="who splits sentences in compat mode (default: punkt if its data are at hand)",
    )
    parser.add_argument(
        "--matcher", choices=MATCHERS, help="how fair mode finds keywords, in place of the pack's matcher"
    )
    add_identifier_options(parser)
    parser.add_argument("--strip-thinking", action="store_true", help="take <think> blocks off the answers")
    add_json(parser, "totals, verdicts and differences")


def run(arguments: argparse.Namespace) -> None:
    """Print the totals, and write every verdict where asked."""
    out = json_file(arguments.json, arguments.prompts, arguments.responses)
    pack = option_language("--language", arguments.language)
    if arguments.matcher:
        pack = _with_matcher(pack, arguments.matcher)
    source = option_language("--source", arguments.source)
    prompts = read_prompts(arguments.prompts, pack.code)
    answers = read_responses(arguments.responses)
    if arguments.strip_thinking:
        answers = [replace(each, text=each.text and strip_thinking(each.text)) for each in answers]
    name = arguments.name or arguments.responses.name.removesuffix(".gz").removesuffix(".jsonl")
    document: Mapping[str, Any] = {
        "model": name,
        "benchmark": "ifeval",
        **score_document(prompts, answers, pack, source, arguments.sentences, chosen_identifier(arguments)),
    }
    tell(out, document, totals_table(document))


def _with_matcher(pack: Language, kind: str) -> Language:
    """Let a pack find keywords otherwise; the settings of its own matcher are kept where it is the same kind."""
    own = pack.ifeval.get("matcher", {})
    matcher = own if own.get("kind") == kind else {"kind": kind}
    return pack.model_copy(update={"ifeval": {**pack.ifeval, "matcher": matcher}})
