"""`kielo language`: new, check and list; each verb's module is imported when it is asked for."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

_VERBS = {
    "new": ("kielo.packs.new", "draft the pack of a language and say what a native speaker must fill in"),
    "check": ("kielo.packs.check", "say what a pack lacks, what is wrong in it and who vouches for it"),
    "list": ("kielo.packs.listing", "list the packs there are"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their arguments."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="|".join(_VERBS))
    for name, (module, text) in _VERBS.items():
        verb: Any = importlib.import_module(module)
        own = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        verb.add_arguments(own)
        own.set_defaults(function=verb.run)


def run(arguments: argparse.Namespace) -> int | None:
    """Run the verb that was asked for."""
    code: int | None = arguments.function(arguments)
    return code
