"""Fixtures of the review page's tests: a translate step's folder as the stage writes it, and a page opened in Chromium."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kielo.languages.pack import language
from tests import chromium
from translate.review.page import write_review

Row = dict[str, Any]
WriteStep = Callable[..., Path]


def text_row(name: str, where: str = "messages[0]", **values: Any) -> Row:
    """A row of translations.jsonl; a fatal finding rejects it."""
    row: Row = {
        "id": name, "where": where, "source": "How are you?", "translation": "Mitä kuuluu?", "engine": "poro",
        "rung": "first", "logprob": -0.5, "findings": [], **values,
    }  # fmt: skip
    fatal = [check for check, _, fatal in row["findings"] if fatal]
    return {"accepted": not fatal, "reason": fatal[0] if fatal else None, **row}


@pytest.fixture
def write_step(tmp_path: Path) -> WriteStep:
    """Write the folder of a translate step; a record whose text has a fatal finding is rejected for it."""

    def write(dataset: str, rows: Sequence[Row], rejections: Sequence[Row] = ()) -> Path:
        import json

        folder = tmp_path / "translate" / dataset
        folder.mkdir(parents=True)
        failed = {row["id"]: row for row in reversed(rows) if not row["accepted"]}
        rejected = [
            {"id": name, "reason": row["reason"], "where": row["where"], "detail": "told", "record": {}}
            for name, row in failed.items()
        ]
        for name, lines in (("translations", rows), ("rejected", [*rejected, *rejections])):
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        return folder

    return write


class Opened(chromium.Opened):
    """A review page in the browser."""

    @property
    def count(self) -> str:
        """What the page says of how many texts it shows."""
        return str(self.page.locator("#count").inner_text())

    @property
    def ids(self) -> list[str]:
        """The `id where` of the cards, in their order."""
        return list(self.page.locator("article").evaluate_all("cards => cards.map(card => card.ariaLabel)"))

    @property
    def current(self) -> str:
        return str(self.page.locator("article[aria-current]").get_attribute("aria-label"))

    def export(self) -> bytes:
        """Download the verdicts as the page exports them."""
        self.page.locator("#export").click()
        with self.page.expect_download() as download:
            self.page.locator("#download").click()
        self.page.locator("#saving form button").click()
        return Path(download.value.path()).read_bytes()

    def imports(self, path: Path) -> None:
        notices = self.page.locator("#notices p")
        known = notices.count()
        self.page.locator("#file").set_input_files(str(path))
        notices.nth(known).wait_for()


@pytest.fixture
def open_page(open_in_browser: Callable[..., Opened]) -> Callable[..., Opened]:
    """Open a review page; after the test, nothing may have failed in it or been asked of the network."""
    return partial(open_in_browser, kind=Opened)


@pytest.fixture
def review(write_step: WriteStep, tmp_path: Path) -> Callable[..., Path]:
    """Write the review page of one data set `set`."""

    def write(rows: Sequence[Row], rejections: Sequence[Row] = (), **settings: Any) -> Path:
        out = tmp_path / "review.html"
        folders: Mapping[str, Path] = {"set": write_step("set", rows, rejections)}
        write_review(folders, out, settings.pop("title", "Test"), language("en"), language("fi"), **settings)
        return out

    return write
