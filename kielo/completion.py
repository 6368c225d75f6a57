"""`kielo completion`: prints a script that completes verbs, options, recipes, runs, models and steps in a shell, without starting Python."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from typing import Any

from kielo.errors import MissingExtraError

SHELLS = ("bash", "zsh", "fish")
_FIND = {
    "recipes": "command ls recipes/*.yaml *.yaml",
    "runs": "command ls -d runs/*/ | sed 's:/$::'",
    "models": "echo base; command ls -d runs/*/sft/*/ runs/*/dpo/*/ | cut -d/ -f3,4 | sort -u",
    "steps": "command ls -d runs/*/*/*/ runs/*/*/*/*/ | cut -d/ -f3- | sed 's:/$::' | grep -vE '/(completions|model|logs|checkpoints)$' | sort -u",
    "tools": "printf '%s\\n' {tools}; command ls recipes/*.yaml *.yaml",
}
"""What the names are that a shell looks up where it stands: run folders are found in runs/, recipes in recipes/."""
_SECOND_IN_BASH = "_shtab_kielo_eval_pos_1_choices="
_SECOND_IN_FISH = "_shtab_kielo_using eval; and test $_shtab_kielo_npos -eq 1"
"""How shtab would offer the tools of `kielo eval` behind a recipe."""
_ZSH_EVAL = """\
_shtab_kielo_eval() {
  local own=_shtab_kielo_eval_${words[2]//-/_}_options
  if (( CURRENT > 2 && ${+parameters[$own]} )); then
    shift words; (( CURRENT -= 1 ))
    _arguments -C -s "${(@P)own}"
  else
    _arguments -C -s $_shtab_kielo_eval_options
  fi
}"""
"""What follows `kielo eval` is a tool with options of its own, or a recipe: shtab knows the one or the other."""
_PLAIN = "LC_ALL=C grep -E '^[A-Za-z0-9._/-]+$'"
"""Names of other letters are not offered: a shell might read what is in them."""
_KINDS = {
    "RECIPE": "recipes", "RECIPE|RUN": "recipes", "RUN|RECIPE": "recipes", "STEP": "steps", "RUN": "runs", "MODEL": "models",
    "A": "models", "B": "models", "TOOL|RECIPE": "tools",
}  # fmt: skip
"""By the word that --help writes for an argument."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's argument."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


def run(arguments: argparse.Namespace) -> None:
    """Print the script.

    Raises:
        MissingExtraError: shtab is not installed.
    """
    print(script(arguments.shell))


def script(shell: str) -> str:
    """Make the script for a shell.

    Raises:
        MissingExtraError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise MissingExtraError("kielo completion needs the package shtab: pip install shtab.") from error
    logging.getLogger("shtab").setLevel(logging.ERROR)
    from kielo.verbs.eval_tools import TOOLS

    parser = whole_parser()
    for each in every_parser(parser):
        _name_values(each, shtab)
    made: str = shtab.complete(parser, shell=shell, preamble=_functions(shell, " ".join(TOOLS)))
    made = made.replace(_SECOND_IN_FISH, _SECOND_IN_FISH.replace("1", "0"))
    return "\n".join(line for line in made.split("\n") if not line.startswith(_SECOND_IN_BASH))


def whole_parser() -> argparse.ArgumentParser:
    """Make the parser of all verbs, those that bring their own options and the ways to select included."""
    from kielo.cli import VERBS, _parser
    from kielo.verbs.eval_tools import TOOLS as EVAL_TOOLS
    from kielo.verbs.select_tools import TOOLS

    parser, _ = _parser()
    verbs = _subparsers(parser)
    for name, tool in VERBS.items():
        verbs.choices[name] = tool.parser(f"kielo {name}")
    ways = verbs.choices["select"].add_subparsers()
    for name, tool in TOOLS.items():
        made = tool.parser(f"kielo select {name}")
        inner = _subparsers(made).choices[name] if tool.has_verbs else made
        ways.add_parser(name, help=tool.help, add_help=False)
        ways.choices[name] = inner
    recipe = next(each for each in verbs.choices["eval"]._actions if each.dest == "recipe")
    recipe.metavar = "TOOL|RECIPE"
    tools = verbs.choices["eval"].add_subparsers()
    for name, tool in EVAL_TOOLS.items():
        tools.add_parser(name, help=tool.help, add_help=False)
        tools.choices[name] = tool.parser(f"kielo eval {name}")
    return parser


def _subparsers(parser: argparse.ArgumentParser) -> Any:
    return next(each for each in parser._actions if isinstance(each, argparse._SubParsersAction))


def every_parser(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Give a parser and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from every_parser(inner)


def _name_values(parser: argparse.ArgumentParser, shtab: Any) -> None:
    """Say of every argument what completes it: a function of the script, files or folders."""
    for action in parser._actions:
        metavar = str(action.metavar)
        kind = _KINDS.get(metavar) if metavar == "STEP" or not action.option_strings else None
        if kind:
            call = f"_kielo_{kind}"
            action.complete = {"bash": call, "zsh": call, "fish": f"({call})"}  # type: ignore[attr-defined]
        elif metavar == "FOLDER":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif getattr(action.type, "__name__", "") == "Path":
            action.complete = shtab.FILE  # type: ignore[attr-defined]


def _functions(shell: str, tools: str) -> str:
    """Write the functions that look names up, each in the shell's own way of offering them."""
    found = [_function(shell, kind, find.format(tools=tools)) for kind, find in _FIND.items()]
    return "\n".join([*found, *([_ZSH_EVAL] if shell == "zsh" else [])])


def _function(shell: str, kind: str, find: str) -> str:
    files, named = kind in ("recipes", "runs", "tools"), f"{{ {find}; }} 2>/dev/null | {_PLAIN}"
    if shell == "bash":
        # not `compgen -W`, which runs commands that stand in the names
        more = '; compgen -f -- "$1"' if files else ""
        each = 'while IFS= read -r name; do [[ $name == "$1"* ]] && printf "%s\\n" "$name"; done'
        return f"_kielo_{kind}() {{ {named} | {each}{more}; }}"
    if shell == "zsh":
        more = "; _files" if files else ""
        return f'_kielo_{kind}() {{ local -a found; found=(${{(f)"$(setopt nonomatch; {named})"}}); compadd -a found{more}; }}'
    quoted = named.replace("\\", "\\\\").replace("'", "\\'")
    more = "; __fish_complete_path (commandline -ct)" if files else ""
    return f"function _kielo_{kind}; sh -c '{quoted}'{more}; end"
