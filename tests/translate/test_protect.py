"""Masked spans come back exactly once or not at all, however sentinels are written and whatever the text holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.protect import (
    BRACKETS,
    STYLES,
    Protected,
    Style,
    mask_all,
    protect,
    protected_spans,
    restore,
    spans_survive,
    split_around,
)

PIECES = ["`", "``", "$", "$$", "⟦", "⟧", "⟦1⟧", "〚", "【2】", "{x}", "%s", "<b>", "<<", ">>", "<x1/>", "<x", "1/>", "</x1>",
          "[[1]]", "[[", "]]", "[", "]", "KXAX", "kxbx", "KX", "kx", "X", "K", "https://a.b/c", "](", ")", "a", " ", "\\(", "\\)",
          "1", "２", "\\boxed{1}", "&amp;", "***", "[NAME]", "me@a.fi", "\n", "\0", "\ud800", "😀", "<code>x y</code>"]  # fmt: skip
PIECED = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
every_style = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)


@every_style
@settings(max_examples=200, deadline=None)
@given(text=st.one_of(PIECED, st.text(max_size=60)), numbers=st.booleans())
def test_restore_undoes_protect(style: Style, text: str, numbers: bool) -> None:
    protected = protect(text, ("a", "[[1]]"), style, numbers)
    assert restore(protected.text, protected) == text
    assert "".join(piece for piece, _ in split_around(protected)) == text
    assert tuple(piece for piece, fixed in split_around(protected) if fixed) == protected.spans


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Use `print` and ``a`b`` now", ["`print`", "``a`b``"]),
        ("Code `over two\nlines` here", ["`over two\nlines`"]),
        ("See https://en.wikipedia.org/wiki/X_(Y). Bye", ["https://en.wikipedia.org/wiki/X_(Y)"]),
        ("(https://a.b/c) and **https://a.b/d**", ["https://a.b/c", "https://a.b/d"]),
        ("Mail me@example.org or www.example.org/a?b=1!", ["me@example.org", "www.example.org/a?b=1"]),
        ("見て https://example.org/路。次", ["https://example.org/路"]),
        (r"Let $x^2 + y$ and \(z\) be $n$", ["$x^2 + y$", r"\(z\)", "$n$"]),
        (r"So $$a \neq b$$ and \[c\]", [r"$$a \neq b$$", r"\[c\]"]),
        (r"The answer is \boxed{\frac{1}{2}} for \alpha", [r"\boxed{\frac{1}{2}}", r"\alpha"]),
        (r"\begin{cases}a\\b\end{cases} then", [r"\begin{cases}a\\b\end{cases}"]),
        (r"A line\nbreak and C:\new are no formulas", []),
        ("It costs $5 and $10, or US$5 or A$ 6", []),
        (
            "Dear {name}, %s of [FIRST NAME] <br/> {{slot}} [name]",
            ["{name}", "%s", "[FIRST NAME]", "<br/>", "{{slot}}"],
        ),
        ("%(count)d of %5.2f and {0} {x:.2f} {} ${HOME}", ["%(count)d", "%5.2f", "{0}", "{x:.2f}", "{}", "${HOME}"]),
        ("A title such as <<poem of joy>>", ["<<", ">>"]),
        ("Part *** with ****** between, ***bold*** and a ____ to fill", ["***", "******", "____"]),
        ('separate them by "***".', ["***"]),
        ("[the text](http://a.b/c) and ![an image](img.png)", ["http://a.b/c", "img.png"]),
        ("[NASA](http://nasa.gov) wrote it[^1]", ["http://nasa.gov", "[^1]"]),
        ("Press <kbd>Ctrl</kbd> &amp; <b>hold</b> <!-- why -->", ["<kbd>Ctrl</kbd>", "&amp;", "<b>", "</b>", "<!-- why -->"]),
        ("3 < 4 and 5 > 2, 100% sure, 5% in all, R&D; AT&T", []),
    ],
)  # fmt: skip
def test_what_is_protected(text: str, spans: list[str]) -> None:
    assert list(protected_spans(text)) == spans


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Walk 5 km at 4.5 km/h, -3 °C, in 1,000.50 days", ["5 km", "4.5 km/h", "-3 °C", "1,000.50"]),
        ("The 1st of H2O costs $5 or 20%, 12:30", ["$5", "20%", "12:30"]),
    ],
)
def test_numbers_are_protected_when_asked(text: str, spans: list[str]) -> None:
    assert protect(text, numbers=True).spans == tuple(spans)
    assert protect(text).spans == ()


def test_literals_are_whole_words_and_win_over_what_they_hold() -> None:
    protected = protect("war, a warning, War, `war`", ("war", ""))
    assert (protected.text, protected.spans) == ("⟦1⟧, a warning, War, ⟦2⟧", ("war", "`war`"))
    assert protect("[address] of {x}", ("[address]", "{x} ")).spans == ("[address]", "{x}")
    assert protect('say "stop" and stop', ("stop",)).spans == ("stop",)


@every_style
def test_sentinels_are_numbered_and_bare_text_has_none(style: Style) -> None:
    many = protect("`a` b " * 30, (), style)
    assert many.text.startswith(style.sentinel(1)) and style.sentinel(30) in many.text
    assert many.bare.split() == ["b"] * 30
    assert mask_all("`a` b") == " b"


@pytest.mark.parametrize("text", ["⟦1⟧", "⟦1⟧ ⟦1⟧ ⟦2⟧", "⟦1⟧ ⟦2⟧ ⟦3⟧", "⟦1⟧ ⟦2", "⟦1⟧ ⟦2⟧ ⟧", "nothing", ""])
def test_a_sentinel_lost_doubled_or_torn_is_noticed(text: str) -> None:
    assert restore(text, Protected("⟦1⟧ ⟦2⟧", ("`a`", "`b`"))) is None


@every_style
def test_in_every_style_one_lost_doubled_invented_or_torn_is_noticed(style: Style) -> None:
    protected = protect("Run `a` or `b`", (), style)
    first, second = style.sentinel(1), style.sentinel(2)
    assert restore(f"{second} tai {first}", protected) == "`b` tai `a`"
    for wrong in (
        first,
        f"{first} {first} {second}",
        f"{first} {second} {style.sentinel(3)}",
        f"{first} {second[:-1]}",
    ):
        assert restore(wrong, protected) is None
    assert restore(f"Aja {first}", protect("Run it", (), style)) is None


@pytest.mark.parametrize(
    ("name", "damaged"),
    [
        ("brackets", ["⟦ 1 ⟧", "【1】", "〚1〛", "⟦１⟧", "⟦١⟧"]),
        ("tags", ["<x1>", "<X1/>", "< x1 / >", "<x1 />", "<x1></x1>", "＜x1/＞"]),
        ("double-brackets", ["[[ 1 ]]", "[ [1] ]", "［［1］］"]),
        ("words", ["kxax", "Kxax"]),
    ],
)
def test_harmless_damage_is_mended(name: str, damaged: list[str]) -> None:
    protected = protect("Use `a` now", (), STYLES[name])
    assert [restore(f"Käytä {each} nyt", protected) for each in damaged] == ["Käytä `a` nyt"] * len(damaged)


@every_style
def test_sentinels_may_touch_letters_and_each_other(style: Style) -> None:
    protected = protect("pre`a``b`KX`c`s", (), style)
    assert restore(protected.text, protected) == "pre`a``b`KX`c`s"


def test_spans_may_be_replaced_by_other_forms() -> None:
    protected = Protected("⟦1⟧ ⟦2⟧", ("sota", r"\1"), BRACKETS)
    assert restore("⟦2⟧ ja ⟦1⟧", protected) == r"\1 ja sota"


def test_around_spans_every_stretch_stands_alone() -> None:
    protected = protect("Run `ls` in {dir}, then stop")
    assert split_around(protected) == (
        ("Run ", False), ("`ls`", True), (" in ", False), ("{dir}", True), (", then stop", False),
    )  # fmt: skip


def test_missing_spans_are_listed_as_often_as_they_are_missing() -> None:
    assert spans_survive(("`a`", "`a`", "{x}"), "vain `a`") == ("`a`", "{x}")
    assert spans_survive(("<<", "<<<"), "<<<") == ("<<",)
    assert spans_survive(("`a`", "{x}", "`a`"), "{x} `a` ja `a`") == ()


@pytest.mark.parametrize(
    "unit",
    ["<!--", "`", "` `` ", r"\(", r"\[", r"\begin{a}", r"\ab{", "$", "$ ", r"\$", "$$", "$a ", "[[", "]](", "](a", "](((", "{",
     "{{", "${", "<a ", "<a", "<code>", "<code", "a", "a.", "a@", "@", "http://", "http://(", "www.", "1.", "1,2 ", "*", "***",
     "_", "= ", "&a", "%", "[A", "[^", "K", "KX", "⟦", "⟦ ", "<x", "< x1", "[ [", "1/", "a\n"],
)  # fmt: skip
def test_no_text_stalls_a_run(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    for style, numbers in ((BRACKETS, True), (STYLES["double-brackets"], False)):
        protected = protect(text, (), style, numbers)
        assert restore(protected.text, protected) == text
