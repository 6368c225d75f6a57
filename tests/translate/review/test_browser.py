"""The review page in headless Chromium: what is shown, by which filters, and that it is safe, quick to build and alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.translate.review.conftest import Opened, text_row

Review = Callable[..., Path]
OpenPage = Callable[..., Opened]
NOTE = ["length-ratio", "1.9 times the usual", False]
FATAL = ["copy", "all of it", True]
ATTACKS = [
    "<img src=x onerror='window.pwned=1'>", "</script><script>window.pwned=1</script>", "<!--<script>window.pwned=1//",
    "\" autofocus onfocus=window.pwned=1 x=\"", "javascript:window.pwned=1", "\u2028window.pwned=1\u2029", "\ud800\udc00\ud800\0",
    "{{script}}", "<svg onload=window.pwned=1>", "${window.pwned=1}",
]  # fmt: skip


@pytest.fixture
def mixed(review: Review) -> Path:
    return review(
        [
            text_row("set/1", translation="Hei maailma"), text_row("set/2", findings=[NOTE], rung="samples", logprob=-2.0),
            text_row("set/3", findings=[FATAL], rung="engine", engine="deepl"), text_row("set/4", rung="first, shots"),
            text_row("set/3", "messages[1]", logprob=None),
        ],
        [{"id": "set/5", "reason": "identical-pair", "where": "record", "detail": "both", "record": {}}],
    )  # fmt: skip


def choose(view: Opened, facet: str, value: str) -> None:
    view.page.locator(f"[data-facet={facet}] label", has=view.page.locator(f"input[value='{value}']")).click()


def figures(view: Opened, facet: str) -> dict[str, str]:
    """What a facet shows: value -> count."""
    labels = view.page.locator(f"[data-facet={facet}] label")
    return dict(labels.evaluate_all("all => all.map(one => [one.querySelector('input').value, one.querySelector('output').textContent])"))  # fmt: skip


def test_the_worst_come_first_with_their_reasons(mixed: Path, open_page: OpenPage) -> None:
    view = open_page(mixed)
    assert view.ids == [
        "set/3 messages[0]", "set/5 record", "set/3 messages[1]", "set/2 messages[0]", "set/4 messages[0]", "set/1 messages[0]",
    ]  # fmt: skip
    cards = view.page.locator("article")
    assert "✗ Rejected" in cards.nth(0).inner_text()
    assert "copy all of it" in cards.nth(0).inner_text()
    assert "by deepl" in cards.nth(0).inner_text()
    assert "Its record was rejected for messages[0]: copy." in cards.nth(2).inner_text()
    assert "! Accepted, with notes" in cards.nth(3).inner_text()
    assert "log p −2.00" in cards.nth(3).inner_text()
    assert cards.nth(1).get_by_role("button", name="Accept").count() == 0
    facts = view.page.locator("#facts").inner_text()
    assert "3 of 5 (60.0%)" in facts


def test_filters_narrow_count_and_clear(mixed: Path, open_page: OpenPage) -> None:
    view = open_page(mixed)
    assert figures(view, "state") == {"": "6", "rejected": "3", "failed": "1", "accepted": "3", "noted": "1"}
    assert figures(view, "check") == {"": "6", "copy": "1", "identical-pair": "1", "length-ratio": "1"}
    choose(view, "state", "accepted")
    assert view.count == "3 of 6 texts"
    assert figures(view, "rung") == {"": "3", "first": "2", "engine": "0", "none": "0", "samples": "1", "shots": "1"}
    assert figures(view, "state") == {"": "6", "rejected": "3", "failed": "1", "accepted": "3", "noted": "1"}
    choose(view, "rung", "shots")
    assert view.ids == ["set/4 messages[0]"]
    choose(view, "check", "copy")
    assert view.count == "No text passes these filters"
    view.page.locator("#clear").click()
    assert view.count == "6 texts"
    choose(view, "engine", "deepl")
    assert view.ids == ["set/3 messages[0]"]


def test_search_order_and_the_whole_record(mixed: Path, open_page: OpenPage) -> None:
    view = open_page(mixed)
    view.press("/")
    view.page.keyboard.type("MAAILMA")
    view.page.locator("#count", has_text="1 of 6 texts").wait_for()
    assert view.ids == ["set/1 messages[0]"]
    view.page.locator("#clear").click()
    view.page.locator("#order").select_option("data")
    assert view.ids[:3] == ["set/1 messages[0]", "set/2 messages[0]", "set/3 messages[0]"]
    assert view.current == "set/3 messages[0]"
    view.press("Escape", "w")
    assert view.count == "2 texts of record set/3"
    assert view.ids == ["set/3 messages[0]", "set/3 messages[1]"]
    view.press("w")
    assert view.count == "6 texts"
    assert view.current == "set/3 messages[0]"


def test_data_sets_are_told_apart(write_step: Any, tmp_path: Path, open_page: OpenPage) -> None:
    from kielo.languages.pack import language
    from translate.review.page import write_review

    folders = {name: write_step(name, [text_row(f"{name}/{number}") for number in range(2)]) for name in ("one", "two")}
    out = tmp_path / "review.html"
    write_review(folders, out, "Test", language("en"), language("fi"))
    view = open_page(out)
    assert figures(view, "dataset") == {"": "4", "one": "2", "two": "2"}
    choose(view, "dataset", "two")
    assert view.ids == ["two/0 messages[0]", "two/1 messages[0]"]


def test_hostile_texts_are_shown_and_do_nothing(review: Review, open_page: OpenPage) -> None:
    rows = [
        text_row(attack, attack, source=attack, translation=attack, engine=attack, rung=attack, findings=[[attack, attack, False]])
        for attack in ATTACKS
    ]  # fmt: skip
    path = review(rows, title=ATTACKS[1])
    view = open_page(path)
    assert view.page.locator("article").count() == len(ATTACKS)
    for number in range(len(ATTACKS)):
        view.page.locator("article").nth(number).locator("[data-act=edit]").click()
        view.press("Control+Enter")
    view.page.locator("[data-facet=check] label").nth(2).click()
    assert view.page.evaluate("window.pwned") is None
    assert view.page.locator("main img, main svg, main script").count() == 0
    assert view.page.locator("h1").inner_text() == ATTACKS[1]


def test_the_policy_stops_what_would_leave_or_run(mixed: Path, open_page: OpenPage) -> None:
    view = open_page(mixed)
    refused = view.page.evaluate(
        """async () => [
          await fetch('https://example.org/').then(() => 'sent', () => 'refused'),
          (() => { try { document.body.innerHTML = '<b>x</b>'; return 'written'; } catch { return 'refused'; } })(),
        ]"""
    )
    assert refused == ["refused", "refused"]
    assert all("Content Security Policy" in error or "TrustedHTML" in error for error in view.errors)
    view.errors.clear()


def test_marks_unseen_characters_and_languages(review: Review, open_page: OpenPage) -> None:
    row = text_row("1", source="Run `ls`\n\n{name}  x", translation="Aja `ls`\n\n{nimi}\u202e\0 \ufffd")
    view = open_page(review([row, text_row("2", source="", translation="شكرا")]))
    card = view.page.locator("article", has_text="Aja")
    assert card.locator("mark.kept").all_inner_texts() == ["`ls`", "`ls`"]
    assert card.locator("mark.odd").all_inner_texts() == ["{name}", "{nimi}"]
    assert card.locator(".unseen").all_inner_texts() == ["U+202E", "U+0000", "U+FFFD"]
    assert card.locator(".source .text").evaluate("text => text.textContent") == row["source"]
    assert card.locator(".source .text").get_attribute("lang") == "en"
    assert card.locator(".target .text").get_attribute("lang") == "fi"
    other = view.page.locator("article", has_text="شكرا")
    assert other.locator(".target .text").evaluate("text => getComputedStyle(text).direction") == "rtl"
    assert other.locator(".source .text").inner_text() == "(empty)"


def test_long_texts_are_folded_and_open(review: Review, open_page: OpenPage) -> None:
    long = "\n".join(f"Line {number} 😀" for number in range(400))
    view = open_page(review([text_row("1", source=long, translation=long)]))
    text = view.page.locator("article .source .text")
    assert len(text.inner_text()) < 2000
    view.press("o")
    assert text.evaluate("text => text.textContent") == long
    view.page.get_by_role("button", name="Fold").click()
    assert len(text.inner_text()) < 2000


def test_twenty_thousand_texts_are_shown_page_by_page(review: Review, open_page: OpenPage) -> None:
    rows = [
        text_row(f"set/{number:05d}", source=f"Question {number}? " * 20, logprob=-number / 1e4, findings=[NOTE] if number % 100 == 7 else [])
        for number in range(20_001)
    ]  # fmt: skip
    view = open_page(review(rows))
    assert "1 text (0 of them rejected) are left out" in view.page.locator("#left-out").inner_text()
    assert view.count == "20,000 texts"
    assert view.page.locator("article").count() == 50
    assert view.ids[0] == "set/19907 messages[0]"
    choose(view, "check", "length-ratio")
    assert view.count == "200 of 20,000 texts"
    for _ in range(50):
        view.press("j")
    assert view.page.locator("#page").inner_text() == "Page 2 of 4"
    assert view.current == "set/14907 messages[0]"
    view.press("k")
    assert view.page.locator("#page").inner_text() == "Page 1 of 4"
    view.page.locator("#clear").click()
    view.page.locator("#query").fill("Question 12345?")
    view.page.locator("#count", has_text="1 of 20,000 texts").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_on_the_page_can_be_read(mixed: Path, open_page: OpenPage, scheme: str) -> None:
    view = open_page(mixed, color_scheme=scheme)
    view.press("j", "j", "a", "r")
    assert view.poor_contrast() == []
    dark = view.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_a_narrow_page_scrolls_down_alone(mixed: Path, open_page: OpenPage) -> None:
    view = open_page(mixed)
    view.page.set_viewport_size({"width": 400, "height": 800})
    assert view.overhang() == 0


def test_controls_have_names_and_the_page_has_landmarks(mixed: Path, open_page: OpenPage) -> None:
    view = open_page(mixed)
    view.press("a")
    for role in ("banner", "main", "search", "complementary"):
        assert view.page.get_by_role(role).count() >= 1, role
    assert view.nameless() == []
