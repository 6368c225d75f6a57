"""The sentences of docs/troubleshooting.md are those that the code says, and docs/sentences.md has every one that an error says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kielo.reference.sentences import PAGE as ALL
from kielo.reference.sentences import page_text, sentences_of
from tests.docs.pages import ROOT, tokens

PAGE = ROOT / "docs" / "troubleshooting.md"


def sentences() -> list[str]:
    """List the first cell of every table's row."""
    read = tokens(PAGE)
    cells = [after for token, after in zip(read, read[1:], strict=False) if token.type in ("tr_open", "td_open")]
    firsts = [after for row, after in zip(cells, cells[1:], strict=False) if row.type == "td_open"]
    return [str(each.content).strip("`") for each in firsts]


@pytest.fixture(scope="module")
def said() -> str:
    """Every text of the code, a line each, with `…` where a value is put in."""
    files = [file for folder in ("kielo", "translate", "align", "eval") for file in ROOT.glob(f"{folder}/**/*.py")]
    return "\n".join(text for file in files for text in _texts(ast.parse(file.read_text("utf-8"))))


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("sentence", sentences())
def test_a_sentence_is_one_that_the_code_says(sentence: str, said: str) -> None:
    assert re.sub(r"^…: ", "", sentence) in said


def test_there_are_sentences() -> None:
    assert len(sentences()) > 25


def test_the_list_of_all_sentences_is_fresh() -> None:
    assert ALL.read_text("utf-8") == page_text(), "run: python -m kielo.reference.sentences"


def test_a_sentence_is_found_wherever_it_is_spelt(tmp_path: Path) -> None:
    code = """
def f(path):
    raise UsageError(f"{path}: is `this` wrong;\\n" "mend it.")
def _told(path): return f"{path}: a sentence of a function."
def g(): raise RecipeError(_told(1)) from None
def h():
    for sentence in told(): raise errors.SourceError(sentence)
def told():
    sentence = f"what is assigned to a name: {1}."
def i():
    for each in yielded(): raise ClusterError(each)
def yielded(): yield f"{1} of a generator."
def no(): raise KeyError("a bug's own words, which are long"); UsageError(f"{a}: {b}.")
"""
    (tmp_path / "code.py").write_text(code, "utf-8")
    wanted = {
        "…: is `this` wrong; mend it.",
        "…: a sentence of a function.",
        "what is assigned to a name: ….",
        "… of a generator.",
    }
    assert set(sentences_of(tmp_path / "code.py")) == wanted
