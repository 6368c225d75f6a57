"""`kielo eval export-task`: an IFEval set becomes a task folder that lm-evaluation-harness runs, judged by Kielo's checkers."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.harness.export import export_task, task_files
from eval.harness.task import Scoring
from eval.ifeval.registry import MODES, open_context
from eval.ifeval.rows import read_prompts
from eval.ifeval.rules import LanguageRules
from kielo.errors import UsageError
from kielo.languages.pack import option_language
from kielo.options.out_files import output_file, output_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument("--prompts", type=Path, required=True, metavar="FILE", help="IFEval rows, .jsonl or .jsonl.gz")
    parser.add_argument(
        "--language", required=True, metavar="CODE", help="language of the prompts: a pack under recipes/languages/"
    )
    parser.add_argument("--mode", required=True, choices=MODES, help="whose verdicts the task gives")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made where there is none")
    parser.add_argument("--name", help="the task's name; default: kielo_ifeval_<language>_<mode>")
    parser.add_argument(
        "--sentences",
        choices=("punkt", "sentencex"),
        help="what counts sentences in compat mode; default: punkt where it is at hand",
    )
    parser.add_argument(
        "--max-tokens",
        type=int,
        default=1280,
        help="tokens an answer may have; default: 1280, as in the harness's ifeval",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the task, and say how to run it."""
    if arguments.max_tokens < 1:
        raise UsageError(f"--max-tokens {arguments.max_tokens}: an answer needs at least one token.")
    folder = output_folder("--out", arguments.out)
    scoring = _scoring(arguments.language, arguments.mode, arguments.sentences)
    prompts = read_prompts(arguments.prompts, arguments.language, arguments.mode)
    name = arguments.name or f"kielo_ifeval_{arguments.language}_{arguments.mode}".lower().replace("-", "_")
    for file in task_files(folder, name):
        if file.exists():
            output_file("--out", file, arguments.prompts)
    for path in export_task(folder, name, prompts, scoring, arguments.max_tokens):
        print(path)
    print(f"{len(prompts)} prompts; run them with: lm_eval --include_path {arguments.out} --tasks {name} --model ...")


def _scoring(code: str, mode: str, sentences: str | None) -> Scoring:
    """Settle how the task judges: what is not at hand here is said here, and not after all answers are generated."""
    if mode == "fair" and sentences:
        raise UsageError("--sentences: fair mode counts sentences by the language's own rules; leave this option out.")
    rules = LanguageRules.from_pack(code, option_language("--language", code).ifeval)
    context = open_context(mode, rules, sentences)
    return Scoring(code, mode, context.tokenizer.name if mode == "compat" else None)
