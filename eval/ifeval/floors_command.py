"""`kielo eval floors`: what an IFEval set gives to replies without any model, in both modes: no score below them says anything."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.ifeval.floors import replies
from eval.ifeval.registry import MODES
from eval.ifeval.rows import Answer, Matching, read_prompts
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import Scorer
from kielo.languages.pack import option_language
from kielo.options.json_out import add_json, json_file, tell
from kielo.records import Prompt
from kielo.text_table import aligned, counted

_PARTS = {"all": "All prompts", "no_language_asked": "Prompts that ask for no response language"}
_COLUMNS = {
    "prompts strict": ("prompt_strict", "prompts"), "instr. strict": ("inst_strict", "instructions"),
    "prompts loose": ("prompt_loose", "prompts"), "instr. loose": ("inst_loose", "instructions"),
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument("--prompts", type=Path, required=True, metavar="FILE", help="IFEval rows, .jsonl or .jsonl.gz")
    parser.add_argument(
        "--language", required=True, metavar="CODE", help="language of the prompts: a pack under recipes/languages/"
    )
    parser.add_argument(
        "--sentences",
        choices=("punkt", "sentencex"),
        help="what counts sentences in compat mode; default: punkt where it is at hand",
    )
    add_json(parser, "the counts")


def run(arguments: argparse.Namespace) -> None:
    """Print the floors, and write them where asked."""
    out = json_file(arguments.json, arguments.prompts)
    rules = LanguageRules.from_pack(arguments.language, option_language("--language", arguments.language).ifeval)
    document = floors_document(read_prompts(arguments.prompts, arguments.language), rules, arguments.sentences)
    tell(out, document, floors_tables(document))


def floors_document(prompts: Sequence[Prompt], rules: LanguageRules, sentences: str | None = None) -> dict[str, Any]:
    """Score every reply without a model in every mode; `sentences` is compat's splitter.

    Raises:
        SourceError: a prompt is malformed.
        UsageError: there is no such splitter.
    """
    scorers = {mode: Scorer(prompts, rules, mode, sentences if mode == "compat" else None) for mode in MODES}
    return {"language": rules.language, "modes": {mode: _floors(scorer) for mode, scorer in scorers.items()}}


def _floors(scorer: Scorer) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (described, texts) in replies(scorer.prompts).items():
        answers = (Answer(p.text, text, p.key) for p, text in zip(scorer.prompts, texts, strict=True))
        scores = scorer.scores(Matching(tuple(answers), (), ()))
        found[name] = {
            "reply": described,
            "all": asdict(scores.totals),
            "no_language_asked": asdict(scores.paper_subset),
        }
    return {"sentences": scorer.context.tokenizer.name, "drawn_by_the_harness": _drawn(scorer), "floors": found}


def _drawn(scorer: Scorer) -> int:
    """Count the instructions whose target lm-evaluation-harness draws at random, so that its floors vary by as many."""
    if scorer.mode != "compat":
        return 0
    return sum(sum(verdict.unstable) for verdict in scorer.verdicts([""] * len(scorer.prompts)))


def floors_tables(document: Mapping[str, Any]) -> str:
    """Lay the floors out for a terminal: one table over all prompts, one over those that ask for no response language."""
    lines = [f"What replies without a model score: IFEval {document['language']}"]
    lines += [f"mode {mode}: {_how(found)}" for mode, found in document["modes"].items()]
    for part, title in _PARTS.items():
        rows = [("mode", "reply", *_COLUMNS)]
        for mode, found in document["modes"].items():
            rows += [(mode, floor["reply"], *_shares(floor[part])) for floor in found["floors"].values()]
        lines += ["", title, *aligned(rows, texts=2)]
    return "\n".join(lines)


def _how(found: Mapping[str, Any]) -> str:
    drawn = found["drawn_by_the_harness"]
    by_chance = f"; lm-evaluation-harness draws the target of {drawn} instructions at random" if drawn else ""
    return f"sentences by {found['sentences']}{by_chance}"


def _shares(totals: Mapping[str, int]) -> list[str]:
    return [counted(totals[followed], totals[out_of]) for followed, out_of in _COLUMNS.values()]
