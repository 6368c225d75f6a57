"""Means over answers, their intervals, and what one model's answers have of another's."""

from __future__ import annotations

import pytest

from eval.style import MARKS, inheritance, profile
from eval.style.pages import PUBLISHED_MARKS, count_tags, published_ratios


def test_a_mean_is_of_answers_and_its_interval_of_prompts() -> None:
    """Ten prompts of two answers each: the two go together, so the interval is wider than that of twenty single answers."""
    paired = profile({key: ["**a**" if key % 2 else "a"] * 2 for key in range(10)})
    single = profile(["**a**" if key % 2 else "a" for key in range(20)])
    together, apart = paired.estimates["strong"], single.estimates["strong"]
    assert (together.mean, together.total, paired.answers) == (0.5, 10, 20)
    assert (apart.mean, single.answers) == (0.5, 20)
    assert together.interval.high - together.interval.low > 1.2 * (apart.interval.high - apart.interval.low)
    assert together.interval.low < 0.5 < together.interval.high


def test_the_seed_and_the_order_of_prompts() -> None:
    texts = {key: "# a\n\n" * (key % 5) + "b" for key in range(30)}
    turned = dict(reversed(texts.items()))
    assert profile(texts, 3).estimates == profile(turned, 3).estimates
    assert profile(texts, 3).estimates["h1"].interval != profile(texts, 4).estimates["h1"].interval


def test_no_answers_have_no_style() -> None:
    for nothing in ([], {}, {1: []}):
        with pytest.raises(ValueError, match="no answers"):
            profile(nothing)


def test_the_ratio_is_of_the_prompts_that_both_answered() -> None:
    """The source has 3 bold words in each of 12 prompts, the tuned model 1 or 2; prompt 99 is the tuned model's alone."""
    source = profile({key: "**a** **b** **c**" for key in range(12)})
    tuned = profile({**{key: "**a** **b**" if key < 6 else "**a**" for key in range(12)}, 99: "**a** " * 50})
    found = inheritance(tuned, source)["strong"]
    assert found is not None and found.interval is not None
    assert (found.value, found.prompts) == (0.5, 12)
    assert 1 / 3 <= found.interval.low < 0.5 < found.interval.high <= 2 / 3


def test_a_ratio_to_nothing_is_none_and_one_to_little_has_no_interval() -> None:
    texts = {key: "## a\n\nb" if key < 4 else "b" for key in range(20)}
    found = inheritance(profile({key: "# a\n\n" + text for key, text in texts.items()}), profile(texts))
    assert found["h1"] is None and found["em"] is None
    assert found["h2"] is not None and found["h2"].value == 1 and found["h2"].interval is None
    assert found["paragraphs"] is not None and found["paragraphs"].interval is not None


def test_profiles_without_a_common_prompt() -> None:
    with pytest.raises(ValueError, match="no prompt in common"):
        inheritance(profile({1: "a"}), profile({2: "a"}))
    with pytest.raises(ValueError, match="no prompt in common"):
        inheritance(profile({1: ["a", "b"]}), profile({1: "a"}))


def test_a_model_against_itself_took_everything_over() -> None:
    both = profile({key: "**a** *b*\n\n- c\n\n1. d\n\n### e" for key in range(15)})
    found = inheritance(both, both)
    assert {mark: ratio.value for mark, ratio in found.items() if ratio} == dict.fromkeys(
        ("strong", "em", "ordered_lists", "unordered_lists", "h3", "paragraphs", "ordered_items", "unordered_items",
         "length_characters", "length_words"), 1.0,
    )  # fmt: skip
    assert set(found) == set(MARKS)


def test_the_published_ratios() -> None:
    """Table 3 of WildChat-50M: rows L8B:Q72, Q72:None and their quotient, 0 to 0 included."""
    columns = ("strong", "em", "ordered_lists", "unordered_lists", "h1", "h2", "h3", "h4", "paragraphs")
    tuned = dict(zip(columns, (808, 60, 77, 260, 20, 0, 149, 33, 1237), strict=True))
    source = dict(zip(columns, (741, 53, 83, 230, 24, 0, 135, 26, 1217), strict=True))
    found = published_ratios(tuned, source)
    rounded = [round(found[mark] or 0, 3) for mark in columns]
    assert rounded == [1.090, 1.132, 0.928, 1.130, 0.833, 1.000, 1.104, 1.269, 1.016]
    assert published_ratios({"h1": 2}, {"h1": 0}) == {"h1": None}


def test_tags_of_a_page() -> None:
    html = "<html><style>p > strong {}</style><P>a <STRONG>b</STRONG> <b>c</b></p><h3>d</h3><ol><li><p>e</ol>&lt;em&gt;"
    assert count_tags(html) == {"paragraphs": 2, "strong": 1, "h3": 1, "ordered_lists": 1}
    assert set(PUBLISHED_MARKS) < set(MARKS)
