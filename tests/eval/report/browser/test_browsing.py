"""The report's browser in headless Chromium: filters, links to prompts, both modes, judgements, and that answers stay text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from eval.report.collect import Run
from eval.report.scored import Evaluation
from tests.eval.report.browser.conftest import ATTACKS, PROMPTS, Opened

OpenPage = Callable[..., Opened]
LAST = "dpo/dpo-both"


def finnish(run: Run) -> list[Evaluation]:
    return [one for one in run.evaluations if one.language == "fi"]


def rows_of(run: Run, model: str) -> dict[int, Any]:
    (one,) = (each for each in finnish(run) if each.model == model)
    return {row["key"]: row for row in one.document["prompts"]}


def test_the_first_benchmark_is_open_with_every_prompt_and_model(open_page: OpenPage, run: Run) -> None:
    view = open_page().ready()
    assert view.count == f"{PROMPTS} prompts"
    assert view.keys == [str(1000 + number) for number in range(25)]
    assert view.title.startswith("Prompt 1000")
    models = [model.partition("/")[2] for model in run.models]
    assert view.page.locator(".answer h4").all_inner_texts() == models
    assert view.page.locator("#browse-page").inner_text() == "1 of 3"
    view.page.locator("#browse-after").click()
    assert view.keys[0] == "1025"


def test_a_link_opens_its_prompt_in_its_benchmark(open_page: OpenPage) -> None:
    view = open_page(at="#ifeval-fi/1042").ready()
    assert view.title.startswith("Prompt 1042")
    assert view.page.locator("#browse-benchmark").input_value() == "ifeval-fi"
    assert view.page.locator("#browse-prompts [aria-current]").inner_text().startswith("1042")
    assert view.page.evaluate("document.activeElement.id") == "browse-prompt"
    view.page.get_by_role("link", name="Next").click()
    assert view.title.startswith("Prompt 1043") and view.page.url.endswith("#ifeval-fi/1043")
    view.page.go_back()
    view.page.locator("#browse-title", has_text="Prompt 1042").wait_for()


@pytest.mark.parametrize(("link", "said"), [
    ("#ifeval-fi/99", "No prompt 99 in ifeval-fi."), ("#ifeval-fi/%E0%A4%A", "No prompt %E0%A4%A in ifeval-fi."),
    ("#nothing/1000", f"{PROMPTS} prompts"), ("#answers", f"{PROMPTS} prompts"), ("#ifeval-fi", f"{PROMPTS} prompts"),
])  # fmt: skip
def test_a_link_to_nothing_is_said(open_page: OpenPage, link: str, said: str) -> None:
    view = open_page(at=link)
    view.page.locator("#browse-count", has_text=said).wait_for()


def test_a_link_to_a_prompt_that_is_filtered_away_takes_the_filters_off(open_page: OpenPage) -> None:
    view = open_page(at="#ifeval-fi/1042").ready()
    view.page.locator("#browse-query").fill("no such words")
    view.page.locator("#browse-count", has_text=f"0 of {PROMPTS}").wait_for()
    assert "No prompt passes these filters" in view.page.locator("#browse-prompt").inner_text()
    view.page.evaluate("location.hash = '#ifeval-fi/1007'")
    view.page.locator("#browse-title", has_text="Prompt 1007").wait_for()
    assert view.count == f"{PROMPTS} prompts" and view.page.locator("#browse-query").input_value() == ""


def only(view: Opened, name: str) -> None:
    """Choose one model."""
    view.page.locator("#browse-models summary").click()
    view.page.locator("#browse-none").click()
    view.page.locator("#browse-model-list").get_by_label(name, exact=True).check()


def expect(view: Opened, keys: set[int]) -> None:
    """Check the count, and every page of the list."""
    assert view.count == f"{len(keys)} of {PROMPTS} prompts"
    found = view.keys
    while len(found) < len(keys):
        view.page.locator("#browse-after").click()
        found += view.keys
    assert found == [str(key) for key in sorted(keys)]


@pytest.mark.parametrize(("scored", "verdict"), [("compat strict", "passed"), ("fair strict", "failed"), ("fair loose", "passed")])  # fmt: skip
def test_verdicts_of_one_model_narrow_the_list(open_page: OpenPage, run: Run, scored: str, verdict: str) -> None:
    view = open_page(at="#ifeval-fi/1000").ready()
    only(view, "neftune")
    view.choose("scored", scored)
    view.choose("verdict", verdict)
    mode, way = scored.split()
    rows = rows_of(run, "sft/neftune")
    expect(view, {key for key, row in rows.items() if all(row[mode][way]) == (verdict == "passed")})
    assert view.page.locator(".answer h4").all_inner_texts() == ["neftune"]


def test_differences_between_modes_are_found_and_told(open_page: OpenPage, run: Run) -> None:
    view = open_page(at="#ifeval-fi/1000").ready()
    view.choose("verdict", "modes")
    keys = {row["key"] for one in finnish(run) for row in one.document["prompts"] if row["differences"]}
    assert keys
    expect(view, keys)
    view.page.locator("#browse-prompts a").last.click()
    told = view.page.locator(".differences").first.inner_text()
    key = max(keys)
    why = {each["why"] for one in finnish(run) for each in rows_of(run, one.model)[key]["differences"]}
    assert any(reason in told for reason in why)
    assert view.page.locator("#browse-prompt small [role=img]").count() >= 1


def test_differences_between_models_are_found(open_page: OpenPage, run: Run) -> None:
    view = open_page(at="#ifeval-fi/1000").ready()
    view.choose("verdict", "models")
    by_key: dict[int, set[tuple[bool, ...]]] = {}
    for one in finnish(run):
        for row in one.document["prompts"]:
            by_key.setdefault(row["key"], set()).add(tuple(row["compat"]["strict"]))
    expect(view, {key for key, verdicts in by_key.items() if len(verdicts) > 1})


def test_types_categories_languages_and_search_narrow_together(open_page: OpenPage, run: Run) -> None:
    view = open_page(at="#ifeval-fi/1000").ready()
    rows = rows_of(run, LAST)
    view.choose("tag", "keywords")
    expect(
        view,
        {key for key, row in rows.items() if any(name.startswith("keywords:") for name in row["instruction_id_list"])},
    )
    view.page.locator("#browse-clear").click()
    view.choose("tag", "punctuation:no_comma")
    commas = {key for key, row in rows.items() if "punctuation:no_comma" in row["instruction_id_list"]}
    expect(view, commas)
    view.page.locator("#browse-clear").click()
    assert view.count == f"{PROMPTS} prompts"
    view.choose("spoken", "source")
    english = {row["key"] for one in finnish(run) for row in one.document["prompts"] if row["language"] == "source"}
    expect(view, english)
    view.page.locator("#browse-query").fill("NUMERO 5")
    wanted = {key for key in english if str(key - 1000).startswith("5")}
    view.page.locator("#browse-count", has_text=f"{len(wanted)} of").wait_for()
    expect(view, wanted)


def test_an_answer_is_shown_with_its_language_end_and_all_verdicts(open_page: OpenPage, run: Run) -> None:
    view = open_page(at="#ifeval-fi/1003").ready()
    only(view, "dpo-both")
    answer = view.page.locator(".answer")
    assert "Answered in: Finnish" in answer.inner_text() and "Cut off at max_tokens." in answer.inner_text()
    row = rows_of(run, LAST)[1003]
    marks = [
        list(line) for line in answer.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.querySelectorAll('[role=img]')].map(mark => mark.ariaLabel))")
    ]  # fmt: skip
    words = {True: "followed", False: "not followed"}
    assert marks == [
        [words[row[mode][way][index]] for mode in ("compat", "fair") for way in ("strict", "loose")]
        for index in range(len(row["instruction_id_list"]))
    ]


def test_questions_show_turns_and_judgements(open_page: OpenPage, run: Run) -> None:
    view = open_page(at="#mt-bench-fi/81").ready()
    assert view.page.locator("#browse-tag-name").inner_text() == "Category"
    assert not view.page.locator("#browse-scored").is_visible()
    assert "won, rated 7" in view.page.locator("#browse-prompt table").first.inner_text()
    only(view, "dpo-both")
    answer = view.page.locator(".answer")
    told = answer.inner_text()
    assert re.search(r"Turn 2\n+Lyhyesti: kyllä\.", told)
    assert "Answered in: Finnish fi 40 letters; langdetect fi" in told and "Answered in: English en 10 letters" in told
    assert "characters 1,234 · repeated ngrams 0.25\n" in told and "repeated ngrams 0.25 · loop" in told
    answer.get_by_text("example/judge, shown first").click()
    assert f"Better: {ATTACKS[0]} [[A]]" in answer.inner_text()
    (document,) = run.judged.values()
    ties = {row["key"] for row in document["questions"] if row["models"][LAST]["pairwise"]["outcome"] == "tie"}
    view.choose("verdict", "tie")
    assert view.count == f"{len(ties)} of 80 prompts"
    view.choose("verdict", "none")
    assert view.count == "0 of 80 prompts"


def test_hostile_answers_are_shown_and_do_nothing(open_page: OpenPage) -> None:
    view = open_page(at="#ifeval-fi/1000").ready()
    only(view, "dpo-both")
    for number, attack in enumerate(ATTACKS):
        view.page.evaluate(f"location.hash = '#ifeval-fi/{1000 + number}'")
        view.page.locator("#browse-title", has_text=f"Prompt {1000 + number}").wait_for()
        shown = view.page.locator(".answer .text").evaluate("text => text.textContent")
        for sign in "\0\ud800\u202e\u202c":
            attack = attack.replace(sign, f"U+{ord(sign):04X}")
        assert shown[:400] == (attack[:400] or "(empty answer)")
        assert view.overhang() == 0
    assert view.page.evaluate("window.pwned") is None
    assert view.page.locator("#browser img, #browser svg, #browser script").count() == 0


def test_long_answers_are_cut_folded_and_open(open_page: OpenPage) -> None:
    view = open_page(at=f"#ifeval-fi/{1000 + 9}").ready()
    only(view, "dpo-both")
    text = view.page.locator(".answer .text")
    assert len(text.inner_text()) < 2000
    view.page.get_by_role("button", name="Show all 8,000 characters").click()
    assert text.evaluate("text => text.textContent") == ATTACKS[9][:8000]
    assert "97,000 more characters" in view.page.locator(".answer").inner_text()
    assert "1 of " in view.page.locator("#answers > .note").nth(1).inner_text()


def test_the_policy_stops_what_would_leave_or_run(open_page: OpenPage) -> None:
    view = open_page().ready()
    refused = view.page.evaluate(
        """async () => [
          await fetch('https://example.org/').then(() => 'sent', () => 'refused'),
          (() => { try { document.body.innerHTML = '<b>x</b>'; return 'written'; } catch { return 'refused'; } })(),
        ]"""
    )
    assert refused == ["refused", "refused"]
    assert view.errors and all("Content Security Policy" in error or "TrustedHTML" in error for error in view.errors)
    view.errors.clear()


def test_the_keyboard_reaches_everything_and_leaves_again(open_page: OpenPage) -> None:
    view = open_page().ready()
    reached = []
    for _ in range(200):
        view.press("Tab")
        at = view.page.evaluate(
            "document.activeElement === document.body ? 'end' : document.activeElement.id || document.activeElement.getAttribute('href')"
        )
        if at == "end":
            break
        reached.append(at)
    assert reached[0] == "#main" and at == "end"
    for name in ("benchmark", "tag", "scored", "verdict", "spoken", "query", "clear", "after"):
        assert f"browse-{name}" in reached
    assert "#ifeval-en/1003" in reached
    view.page.locator("#browse-prompts a").nth(3).focus()
    view.press("Enter")
    view.page.locator("#browse-title", has_text="Prompt 1003").wait_for()
    assert view.page.evaluate("document.activeElement.id") == "browse-prompt"
    view.page.get_by_role("button", name="To the list").click()
    assert view.page.evaluate("document.activeElement.getAttribute('href')") == "#ifeval-en/1003"


def test_an_old_browser_and_one_without_script_are_told(open_page: OpenPage) -> None:
    old = open_page(before=lambda page: page.add_init_script("delete globalThis.DecompressionStream"))
    old.page.locator("#browse-count", has_text="cannot unpack the answers").wait_for()
    without = open_page(java_script_enabled=False)
    assert without.page.locator("#browser").is_hidden()
    assert "needs JavaScript" in without.page.locator("#browse-off").inner_text()
