"""The tools of `kielo select`: rows of a pool chosen without a recipe. Each brings its own options."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping

from align.selection.methods import BASELINES
from kielo.errors import UsageError
from kielo.verbs.lazy import Tool

TOOLS: Mapping[str, Tool] = {
    "mig": Tool("align.selection.mig.command", "the rows that bring most information on a graph of labels"),
    "near-duplicates": Tool("align.selection.near_duplicates.command", "prompts that are nearly the same, among themselves or in evaluation sets"),
    **{name: Tool("align.selection.baselines.command", takes, has_verbs=True) for name, takes in BASELINES.items()},
}  # fmt: skip
"""Those with verbs of their own share a module: there the tool's name is the verb."""


def parse_select(given: list[str]) -> argparse.Namespace:
    """Read the arguments behind `kielo select`; their `function` runs the tool.

    Raises:
        UsageError: there is no such tool.
    """
    if not given or given[0] in ("-h", "--help"):
        return argparse.Namespace(function=_help)
    name = given[0]
    if name not in TOOLS:
        near = difflib.get_close_matches(name, TOOLS, 1)
        fix = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(TOOLS)}."
        raise UsageError(f"there is no way to select called '{name}'; {fix}")
    if TOOLS[name].has_verbs:
        return TOOLS[name].parse("kielo select", given)
    return TOOLS[name].parse(f"kielo select {name}", given[1:])


def _help(_arguments: argparse.Namespace) -> None:
    width = max(map(len, TOOLS))
    lines = "\n".join(f"  {name:{width}}  {tool.help}" for name, tool in TOOLS.items())
    print(
        f"usage: kielo select TOOL ...\n\nSelect rows of a pool, without a recipe (`kielo select TOOL --help`):\n{lines}"
    )
