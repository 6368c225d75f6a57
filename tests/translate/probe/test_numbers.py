"""The probe's arithmetic: intervals, thresholds and verdicts, tokens, languages, floors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kielo.generation.protocol import Completion
from kielo.languages.pack import Shot, language
from translate.checks import Direction
from translate.probe.drift import drift, identifier_for
from translate.probe.fertility import fertility, measure_tokenizer
from translate.probe.knowledge import DISORDERS, disordered
from translate.probe.measures import Measure, ratio, share
from translate.probe.translating import Translated, quality, stopping
from translate.probe.verdict import ORDER, stage_verdicts, thresholds, verdict_of

PAIR = Shot(source="The weather in the old town was cold and rainy on Monday morning.", target="Sää vanhassakaupungissa oli maanantaiaamuna kylmä ja sateinen, kuten aina syksyllä.")  # fmt: skip


@pytest.fixture(scope="module")
def pocket_tokenizer():
    from transformers import AutoTokenizer

    from kielo.models import POCKET

    return AutoTokenizer.from_pretrained(POCKET)


@settings(deadline=None)  # the first example imports scipy
@given(st.integers(0, 200), st.integers(1, 200))
def test_a_share_lies_in_its_interval(count, more):
    found = share("stopped", count, count + more)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


def test_ratios_of_sums():
    found = ratio("price_ratio", [4, 6], [2, 3])
    assert (found.value, found.low, found.high) == (2, 2, 2)
    assert ratio("price_ratio", [], []).value is None


@settings(deadline=None)
@given(st.sampled_from(sorted(thresholds())), st.floats(0, 120), st.floats(0, 20))
def test_a_better_number_is_never_judged_worse(name, value, step):
    better = value + step if thresholds()[name].better == "higher" else value - step
    verdicts = [verdict_of(Measure(name, each)) for each in (value, better)]
    assert ORDER.index(verdicts[1]) <= ORDER.index(verdicts[0])


def test_what_is_uncertain_is_done_with_care():
    assert verdict_of(Measure("stopped", 0.9, 0.8, 0.95)) == "with care"
    assert verdict_of(Measure("stopped", 0.4, 0.3, 0.55)) == "with care"
    assert verdict_of(Measure("stopped", 0.4, 0.3, 0.45)) == "cannot"
    assert verdict_of(Measure("sentinels", 0.5, 0.2, 0.8)) == "can", "the translate stage decides by the count, too"
    assert verdict_of(Measure("sentinels", 0.0, 0.0, 0.2)) == "with care", "texts are then cut around their spans"


def test_the_worst_number_decides_and_what_is_missing_is_named():
    found = {
        each.stage: each
        for each in stage_verdicts([Measure("chrf", 10), Measure("price_ratio", 3), Measure("cut_rows", None)])
    }
    assert (found["translate"].verdict, found["translate"].decided_by) == ("cannot", ("chrf",))
    assert (found["sft"].verdict, found["sft"].decided_by) == ("with care", ("price_ratio",))
    assert found["sft"].not_measured == ("cut_rows",)
    (evaluation,) = [
        each
        for each in stage_verdicts([Measure("price_ratio", 1), Measure("recognised", None)])
        if each.stage == "evaluation"
    ]
    assert (evaluation.verdict, evaluation.decided_by) == ("with care", ("recognised",)), "it is needed"


def test_bytes_and_losses_of_a_tokenizer(pocket_tokenizer):
    plain, foreign = fertility(pocket_tokenizer, ["The dog"]), fertility(pocket_tokenizer, ["漢字"])
    assert plain.broken_share == 0
    assert foreign.broken_share == 1, "every one of its tokens is a byte of a character"
    found = {each.name: each for each in measure_tokenizer(pocket_tokenizer, [Shot(source="The dog", target="漢字")])}
    assert found["broken_share"].value == found["round_trip"].value == 1
    assert found["tokens_per_byte"].value == 1
    assert found["price_ratio"].value == foreign.tokens / plain.tokens > 2


def test_drift_shows_where_a_translation_leaves_the_language():
    direction = Direction(language("en"), language("fi"))
    identifier, said = identifier_for(direction)
    right, wrong = PAIR.target, PAIR.source
    half = "Sää vanhassakaupungissa oli maanantaiaamuna kylmä ja sateinen and the people of the town stayed inside their warm houses"
    whole, _ = drift([PAIR] * 4, [right] * 3 + [wrong], identifier, said)
    assert whole[0].value == 0.75
    cut, thirds = drift([PAIR] * 2, [half] * 2, identifier, said)
    assert (thirds[0], thirds[2]) == (1, 0)
    assert cut[1].value == 0


def test_a_language_that_nobody_knows_is_not_measured():
    found, thirds = drift([PAIR], [PAIR.target], None, "neither knows it")
    assert [each.value for each in found] == [None] * 3
    assert thirds == []


def test_a_copy_is_no_translation():
    copied, scores = quality([PAIR] * 3, [PAIR.source] * 3)
    assert copied[1].value == 0
    assert scores["chrf of empty answers"] == 0
    perfect, _ = quality([PAIR] * 3, [PAIR.target] * 3)
    assert perfect[0].value == 100


def test_running_on_is_counted():
    made = Translated(("x" * 500, PAIR.target), (Completion("x", "length", 1, 1), Completion("y", "stop", 1, 1)))
    stopped, overlong = stopping([PAIR, PAIR], made)
    assert stopped.value == overlong.value == 0.5
    assert "1 truncated" in stopped.detail
    refused, _ = stopping([PAIR], Translated(("",), (Completion("", "refused", 0, 0),)))
    assert refused.value is None and "1 refused" in refused.detail, "a prompt over the context says nothing of stopping"


@settings(deadline=None)
@given(st.lists(st.sampled_from(["one", "two", "three", "four", "five"]), max_size=9))
def test_disorders_are_other_orders_of_the_same_words(words):
    found = disordered(" ".join(words))
    assert len(set(found)) == len(found) == (DISORDERS if len(set(words[1:-1])) >= 3 else 0)
    for text in found:
        other = text.split()
        assert sorted(other) == sorted(words)
        assert other != words
        assert (other[0], other[-1]) == (words[0], words[-1])
