"""The tools of `kielo eval`: what can be done with prompts, answers and scores without a recipe. Each brings its own options."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping
from pathlib import Path

from kielo.errors import UsageError
from kielo.verbs.lazy import Tool

TOOLS: Mapping[str, Tool] = {
    "score": Tool("eval.ifeval.score_command", "score stored answers to IFEval prompts, in both modes"),
    "floors": Tool("eval.ifeval.floors_command", "what an IFEval set gives to replies without any model"),
    "compare": Tool("eval.statistics.compare_command", "intervals and paired tests between the scores of several models"),
    "language": Tool("eval.response_language.command", "which language stored answers are in, by several identifiers"),
    "judge": Tool("eval.judge.judge_command", "have a server judge two files of stored answers"),
    "judgements": Tool("eval.judge.judgements_command", "statistics of judgements made elsewhere"),
    "style": Tool("eval.style.command", "what stored answers are written with, and what a tuned model took over of it"),
    "similarity": Tool("eval.similarity.command", "how alike the stored answers of several models are"),
    "preference-rates": Tool("eval.preference_rates.command", "how often one model is scored above another"),
    "make-prompts": Tool("eval.make_prompts.command", "write native IFEval prompts from documents of a language"),
    "export-task": Tool("eval.harness.command", "write a task folder for lm-evaluation-harness"),
}  # fmt: skip


def find_tool(given: list[str]) -> str | None:
    """Tell which tool a command line asks for; None where it names a recipe, or nothing.

    Raises:
        UsageError: it is neither a file nor a tool, but nearly one.
    """
    if len(given) < 2 or given[0] != "eval":
        return None
    near = difflib.get_close_matches(given[1], TOOLS, 1)
    if given[1] not in TOOLS and near and not Path(given[1]).exists():
        raise UsageError(f"there is no tool and no recipe '{given[1]}'; did you mean '{near[0]}'?")
    return given[1] if given[1] in TOOLS else None


def parse_tool(name: str, given: list[str]) -> argparse.Namespace:
    """Read the arguments of `kielo eval <name>`; their `function` runs the tool."""
    return TOOLS[name].parse(f"kielo eval {name}", given)


def tools_text() -> str:
    """List the tools for `kielo eval --help`."""
    width = max(map(len, TOOLS))
    lines = "\n".join(f"  {name:{width}}  {tool.help}" for name, tool in TOOLS.items())
    return f"tools that need no recipe (`kielo eval TOOL --help`):\n{lines}"
