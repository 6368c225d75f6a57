"""YAML read without its traps: duplicate keys are errors, `no` stays text, `2e-5` is a number, every value knows its line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from kielo.errors import RecipeError, at

Lines = dict[tuple[str | int, ...], int]  # path of keys -> line number, counted from 1

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""NUL and halves of letters: escapes spell them, and no file, path or command line holds them."""
_INT = re.compile(r"^[-+]?(?:0|[1-9][0-9_]*)$")
_BOOL = re.compile(r"^(?:true|false)$")
_FLOAT = re.compile(r"^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$")


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's idea of booleans and numbers (1.1 turns `no` into false, `2e-5` into text, 010 into 8)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases: nested ones can spell out to more than a machine holds."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"aliases (*{event.anchor}) are not read in recipes; write the values out", event.start_mark
            )
        return super().compose_node(parent, index)


_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] not in ("bool", "timestamp", "int", "float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}  # fmt: skip
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tf"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_StrictLoader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def load(path: Path) -> tuple[dict[str, Any], Lines]:
    """Read a YAML mapping and the line of every key and item.

    Raises:
        RecipeError: the file is missing, not UTF-8, not YAML, not a mapping, or repeats a key.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise RecipeError(
            f"{path}: no such file; give the path of a recipe, for instance recipes/pocket.yaml."
        ) from error
    except OSError as error:
        if not isinstance(error, IsADirectoryError):
            raise RecipeError(f"{path}: cannot be read ({error.strerror}).") from error
        raise RecipeError(f"{path}: a folder; give the path of a YAML file in it.") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8.") from error
    loader = None
    try:
        loader = _StrictLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise RecipeError(f"{path}: a mapping (key: value) is needed at the top of the file.")
        lines: Lines = {}
        _walk(node, (), lines, path)
        return loader.construct_document(node), lines
    except RecipeError:
        raise
    except (RecursionError, ValueError) as error:
        raise RecipeError(
            f"{path}: not a recipe ({type(error).__name__}: {str(error)[:100]}); write it out plainly."
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = at(path, mark.line + 1 if mark else None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        raise RecipeError(f"{place}: not valid YAML: {problem}.") from error
    finally:
        if loader is not None:
            loader.dispose()


def read_value(text: str) -> Any:
    """Read one value of a command line as a file would have it: `8`, `true`, `[a, b]`.

    Raises:
        RecipeError: it is not YAML.
    """
    try:
        loader = _StrictLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _walk(node, (), {}, Path("a value of the command line"))
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(f"'{text[:60]}' is no YAML value; put quotes around it.") from error


def _walk(node: yaml.Node, where: tuple[str | int, ...], lines: Lines, path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise RecipeError(
                    f"{at(path, line)}: key '{name}' stands already in line {seen[name]}; remove one of them."
                )
            if name == "<<":
                raise RecipeError(f"{at(path, line)}: merge keys ('<<') are not read in recipes; write the values out.")
            seen[name] = lines[*where, name] = line
            _walk(value, (*where, name), lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*where, index] = item.start_mark.line + 1
            _walk(item, (*where, index), lines, path)
    elif isinstance(node, yaml.ScalarNode) and _UNWRITABLE.search(node.value):
        place = at(path, node.start_mark.line + 1)
        raise RecipeError(f"{place}: {ascii(node.value)[:100]} holds a character that no file does; take it out.")


def line_of(where: tuple[str | int, ...], lines: Lines) -> int | None:
    """Find the line of a path of keys, or of its nearest parent that the file has."""
    for length in range(len(where), 0, -1):
        if where[:length] in lines:
            return lines[where[:length]]
    return None
