"""The documentation builds as a site without a warning, and the site fetches nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


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
