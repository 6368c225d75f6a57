"""The options of the tools that tell languages apart, and the setting of the steps that do: who is to tell them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.response_language.identifiers import Identifier, open_identifier
from kielo.errors import UsageError
from kielo.languages.identification import NAMES
from kielo.schema import Recipe


def add_identifier_options(parser: argparse.ArgumentParser) -> None:
    """Add --identifier and --identifier-file."""
    parser.add_argument(
        "--identifier", choices=NAMES, default=NAMES[0], help=f"who tells languages apart (default: {NAMES[0]})"
    )
    parser.add_argument("--identifier-file", type=Path, metavar="FILE", help="glotlid: its fastText model")


def chosen_identifier(arguments: argparse.Namespace) -> Identifier:
    """Open the identifier that a command line asks for.

    Raises:
        UsageError: glotlid comes without its model, or a model without glotlid.
        MissingExtraError: the identifier's package is not installed.
        RecipeError: the model is no file of fastText.
    """
    if (arguments.identifier == "glotlid") != (arguments.identifier_file is not None):
        raise UsageError("--identifier glotlid and --identifier-file belong together; give both or neither.")
    return open_identifier(arguments.identifier, arguments.identifier_file)


def step_identifier(recipe: Recipe, settings: Mapping[str, Any]) -> Identifier:
    """Open the identifier that a step's settings name.

    Raises:
        MissingExtraError: its package is not installed.
        RecipeError: its model is no file of fastText.
    """
    file = recipe.eval.identifier_file
    return open_identifier(settings["identifier"], None if file is None else recipe.path(file))
