"""A templates file says what a language's prompts are made of: mistakes are named with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eval.ifeval.registry import COMPAT, RESPONSE_LANGUAGE
from eval.make_prompts import templates
from eval.make_prompts.templates import filled, read_templates
from kielo.errors import RecipeError
from kielo.languages import pack as languages

ROOT = Path(__file__).resolve().parents[3]
SMALL = """\
tasks: ["Kirjoita aiheesta ”{title}”."]
lists: {last: " ja "}
instructions:
  "startend:quotation": ["Lainausmerkkeihin."]
  "keywords:frequency":
    at least: ["Sana {keyword} {frequency} kertaa."]
"""


@pytest.mark.parametrize("code", ["fi", "en", "es"])
def test_our_templates_ask_every_kind_in_two_ways(code: str) -> None:
    found = read_templates(code)
    assert set(found.instructions) == set(COMPAT) - {RESPONSE_LANGUAGE}
    assert all(sum(map(len, by_relation.values())) > 1 for by_relation in found.instructions.values())
    assert len(found.tasks) >= 15 and len(found.choices) >= 5 and len(found.end_phrases) >= 5


@pytest.mark.parametrize("code", ["fi", "es"])
def test_no_template_speaks_of_english(code: str) -> None:
    text = templates.templates_file(code).read_text("utf-8").partition("tasks:")[2]
    assert not re.search("englan|inglés", text, re.IGNORECASE)


def test_a_language_without_templates_is_told_which_file_to_write() -> None:
    with pytest.raises(RecipeError, match=r"write recipes/languages/prompts/da.yaml \(docs/make-prompts.md"):
        read_templates("da")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{title}", "{titel}", r"xx.yaml, line 1: tasks.0: needs {title} or {text}.*it has {titel}"),
        ("”{title}”", "x", "line 1: tasks.0: .* it has none"),
        ("{keyword} ", "", "line 6: instructions.keywords:frequency.at least.0: needs {frequency}, {keyword}, has {frequency}"),
        ("Lainausmerkkeihin", "{title}", "line 4: instructions.startend:quotation.0: needs no placeholder, has {title}"),
        ("at least", "at most", "line 5: instructions.keywords:frequency: needs 'at least' and 'less than'"),
        ("startend:quotation", "startend:quote", "line 4: instructions.startend:quote: no instruction of IFEval"),
        ("startend:quotation", RESPONSE_LANGUAGE, "no instruction of IFEval that prompts can be made for"),
        ("lists:", "list:", "line 2: list: extra inputs"),
        ('{last: " ja "}', "{}", "lists.*: field required"),
        ("[\"Lainausmerkkeihin.\"]", "3", "instructions.startend:quotation: input should be"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str) -> None:
    monkeypatch.setattr(languages, "PACKS", tmp_path)
    (tmp_path / "prompts").mkdir()
    assert old in SMALL
    (tmp_path / "prompts" / "xx.yaml").write_text(SMALL.replace(old, new, 1), "utf-8")
    with pytest.raises(RecipeError, match=said):
        read_templates("xx")


def test_the_example_of_the_docs_is_a_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "make-prompts.md").read_text("utf-8")
    example = page.partition("for Swedish:\n\n```yaml\n")[2].partition("```")[0]
    monkeypatch.setattr(languages, "PACKS", tmp_path)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "sv.yaml").write_text(example, "utf-8")
    assert len(read_templates("sv").instructions) == len(COMPAT) - 1


def test_texts_are_put_in_once() -> None:
    assert filled("{text} {title}", {"text": "{title}", "title": "B"}) == "{title} B"


def test_lists_are_written_as_the_language_does() -> None:
    found = read_templates("fi")
    assert found.listed(["a"], ("”", "”")) == "”a”"
    assert found.listed(["a", "b", "c"], ("”", "”")) == "”a”, ”b” ja ”c”"
