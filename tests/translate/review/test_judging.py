"""Judging in headless Chromium: verdicts by key, undone, kept over a reload, exported as the next run reads them, imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kielo.languages.pack import language
from tests.translate.review.conftest import Opened, text_row
from translate.review.page import write_review
from translate.review.verdicts import COLUMNS, Verdict, Verdicts, read_verdicts

Review = Callable[..., Path]
OpenPage = Callable[..., Opened]
AWKWARD = [
    "plain", "=SUM(A1)", "- item\n- item", "a\tb\\n\r\nc", '"Quoted", he said', "@x +1 'y'", "\0\x7f\u2028\ud800 😀", "   spaces  ",
    "C:\\new\\table", "'tis", "+1", "\ufeffmark", "\\", "``` x\n```",
]  # fmt: skip


@pytest.fixture
def three(review: Review) -> Path:
    return review(
        [text_row(f"set/{number}", source=f"Text {number}", translation=f"Teksti {number}") for number in range(3)]
    )


def read(view: Opened, folder: Path) -> list[Verdict]:
    path = folder / "exported.tsv"
    path.write_bytes(view.export())
    return list(read_verdicts(path).by_key.values())


def decisions(view: Opened) -> list[str]:
    return list(view.page.locator("article").evaluate_all("cards => cards.map(card => card.dataset.verdict)"))


def test_keys_judge_go_on_and_undo(three: Path, open_page: OpenPage) -> None:
    view = open_page(three)
    assert view.current == "set/0 messages[0]"
    view.press("a")
    assert view.current == "set/1 messages[0]"
    view.press("r")
    assert decisions(view) == ["accept", "reject", ""]
    assert view.current == "set/2 messages[0]"
    view.press("k", "k", "n")
    assert view.current == "set/2 messages[0]"
    view.press("u")
    assert decisions(view) == ["accept", "", ""]
    assert view.current == "set/1 messages[0]"
    view.press("u", "u")
    assert decisions(view) == ["", "", ""]
    assert view.page.locator("#said").inner_text() == "Nothing to undo."
    assert view.page.locator("#export").is_disabled()


def test_the_same_key_again_takes_the_verdict_back(three: Path, open_page: OpenPage) -> None:
    view = open_page(three)
    view.press("?")
    view.page.locator("#go-on").uncheck()
    view.press("Escape")
    view.page.locator("article").first.focus()
    view.press("r", "r")
    assert decisions(view) == ["", "", ""]


def test_keys_do_nothing_in_fields_with_modifiers_and_when_switched_off(three: Path, open_page: OpenPage) -> None:
    view = open_page(three)
    view.press("/")
    view.page.keyboard.type("are")
    view.press("Escape", "Control+a", "?")
    view.page.locator("#keys-on").uncheck()
    view.press("Escape", "a", "r")
    assert decisions(view) == [""] * view.page.locator("article").count()


def test_everything_can_be_done_by_tabs_and_buttons(three: Path, open_page: OpenPage) -> None:
    view = open_page(three)
    view.page.locator("article").first.focus()
    view.press("Tab", "Enter", "Tab", "Space")
    assert decisions(view) == ["reject", "", ""]
    focused = view.page.evaluate("document.activeElement.dataset.act")
    assert focused == "reject"


def test_edits_and_comments_come_back_as_they_were_written(three: Path, open_page: OpenPage, tmp_path: Path) -> None:
    view = open_page(three)
    view.press("e")
    view.page.locator("textarea").first.fill('"Uusi"\tteksti\nja toinen rivi')
    view.press("Control+Enter", "c")
    view.page.keyboard.type("=better")
    view.press("Tab", "j", "r")
    assert (
        view.page.locator("article").first.locator(".target .text").first.inner_text()
        == '"Uusi"\tteksti\nja toinen rivi'
    )
    assert read(view, tmp_path) == [
        Verdict("set/0", "messages[0]", "Text 0", "edit", '"Uusi"\tteksti\nja toinen rivi', "=better"),
        Verdict("set/1", "messages[0]", "Text 1", "reject", "Teksti 1"),
    ]


def test_an_edit_can_be_left_and_is_never_empty(three: Path, open_page: OpenPage) -> None:
    view = open_page(three)
    view.press("e")
    view.page.keyboard.type("lost")
    view.press("Escape")
    assert decisions(view) == ["", "", ""]
    view.press("e")
    view.page.locator("textarea").first.fill(" ")
    view.press("Control+Enter")
    assert "empty translation" in view.page.locator("#said").inner_text()
    view.press("Escape", "e", "Control+Enter")
    assert decisions(view) == ["accept", "", ""]


def test_an_open_edit_is_saved_before_its_card_goes_away(three: Path, open_page: OpenPage, tmp_path: Path) -> None:
    view = open_page(three)
    view.press("e", "End")
    view.page.keyboard.type("!")
    view.page.locator("#order").select_option("data")
    view.press("Escape", "j", "e", "End")
    view.page.keyboard.type("?")
    view.page.reload()
    assert [verdict.translation for verdict in read(view, tmp_path)] == ["Teksti 0!", "Teksti 1?"]


def test_a_text_without_translation_cannot_be_accepted(review: Review, open_page: OpenPage) -> None:
    view = open_page(review([text_row("1", translation="", accepted=False, reason="truncated")]))
    view.press("a")
    assert decisions(view) == [""]
    assert "no translation to accept" in view.page.locator("#said").inner_text()
    view.press("e")
    view.page.keyboard.type("Hei")
    view.press("Control+Enter")
    assert decisions(view) == ["edit"]


def test_carriage_returns_survive_an_edit(review: Review, open_page: OpenPage, tmp_path: Path) -> None:
    view = open_page(review([text_row("1", translation="yksi\r\nkaksi\r\n")]))
    view.press("e", "Control+End")
    view.page.keyboard.type("kolme")
    view.press("Control+Enter")
    assert [verdict.translation for verdict in read(view, tmp_path)] == ["yksi\r\nkaksi\r\nkolme"]


def test_any_text_survives_export_and_import(review: Review, open_page: OpenPage, tmp_path: Path) -> None:
    rows = [text_row(f"{place}{text}", text, source=text, translation=text) for place, text in enumerate(AWKWARD)]
    path = review(rows)
    view = open_page(path)
    for number in range(len(rows)):
        view.page.locator("article [data-act=accept]").nth(number).click()
    wanted = [Verdict(row["id"], row["where"], row["source"], "accept", row["translation"]) for row in rows]
    assert read(view, tmp_path) == wanted
    exported = (tmp_path / "exported.tsv").read_bytes()
    cells = [cell for line in exported.decode().split("\n") for cell in line.split("\t")]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\"'"))], "a spreadsheet would change these"
    other = open_page(path)
    other.imports(tmp_path / "exported.tsv")
    assert decisions(other) == ["accept"] * len(rows)
    assert other.export() == exported


def test_copy_shows_the_table(three: Path, open_page: OpenPage) -> None:
    view = open_page(three)
    view.press("a")
    exported = view.export()
    view.page.locator("#export").click()
    assert view.page.locator("#table").input_value().encode() == exported


def test_verdicts_survive_a_reload(three: Path, open_page: OpenPage, tmp_path: Path) -> None:
    view = open_page(three)
    view.press("a", "r", "e", "End")
    view.page.keyboard.type("!")
    view.press("Control+Enter")
    exported = view.export()
    view.page.reload()
    assert decisions(view) == ["accept", "reject", "edit"]
    assert view.export() == exported


def test_a_verdict_on_a_translation_that_changed_is_left_out_and_said(
    review: Review, open_page: OpenPage, tmp_path: Path
) -> None:
    path = review([text_row("1", translation="vanha"), text_row("2")])
    view = open_page(path)
    view.press("r", "a")
    folder = tmp_path / "translate" / "set"
    rows = (folder / "translations.jsonl").read_text("utf-8")
    (folder / "translations.jsonl").write_text(rows.replace("vanha", "uusi"), "utf-8")
    write_review({"set": folder}, path, "Test", language("en"), language("fi"))
    view.page.reload()
    assert decisions(view) == ["", "accept"]
    assert "1 verdict of yours left out" in view.page.locator("#notices").inner_text()


def test_without_storage_the_page_says_so_and_works(three: Path, open_page: OpenPage) -> None:
    def forbid(page: Any) -> None:
        page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})")

    view = open_page(three, before=forbid)
    assert "keeps nothing" in view.page.locator("#notices").inner_text()
    view.press("a")
    assert view.export().count(b"\n") == 2


def test_a_full_storage_is_said(three: Path, open_page: OpenPage) -> None:
    view = open_page(three)
    view.page.evaluate("for (let size = 4e6; size > 1; size = Math.floor(size / 2)) try { for (;;) localStorage.setItem(`x${size}${localStorage.length}`, 'x'.repeat(size)); } catch {}")  # fmt: skip
    view.press("a")
    assert "no room left" in view.page.locator("#notices").inner_text()
    assert view.export().count(b"\n") == 2


def test_the_recipes_verdicts_are_shown_kept_and_exported(review: Review, open_page: OpenPage, tmp_path: Path) -> None:
    given = [
        Verdict("1", "messages[0]", "How are you?", "accept", "Mitä kuuluu?", "fine"),
        Verdict("2", "messages[0]", "How are you?", "accept", "Kuinka voit?"),
        Verdict("3", "messages[0]", "Changed since", "reject", "x"),
        Verdict("elsewhere", "messages[0]", "s", "reject"),
    ]
    path = review(
        [text_row("1"), text_row("2"), text_row("3")], verdicts=Verdicts({verdict.key: verdict for verdict in given})
    )
    view = open_page(path)
    assert decisions(view) == ["accept", "edit", ""]
    assert "2 texts judged, 2 verdicts on others kept." in view.page.locator("#judged").inner_text()
    assert {verdict.key for verdict in read(view, tmp_path)} == {verdict.key for verdict in given}
    view.press("r")
    view.page.reload()
    assert decisions(view) == ["reject", "edit", ""]
    assert "1 verdict in this browser other than in the recipe's file" in view.page.locator("#notices").inner_text()
    view.page.get_by_role("button", name="Use the file's").click()
    assert decisions(view) == ["accept", "edit", ""]


def test_a_new_verdict_takes_the_place_of_one_on_an_older_translation(
    review: Review, open_page: OpenPage, tmp_path: Path
) -> None:
    old = Verdict("1", "messages[0]", "How are you?", "reject", "an older translation")
    view = open_page(review([text_row("1")], verdicts=Verdicts({old.key: old})))
    assert decisions(view) == [""]
    assert read(view, tmp_path) == [old]
    view.press("a")
    assert read(view, tmp_path) == [Verdict("1", "messages[0]", "How are you?", "accept", "Mitä kuuluu?")]
    view.press("u")
    assert read(view, tmp_path) == [old]


def test_a_malformed_import_changes_nothing_and_names_the_line(
    three: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    header, good = "\t".join(COLUMNS), "set/0\tmessages[0]\tText 0\tedit\tUusi\t"
    view = open_page(three)
    for text, said in [
        (good, "line 1 must name the columns"),
        (f"{header}\n{good}\n{good.replace('edit', 'maybe')}", "line 3: 'maybe' is none of"),
        (f"{header}\n{good}\nset/1", "line 3: 1 cells"),
        (f"{header}\n{good[:-5]}\\q\t\n", "line 2: unknown escape"),
        (f'{header}\n"{good}', "line 2: a cell begins"),
    ]:
        (tmp_path / "in.tsv").write_text(text)
        view.imports(tmp_path / "in.tsv")
        assert said in view.page.locator("#notices p").last.inner_text()
    (tmp_path / "in.tsv").write_bytes(b"\xff\xfe")
    view.imports(tmp_path / "in.tsv")
    assert "not UTF-8" in view.page.locator("#notices p").last.inner_text()
    assert decisions(view) == ["", "", ""]


def test_an_import_is_one_step_to_undo(three: Path, open_page: OpenPage, tmp_path: Path) -> None:
    rows = ["\t".join(COLUMNS), *(f"set/{number}\tmessages[0]\tText {number}\tedit\tUusi\t" for number in range(2))]
    rows.append("set/2\tmessages[0]\tanother source\treject\t\tstale")
    (tmp_path / "in.tsv").write_text("\n".join(rows))
    view = open_page(three)
    view.imports(tmp_path / "in.tsv")
    assert decisions(view) == ["edit", "edit", ""]
    notice = view.page.locator("#notices").inner_text()
    assert "2 verdicts taken over from in.tsv; 1 verdict on texts that are not here" in notice
    assert [verdict.source for verdict in read(view, tmp_path)] == ["Text 0", "Text 1", "another source"]
    view.press("u")
    assert decisions(view) == ["", "", ""]
