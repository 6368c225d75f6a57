"""Writes docs/sentences.md: every sentence that Kielo says of a user's mistake, read from the code where it is raised.

Run it after changing such a sentence: `python -m kielo.reference.sentences`
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kielo import errors
from kielo.provenance import CHECKOUT

PAGE = CHECKOUT / "docs" / "sentences.md"
FOLDERS = ("kielo", "translate", "align", "eval")
_OWN = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.KieloError)}
_FOREIGN = {"ValueError", "ArgumentTypeError"}
"""What schemas and option parsers raise; pydantic and argparse put the place before it."""
_LEAST_LETTERS = 12
"""Less is a place where others' words are put in."""
_TOP = """# Every sentence of a mistake

Generated from the code by `python -m kielo.reference.sentences`; a test keeps it fresh. All that Kielo says of a mistake that you can mend, by
the file of the code that says it; `…` stands for what differs. Where and what stands first, what mends it behind the semicolon.
The commonest, with their reasons, are in [troubleshooting.md](troubleshooting.md). On the site, paste what you were told into the search.
A traceback is none of these: it is a bug of ours, please report it.
"""


def page_text() -> str:
    """Make the text of docs/sentences.md."""
    parts, above = [_TOP], Path()
    for file in (file for folder in FOLDERS for file in sorted((CHECKOUT / folder).rglob("*.py"), key=_place)):
        sentences = sorted(set(sentences_of(file)))
        name = file.relative_to(CHECKOUT)
        if sentences and name.parent != above:
            above = name.parent
            parts.append(f"\n## {above}\n")
        if sentences:
            parts.append(f"\n### {name}\n\n" + "".join(f"- {_code(sentence)}\n" for sentence in sentences))
    return "".join(parts)


def _place(file: Path) -> tuple[Path, str]:
    return file.parent, file.name


def sentences_of(file: Path) -> Iterator[str]:
    """List the sentences of the errors that a file raises for a user's mistake."""
    tree = ast.parse(file.read_text("utf-8"))
    texts = _named_texts(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in _OWN | _FOREIGN:
            first = node.args[0]
            meant = texts.get(_name(first.func if isinstance(first, ast.Call) else first), [])
            for text in [first] if isinstance(first, ast.JoinedStr | ast.Constant) else meant:
                if (sentence := _spelt(text)) is not None:
                    yield sentence


def _named_texts(tree: ast.AST) -> Mapping[str, list[ast.expr]]:
    """List what functions of a file give, by their name, and what is assigned to names: sentences that are raised elsewhere."""
    found: dict[str, list[ast.expr]] = {}
    loops: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            given = [each.value for each in ast.walk(node) if isinstance(each, ast.Return | ast.Yield) and each.value]
            found[node.name] = given
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and isinstance(node.target, ast.Name):
            loops.append((node.target.id, _name(node.iter.func)))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    for target, function in loops:
        found.setdefault(target, []).extend(found.get(function, []))
    return found


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _spelt(text: ast.expr) -> str | None:
    """Spell a text with `…` where a value is put in; None where nothing else is left."""
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    texts = [each.value for each in parts if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if len(re.sub(r"[\W_]", "", "".join(texts))) < _LEAST_LETTERS:
        return None
    return " ".join("".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in parts).split())


def _code(sentence: str) -> str:
    """Write a sentence as code that Markdown leaves alone."""
    fence = "``" if "`" in sentence else "`"
    pad = " " if sentence.startswith("`") or sentence.endswith("`") else ""
    return f"{fence}{pad}{sentence}{pad}{fence}"


if __name__ == "__main__":
    PAGE.write_text(page_text(), "utf-8")
