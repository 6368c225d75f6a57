"""The verbs that look at files rather than at a recipe: `eval score`, `audit`, `lint`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kielo.errors import RecipeError, UsageError


def add_file_verbs(verbs: Any) -> None:
    """Add `audit` and `lint` to the command line."""
    audit = verbs.add_parser(
        "audit",
        help="check a parallel data set that exists already",
        description="Run the translation checks over rows {id, source, translation}.",
    )
    audit.add_argument("file", type=Path, metavar="FILE", help="rows {id, source, translation}, .jsonl or .jsonl.gz")
    audit.add_argument("--source", default="en", metavar="CODE", help="language of the sources (default: en)")
    audit.add_argument("--language", required=True, metavar="CODE", help="language of the translations")
    audit.add_argument("--profile", default="default", metavar="NAME", help="default, strict or paper")
    audit.add_argument(
        "--identifier", default="py3langid", metavar="NAME", help="py3langid, langdetect, lingua or glotlid"
    )
    audit.add_argument("--identifier-file", type=Path, metavar="FILE", help="glotlid: its model")
    audit.add_argument("--json", type=Path, metavar="OUT", help="write totals, and per id whether accepted and why not")
    audit.set_defaults(function=_audit)
    lint = verbs.add_parser("lint", help="check a localised benchmark", description="Check a localised benchmark.")
    kinds = lint.add_subparsers(dest="kind", required=True, metavar="KIND")
    ifeval = kinds.add_parser(
        "ifeval", help="IFEval rows", description="Check IFEval rows in any language; exit code 1 if a row is wrong."
    )
    ifeval.add_argument("file", type=Path, metavar="FILE", help="IFEval rows, .jsonl or .jsonl.gz")
    ifeval.add_argument("--language", required=True, metavar="CODE", help="language of the prompts")
    ifeval.add_argument("--source", type=Path, metavar="FILE", help="the English rows, to find literals that were lost")
    ifeval.add_argument("--json", type=Path, metavar="OUT", help="write every finding here")
    ifeval.set_defaults(function=_lint)


def score_parser() -> argparse.ArgumentParser:
    """Make the parser of `eval score`."""
    parser = argparse.ArgumentParser(
        prog="kielo eval score", description="Score stored answers to IFEval prompts without running a model."
    )
    parser.add_argument("eval", choices=["eval"], help=argparse.SUPPRESS)
    parser.add_argument("score", choices=["score"], help=argparse.SUPPRESS)
    parser.add_argument("--prompts", type=Path, required=True, metavar="FILE", help="IFEval rows, .jsonl or .jsonl.gz")
    parser.add_argument(
        "--responses", type=Path, required=True, metavar="FILE", help="rows {prompt, response}, .jsonl or .jsonl.gz"
    )
    parser.add_argument(
        "--language", required=True, metavar="CODE", help="language of the prompts: a pack under recipes/languages/"
    )
    parser.add_argument(
        "--mode", default="compat", metavar="MODE", help="compat: verdict for verdict as lm-evaluation-harness"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write totals and per-prompt verdicts here")
    parser.set_defaults(function=_score)
    return parser


def _score(arguments: argparse.Namespace) -> None:
    from eval.ifeval.rules import LanguageRules
    from eval.ifeval.score import score_files, totals_table
    from kielo.languages import language
    from kielo.records import write_json

    out = _output(arguments.json, arguments.prompts, arguments.responses)
    try:
        rules = LanguageRules.from_pack(arguments.language, language(arguments.language).ifeval)
    except RecipeError as error:
        raise UsageError(f"--language {arguments.language}: {error}") from error
    scores = score_files(arguments.prompts, arguments.responses, rules, arguments.mode)
    if out:
        write_json(out, scores)
    print(totals_table(scores))


def _audit(arguments: argparse.Namespace) -> None:
    from kielo.records import write_json
    from translate.audit import audit_file, totals_text

    out = _output(arguments.json, arguments.file)
    found = audit_file(
        arguments.file,
        arguments.source,
        arguments.language,
        arguments.profile,
        arguments.identifier,
        arguments.identifier_file,
    )
    if out:
        write_json(out, found)
    print(totals_text(found))


def _lint(arguments: argparse.Namespace) -> int:
    from eval.ifeval.lint import lint_file, report_text
    from kielo.records import write_json

    out = _output(arguments.json, arguments.file, *([arguments.source] if arguments.source else []))
    report = lint_file(arguments.file, arguments.language, arguments.source)
    if out:
        write_json(out, report.to_json())
    print(report_text(report))
    return 1 if report.errors else 0


def _output(out: Path | None, *inputs: Path) -> Path | None:
    """Check that a file can be written and is none of the inputs."""
    if out and (out.is_dir() or not out.parent.is_dir() or (out.exists() and not out.is_file())):
        raise UsageError(f"--json {out}: not a file that can be written; name a file in a folder that exists.")
    if out and any(out.exists() and given.exists() and out.samefile(given) for given in inputs):
        raise UsageError(f"--json {out}: this file is an input; name another one.")
    return out
