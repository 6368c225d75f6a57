"""`kielo eval make-prompts`: writes native IFEval prompts from documents of a language."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.make_prompts.documents import read_documents
from eval.make_prompts.files import ANSWERS, REVIEW, SOURCES, beside, write_answers, write_prompts, write_review
from eval.make_prompts.make import make_prompts
from eval.make_prompts.summary import summary, summary_text
from eval.make_prompts.trial import MADE_FOR
from kielo.errors import UsageError
from kielo.languages.pack import option_language
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.out_files import output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument(
        "--documents", type=Path, required=True, metavar="FILE",
        help="rows {text, title, id, url, licence} (all but text optional), .jsonl or .jsonl.gz; else plain text, a blank line between documents",
    )  # fmt: skip
    parser.add_argument("--language", required=True, metavar="CODE", help="their language: a pack with templates")
    parser.add_argument("--rows", type=int, required=True, metavar="N", help="how many prompts to write")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the prompts here, as .jsonl")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another number, other prompts (default: 0)")
    parser.add_argument("--types", nargs="+", default=[], metavar="ID", help="instruction ids to ask (default: all)")
    parser.add_argument(
        "--for", dest="made_for", choices=sorted(MADE_FOR), default="both",
        help="both: prompts whose verdicts agree in compat and fair mode (default); fair: letters, markers and case of the language as well",
    )  # fmt: skip
    parser.add_argument("--licence", metavar="TEXT", help="licence of documents that state none")
    parser.add_argument("--answers", action="store_true", help="write an answer that follows each prompt, too")
    parser.add_argument("--review", action="store_true", help="write a table for a native reviewer, too")
    add_json(parser, "the counts")


def run(arguments: argparse.Namespace) -> None:
    """Make the prompts, write them, and print what was made of what."""
    out, documents = arguments.out, arguments.documents
    if out.suffix != ".jsonl":
        raise UsageError(f"--out {out}: the prompts are JSON lines; give a name that ends in .jsonl.")
    output_file("--out", out, documents)
    json = json_file(arguments.json, documents)
    names = [SOURCES, *[ANSWERS] * arguments.answers, *[REVIEW] * arguments.review]
    paths = {name: beside(out, name, documents) for name in names}
    if json in (out, *paths.values()):
        raise UsageError(f"--json {json}: this file is written already; name another one.")
    pack = option_language("--language", arguments.language)
    found = read_documents(documents, pack, arguments.licence)
    made = make_prompts(found, pack, arguments.rows, arguments.seed, arguments.made_for, arguments.types)
    write_prompts(out, made.rows)
    if arguments.answers:
        write_answers(paths[ANSWERS], made.rows)
    if arguments.review:
        write_review(paths[REVIEW], made.rows)
    counts = summary(made, found, arguments.seed)
    tell(json, counts, summary_text(counts), [f"wrote {', '.join(map(str, [out, *paths.values()]))}"])
