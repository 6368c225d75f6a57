"""The verbs that look at files rather than at a recipe: `audit`, `lint`, `import`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from kielo.errors import RecipeError, UsageError
from kielo.options.json_out import add_json, json_file, tell
from kielo.options.out_files import output_file


def add_file_verbs(verbs: Any) -> None:
    """Add `audit`, `lint` and `import` to the command line."""
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
    add_json(audit, "totals, and per id whether accepted and why not")
    audit.set_defaults(function=_audit)
    lint = verbs.add_parser("lint", help="check a localised benchmark", description="Check a localised benchmark.")
    kinds = lint.add_subparsers(dest="kind", required=True, metavar="KIND")
    ifeval = kinds.add_parser(
        "ifeval", help="IFEval rows", description="Check IFEval rows in any language; exit code 1 if a row is wrong."
    )
    ifeval.add_argument("file", type=Path, metavar="FILE", help="IFEval rows, .jsonl or .jsonl.gz")
    ifeval.add_argument("--language", required=True, metavar="CODE", help="language of the prompts")
    ifeval.add_argument("--source", type=Path, metavar="FILE", help="the English rows, to find literals that were lost")
    ifeval.add_argument(
        "--mode", choices=("compat", "fair"), default="compat", help="whose checkers the rows are held against (default: compat)"
    )  # fmt: skip
    add_json(ifeval, "every finding")
    ifeval.set_defaults(function=_lint)
    take = verbs.add_parser(
        "import",
        help="make a recipe of an alignment-handbook or TRL file",
        description="Make a recipe of an alignment-handbook or TRL file, or of one of SFT and one of DPO, and say of every key what became of it.",
    )
    take.add_argument("files", type=Path, nargs="+", metavar="FILE", help="YAML of an SFT or a DPO training")
    take.add_argument("--language", required=True, metavar="CODE", help="target language: such files name none")
    take.add_argument("--devices", type=int, metavar="N", help="how many trained, for global_batch_size (default: 8)")
    take.add_argument("--out", type=Path, metavar="RECIPE", help="write the recipe here, else to standard output")
    take.set_defaults(function=_import)


def _audit(arguments: argparse.Namespace) -> None:
    from translate.audit import audit_file, totals_text

    out = json_file(arguments.json, arguments.file)
    found = audit_file(
        arguments.file,
        arguments.source,
        arguments.language,
        arguments.profile,
        arguments.identifier,
        arguments.identifier_file,
    )
    tell(out, found, totals_text(found))


def _lint(arguments: argparse.Namespace) -> int:
    from eval.ifeval.lint import lint_file, report_text

    out = json_file(arguments.json, arguments.file, *([arguments.source] if arguments.source else []))
    report = lint_file(arguments.file, arguments.language, arguments.source, mode=arguments.mode)
    tell(out, report.to_json(), report_text(report))
    return 1 if report.errors else 0


def _import(arguments: argparse.Namespace) -> int:
    from kielo.handbook import convert
    from kielo.handbook.writing import as_yaml, write_recipe
    from kielo.recipe.reading import load

    if arguments.devices is not None and arguments.devices < 1:
        raise UsageError(f"--devices {arguments.devices}: a positive number is needed.")
    out = output_file("--out", arguments.out, *arguments.files)
    existing = [path for path in (out, out.with_suffix(".jinja")) if path.exists()] if out else []
    if existing:
        raise UsageError(f"--out {out}: {existing[0]} exists already; give another name.")
    imported = convert(arguments.files, arguments.language, arguments.devices)
    origin = ", ".join(file.name for file in arguments.files)
    listed = "\n".join(note.line for note in imported.notes)
    if out is None:
        print(listed, file=sys.stderr)
        print(as_yaml(imported, origin), end="")
        return 0
    written = write_recipe(imported, origin, out)
    print(listed)
    print(f"wrote {' and '.join(map(str, written))}")
    try:
        load(out)
    except RecipeError as error:
        print(f"not yet a recipe that `kielo check` accepts: {error}", file=sys.stderr)
        return 1
    return 0
