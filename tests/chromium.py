"""Pages in headless Chromium: the browser, a page opened in it, and what every page must do without."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Opened:
    """A page in the browser, with what it did that it should not do."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def poor_contrast(self) -> list[str]:
        """List the texts that stand out less than WCAG 2.2 (1.4.3) asks for, with their ratio."""
        return list(self.page.evaluate(CONTRAST))

    def nameless(self) -> list[str]:
        """List the controls that a screen reader would have no name for."""
        return list(self.page.evaluate(NAMELESS))

    def overhang(self) -> int:
        """Say by how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; its tests are skipped, with the reason, where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on the path")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_in_browser(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page; after the test, nothing may have failed in it or been asked of the network."""
    opened: list[Opened] = []

    def open_file(
        path: Path,
        before: Callable[[Any], None] | None = None,
        kind: type[Opened] = Opened,
        at: str = "",
        **settings: Any,
    ) -> Opened:
        page = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **settings}).new_page()
        view = kind(page)
        page.on("console", lambda message: view.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: view.errors.append(str(error)))

        def check(route: Any) -> None:
            view.requests.append(route.request.url)
            route.continue_()

        page.route("**/*", check)
        if before:
            before(page)
        page.goto(f"{path.as_uri()}{at}")
        opened.append(view)
        return view

    yield open_file
    for view in opened:
        assert view.errors == []
        assert [url for url in view.requests if not url.startswith(("file:", "data:", "blob:"))] == []
        view.page.context.close()


NAMELESS = """() => [...document.querySelectorAll('button, a[href], input:not([hidden]), select, textarea, summary')]
  .filter((control) => !(control.textContent.trim() || control.ariaLabel || control.labels?.length))
  .map((control) => control.outerHTML)"""

# 4.5 to 1, or 3 to 1 for large text; returns what has less.
CONTRAST = """() => {
  const channel = (value) => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest('script, style, :disabled')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(colour(element.closest('svg') ? style.fill : style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) poor.push(`${node.data.trim()} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""
