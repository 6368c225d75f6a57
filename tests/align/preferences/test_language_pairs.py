"""Response-language pairs: the same content, the language of the prompt chosen; drawn nested, nothing that names a language."""

from __future__ import annotations

import pytest

from align.preferences.answer_language import tell_apart
from align.preferences.language_pairs import Maker, is_language_pair
from kielo.languages.pack import language
from kielo.records import Message, PreferencePair

BOTH = language("en"), language("fi")
TEXTS = {
    "en": "The river runs through the old town and then turns to the sea.",
    "fi": "Joki virtaa vanhan kaupungin halki ja kääntyy sitten kohti merta.",
}
JUDGED = tell_apart(*BOTH)


def row(index: int, code: str, prompt: str = "tell me", chosen: str | None = None) -> PreferencePair:
    return PreferencePair(
        f"set/{index:03d}", code, (Message("user", prompt),), chosen or f"{TEXTS[code]} {index}", "bad"
    )


def by_id(rows: list[PreferencePair]) -> dict[str, PreferencePair]:
    return {each.id: each for each in rows}


def test_the_same_content_in_the_wrong_language_is_rejected() -> None:
    finnish, english = row(1, "fi", "kerro"), row(1, "en")
    (pair,), made = Maker(BOTH, JUDGED, 0).make([finnish], by_id([english]), 1)
    assert (pair.language, pair.prompt, pair.chosen, pair.rejected) == (
        "fi", finnish.prompt, finnish.chosen, english.chosen,
    )  # fmt: skip
    assert pair.id == "set/001#language" and is_language_pair(pair.id) and not is_language_pair(finnish.id)
    assert (made.asked, made.made, made.unfit) == (1, 1, {})


def test_a_smaller_draw_lies_within_a_larger_one() -> None:
    rows = {code: [row(index, code) for index in range(40)] for code in ("en", "fi")}
    maker = Maker(BOTH, JUDGED, 3)
    drawn = {count: [each.id for each in maker.make(rows["fi"], by_id(rows["en"]), count)[0]] for count in (5, 20, 40)}
    assert drawn[5] == drawn[20][:5] and set(drawn[20]) < set(drawn[40])
    assert drawn[20] == [each.id for each in maker.make(reversed(rows["en"]), by_id(rows["fi"]), 20)[0]]
    assert drawn[5] != [each.id for each in Maker(BOTH, JUDGED, 4).make(rows["fi"], by_id(rows["en"]), 5)[0]]


@pytest.mark.parametrize(
    ("finnish", "english", "reason"),
    [
        (row(1, "fi"), None, "no_row_in_the_other_language"),
        (row(1, "fi", chosen="print(1)"), row(1, "en", chosen="print(1)"), "same_in_both_languages"),
        (row(1, "fi"), row(1, "en", "Write it in Finnish."), "prompt_names_a_language"),
        (row(1, "fi", "Mitä suomi on?"), row(1, "en", "What is it?"), "prompt_names_a_language"),
        (row(1, "fi", chosen="```\nprint(1)\n```"), row(1, "en"), "language_not_told"),
        (row(1, "fi", chosen=TEXTS["en"]), row(1, "en"), "language_not_told"),
    ],
)  # fmt: skip
def test_rows_that_cannot_show_it(finnish: PreferencePair, english: PreferencePair | None, reason: str) -> None:
    pairs, made = Maker(BOTH, JUDGED, 0).make([finnish], by_id([english] if english else []), 1)
    assert (pairs, made.unfit) == ([], {reason: 1})


def test_languages_that_nobody_tells_apart_make_pairs_all_the_same() -> None:
    pairs, _ = Maker(BOTH, None, 0).make([row(1, "fi", chosen="lyhyt")], by_id([row(1, "en", chosen="short")]), 1)
    assert len(pairs) == 1
