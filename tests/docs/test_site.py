"""The documentation builds as a site without a warning, fetches nothing from elsewhere, and its search finds what Kielo has said."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT
from tests.serving import serving

PASTE = """(field, text) => {
  const data = new DataTransfer();
  data.setData("text", text);
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("material") is None or importlib.util.find_spec("mkdocs") is None:
        pytest.skip("the site needs mkdocs-material (pip install mkdocs-material)")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_builds_without_a_warning(site: Path) -> None:
    assert "Faroese" in (site / "new-language.html").read_text("utf-8")
    assert (site / "search" / "search_index.json").stat().st_size > 10_000


def test_a_page_of_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = r"<(?:script|img|iframe)[^>]+src=\"?(https?:[^\" >]+)|<link[^>]+stylesheet[^>]+href=\"?(https?:[^\" >]+)"
    for page in site.glob("*.html"):
        assert re.findall(fetched, page.read_text("utf-8")) == [], page.name


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("said", "stands_in"),
    [
        ("kielo: runs/x: no run folder (it holds no recipe.json); name one that `kielo run` made, such as runs/pocket.", "kielo/sharing/opened.py"),
        ("kielo: step sft/a-b needs mix/a-b, which is not complete; run it first (or leave out --only).", "kielo/execute.py"),
    ],
)  # fmt: skip
def test_a_sentence_that_is_pasted_into_the_search_is_found(
    site: Path, browser: Any, said: str, stands_in: str
) -> None:
    with serving(partial(Quiet, directory=str(site))) as port:  # type: ignore[arg-type]
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/index.html")
        field = page.locator("[data-md-component=search-query]")
        field.click()
        field.evaluate(PASTE, said)
        page.locator(".md-search-result__item").get_by_text(stands_in).first.wait_for(state="attached", timeout=30_000)
        assert page.locator(".md-search-result__item").count() <= 3
        page.close()
