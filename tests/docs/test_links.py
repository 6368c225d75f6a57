"""Links and anchors of README and docs lead somewhere, and the site's Markdown reads them as GitHub's does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import PAGES, ROOT, anchors, links

OF_SITE = [page for page in PAGES if page.parent.name == "docs"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    lost = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        to = (page.parent / name).resolve() if name else page
        if not to.is_file() or (anchor and anchor not in anchors(to)):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize("page", OF_SITE, ids=lambda page: page.name)
def test_a_page_of_the_site_links_to_pages_of_the_site(page: Path) -> None:
    outside = [link for link in links(page) if link.startswith("..") or link.startswith("/")]
    assert not outside, "mkdocs publishes docs/ alone; name the file instead"


@pytest.mark.parametrize("page", OF_SITE, ids=lambda page: page.name)
def test_lists_and_tables_begin_after_a_blank_line(page: Path) -> None:
    """Python-Markdown takes them for text otherwise, and a list goes on only where its text stands four columns in."""
    blocks = re.sub(r"^( *)```.*?^ *```$", lambda block: "\n" * block.group().count("\n"), page.read_text("utf-8"), flags=re.S | re.M)  # fmt: skip
    lines = blocks.split("\n")
    wrong = []
    for number, (before, line) in enumerate(zip(lines, lines[1:], strict=False), start=2):
        item, after_item = (re.match(r"([-*]|\d+\.) ", each) for each in (line, before))
        within = before.startswith((" ", "|"))
        if (item and before and not after_item and not within) or (line.startswith("|") and before and not within):
            wrong.append((number, line))
        if not before and re.match(r" {1,3}\S", line):
            wrong.append((number, line))
    assert not wrong


def test_the_site_has_every_page_and_no_other() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    listed: list[str] = re.findall(r"[\w.-]+\.md", str(yaml.safe_load(text)["nav"]))
    assert sorted(listed) == sorted(page.name for page in ROOT.glob("docs/*.md"))
