"""Verbs and tools whose modules are imported only when they are asked for: each brings its own options."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tool:
    """A tool's module, with functions `add_arguments(parser)` and `run(arguments)`, and what --help says of it."""

    module: str
    help: str
    has_verbs: bool = False
    """Whether it has verbs of its own, as `kielo profile new`."""

    def parse(self, prog: str, given: list[str]) -> argparse.Namespace:
        """Read its arguments; positional ones may stand behind options, except where it has verbs."""
        parser = self.parser(prog)
        return parser.parse_args(given) if self.has_verbs else parser.parse_intermixed_args(given)

    def parser(self, prog: str) -> argparse.ArgumentParser:
        """Make its parser; the parser's `function` runs the tool."""
        module: Any = importlib.import_module(self.module)
        parser = argparse.ArgumentParser(prog=prog, description=f"{self.help[0].upper()}{self.help[1:]}.")
        module.add_arguments(parser)
        if parser.get_default("function") is None:
            parser.set_defaults(function=module.run)
        return parser
