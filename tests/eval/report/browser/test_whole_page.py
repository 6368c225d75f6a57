"""The whole report as a page in headless Chromium: wide, on a phone, dark, printed, by keyboard and ear."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from eval.report import page, svg
from eval.report.content import compose
from eval.report.page import write_page
from tests.eval.fixture_run import Built
from tests.eval.report.browser.conftest import Opened

OpenPage = Callable[..., Opened]
PAPER_WIDTH = 718  # pixels of an A4 page between margins of a centimetre


@pytest.fixture(scope="session")
def whole(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from eval.report.collect import collect

    path = tmp_path_factory.mktemp("whole") / "index.html"
    path.write_text(write_page(compose(collect(built.recipe, built.place.inputs))), "utf-8")
    return path


@pytest.fixture
def open_whole(open_in_browser: Callable[..., Opened], whole: Path) -> OpenPage:
    return partial(open_in_browser, whole, kind=Opened)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_on_the_page_can_be_read(open_whole: OpenPage, scheme: str) -> None:
    view = open_whole(color_scheme=scheme, at="#ifeval-fi/1000").ready()
    view.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert view.poor_contrast() == []
    dark = view.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_headings_tables_figures_and_landmarks_speak_for_themselves(open_whole: OpenPage) -> None:
    view = open_whole(at="#ifeval-fi/1003").ready()
    levels = view.page.locator("h1, h2, h3, h4, h5").evaluate_all("all => all.map(one => Number(one.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tables = view.page.locator("table").evaluate_all(
        """all => all.map(one => [one.caption?.textContent ?? '', [...one.querySelectorAll('thead th')].every(cell => cell.scope === 'col'),
          [...one.querySelectorAll('tbody th')].every(cell => cell.scope === 'row')])"""
    )
    assert len(tables) > 10 and all(caption and columns and rows for caption, columns, rows in tables)
    assert view.page.locator("svg").evaluate_all(
        "all => all.every(one => one.getAttribute('role') === 'img' && one.ariaLabel)"
    )
    for role in ("banner", "main", "search", "navigation"):
        assert view.page.get_by_role(role).count() >= 1, role
    assert view.nameless() == []
    ids = view.page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_a_phone_scrolls_down_alone_and_tables_within(open_whole: OpenPage) -> None:
    view = open_whole(viewport={"width": 360, "height": 780}, at="#ifeval-fi/1003").ready()
    view.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert view.overhang() == 0
    wide = view.page.locator(".wide").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.tabIndex)"
    )
    assert wide and set(wide) == {0}
    small = view.page.locator("#browse-filters :is(select, button, input[type=search])").evaluate_all(
        "all => all.filter(one => one.checkVisibility() && one.offsetHeight < 24).map(one => one.id)"
    )
    assert small == []  # WCAG 2.2, 2.5.8


def test_print_is_light_cuts_nothing_and_says_where_the_answers_are(open_whole: OpenPage) -> None:
    view = open_whole(
        viewport={"width": PAPER_WIDTH, "height": 1000}, color_scheme="dark", at="#ifeval-fi/1003"
    ).ready()
    view.page.emulate_media(media="print")
    assert not view.page.locator("#browser").is_visible() and not view.page.locator(".sections").is_visible()
    assert view.page.get_by_text("they are not printed").is_visible()
    assert view.page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 36, 48)"
    cut = view.page.locator(".wide").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.ariaLabel)"
    )
    assert cut == [] and view.overhang() == 0
    assert view.page.pdf(format="A4").startswith(b"%PDF")


def test_answers_are_unpacked_only_when_they_come_near(open_whole: OpenPage) -> None:
    view = open_whole()
    assert view.count.startswith("Unpacking")
    view.page.get_by_role("link", name="Answers, prompt by prompt").click()
    view.ready()
    assert view.count.endswith("prompts")


def test_without_script_tables_figures_and_examples_stand(open_whole: OpenPage) -> None:
    view = open_whole(java_script_enabled=False)
    assert view.page.get_by_text("Table 1. Data mixes", exact=True).first.is_visible()
    assert view.page.locator("figure svg").first.is_visible() and view.page.locator(".example").count() == 3
    assert view.page.get_by_text("This part needs JavaScript").is_visible()


def test_the_skip_link_goes_to_the_results(open_whole: OpenPage) -> None:
    view = open_whole()
    view.press("Tab")
    skip = view.page.locator(".skip")
    assert skip.evaluate("one => one === document.activeElement && one.getBoundingClientRect().left >= 0")
    assert skip.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    view.press("Enter")
    assert view.page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize(("ink", "paper", "least"), [
    ("ink", "paper", 7), ("muted", "paper", 4.5), ("muted", "faint", 4.5), ("accent", "paper", 4.5), ("accent", "faint", 4.5),
    ("good", "paper", 4.5), ("bad", "paper", 4.5), ("ink", "found", 4.5), ("line", "paper", 3),
])  # fmt: skip
def test_colours_stand_out_in_both_themes(ink: str, paper: str, least: float) -> None:
    for theme in themes(page.STYLE):
        assert contrast(theme[ink], theme[paper]) >= least


def test_colours_of_figures_stand_out_in_both_themes() -> None:
    for theme in themes(svg.STYLE):
        assert contrast(theme["ink"], theme["paper"]) >= 7 and contrast(theme["muted"], theme["paper"]) >= 4.5
        assert all(
            contrast(colour, theme["paper"]) >= 3 for name, colour in theme.items() if name not in ("paper", "grid")
        )


def themes(style: Path) -> list[dict[str, str]]:
    """Read the colours of the light and the dark theme."""
    found = re.findall(r"\{([^{}]*--paper:[^{}]*)\}", style.read_text("utf-8"))
    light, dark = (dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in found)
    return [light, light | dark]


def contrast(first: str, second: str) -> float:
    """Compute the ratio of two colours' luminances (WCAG 2.2)."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
