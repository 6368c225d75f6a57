"""The metrics of similarity in several scripts: against definitions written out, and against a text itself."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.similarity.metrics import METRICS, open_metrics
from eval.similarity.rouge import longest_common, rouge1, rouge_l, rouge_words
from kielo.errors import UsageError
from kielo.languages.pack import language

TEXTS = {
    "Finnish": "Hyvää päivää! Äiti söi pöydän ääressä jäätelöä.",
    "Greek": "Καλημέρα σας, πώς είστε σήμερα; Ελπίζω όλα να πηγαίνουν καλά.",
    "Hindi": "हिन्दी भाषा में एक छोटा वाक्य।",
    "Chinese": "你好，世界。今天天气很好。",
}
PACKAGES = {"chrf": "sacrebleu", "meteor": "nltk"}
WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


def similarity(metric: str, ours: str, theirs: str) -> float:
    package = PACKAGES.get(metric)
    if package and find_spec(package) is None:
        pytest.skip(f"{package} is not installed (the extra eval)")
    opened = open_metrics([metric])[metric]
    return opened.score(opened.prepare(ours), opened.prepare(theirs))


@pytest.mark.parametrize("metric", ["rouge1", "rougeL", "chrf"])
@pytest.mark.parametrize("script", TEXTS)
def test_a_text_is_itself_in_every_script(metric: str, script: str) -> None:
    assert similarity(metric, TEXTS[script], TEXTS[script]) == pytest.approx(1.0, abs=1e-12)
    others = [text for name, text in TEXTS.items() if name != script]
    assert all(similarity(metric, TEXTS[script], other) < 0.1 for other in others)


@pytest.mark.parametrize("metric", METRICS)
def test_neither_text_is_the_reference(metric: str) -> None:
    ours, theirs = "talo on punainen ja suuri", "suuri talo"
    assert similarity(metric, ours, theirs) == pytest.approx(similarity(metric, theirs, ours))
    assert 0 < similarity(metric, ours, theirs) < 1


def test_words_are_composed_and_without_case() -> None:
    assert rouge_words("Hyvää PÄIVÄÄ, talo-auto 3.5") == ("hyvää", "päivää", "talo", "auto", "3", "5")
    assert rouge_words("Hyva\u0308a\u0308 Straße") == ("hyvää", "strasse")
    assert len(rouge_words(TEXTS["Hindi"])) == 6


def test_rouge_by_hand() -> None:
    """Five and four words, three in common, of which two stand in one order: 2 * 3 / 9 and 2 * 2 / 9."""
    ours, theirs = ("a", "b", "c", "d", "a"), ("c", "a", "x", "b")
    assert rouge1(ours, theirs) == pytest.approx(6 / 9)
    assert rouge_l(ours, theirs) == pytest.approx(4 / 9)
    assert rouge1((), theirs) == rouge_l((), ()) == 0.0


@given(WORDS, WORDS)
def test_the_longest_common_subsequence_is_that_of_the_table(ours: list[str], theirs: list[str]) -> None:
    table = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for row, one in enumerate(ours):
        for column, other in enumerate(theirs):
            longer = max(table[row][column + 1], table[row + 1][column])
            table[row + 1][column + 1] = table[row][column] + 1 if one == other else longer
    assert longest_common(ours, theirs) == table[-1][-1]


def test_chrf_does_not_mind_how_letters_are_composed() -> None:
    assert similarity("chrf", "päivää", "pa\u0308iva\u0308a\u0308") == pytest.approx(1.0)


def test_meteor_matches_stems_of_a_language_that_has_a_stemmer() -> None:
    """One of two words has an equal stem: F is a half, and half of that is the penalty of a chunk of one word."""
    pytest.importorskip("nltk")
    ours, theirs = rouge_words("taloissa asuvat"), rouge_words("talossa asui")

    def score(code: str | None) -> float:
        return open_metrics(["meteor"], language(code) if code else None)["meteor"].score(ours, theirs)

    assert score(None) == 0.0
    assert score("fi") == pytest.approx(0.25)
    assert "finnish stems" in open_metrics(["meteor"], language("fi"))["meteor"].says


def test_wordnet_is_english_and_must_be_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pytest.importorskip("nltk.data")
    monkeypatch.setattr(data, "path", [])
    for code, sentence in {"fi": "its synonyms are English", "en": "is not at hand"}.items():
        with pytest.raises(UsageError, match=sentence):
            open_metrics(["meteor"], language(code), wordnet=True)


def test_there_is_no_other_metric() -> None:
    with pytest.raises(UsageError, match="no metric 'bleu'; choose from rouge1"):
        open_metrics(["bleu"])
