"""Segments as XML for DeepL, and batches within its limits: nothing is lost on the way there, nothing false believed on the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kielo.errors import RecipeError
from kielo.languages.pack import language
from kielo.schema import Engine
from translate.answers import Segment
from translate.translators.deepl_markup import Chunk, Part, chunks_of
from translate.translators.deepl_requests import MOST_BYTES, MOST_TEXTS, Query, Terms, batches, context_of, terms_of

TERMS = Terms("EN", "FI")
MARKED = Chunk((Part("Run "), Part("`a & b`", True), Part(" & see "), Part("<i>", True), Part("!")))
HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("<>&\"'`\r\n\t\x00\x1b\ud800\ufffe⟦⟧$[]{}()*_")))


def chunks(text: str, limit: int = MOST_BYTES) -> tuple[Chunk, ...]:
    return chunks_of(Segment(text), language("en"), limit)


def test_what_is_sent_is_xml_in_which_fixed_parts_are_seen_but_named() -> None:
    assert MARKED.sent == 'Run <x id="1">`a &amp; b`</x> &amp; see <x id="3">&lt;i&gt;</x>!'
    assert MARKED.read('<x id="3">&lt;i&gt;</x> ees &amp; <x id="1">`a &amp; b`</x> nuR!') == "<i> ees & `a & b` nuR!"
    plain = Chunk((Part(" a < b & c\n"),))
    assert (plain.sent, plain.read("c & b < a")) == ("a < b & c", " c & b < a\n")


def test_glossary_words_stand_in_their_target_form() -> None:
    (chunk,) = chunks_of(Segment('Use the word "mom" here', (("mom", "äiti"),)), language("en"), MOST_BYTES)
    assert chunk.sent == 'Use the word "<x id="1">äiti</x>" here'
    assert chunk.read('Käytä sanaa "<x id="1">äiti</x>"') == 'Käytä sanaa "äiti"'


def test_what_xml_cannot_hold_and_long_code_is_not_shown() -> None:
    (chunk,) = chunks("a\x00b\ud800c\r\nd " + "`" + "y" * 90 + "`")
    assert chunk.sent == 'a<x id="1"/>b<x id="3"/>c<x id="5"/>\nd <x id="7"/>'
    assert chunk.read(chunk.sent) == chunk.text


@pytest.mark.parametrize(
    "answer",
    [
        'nuR & <x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;</x>',  # a bare ampersand
        'nuR <x id="1">`a &amp; b`</x> i!',  # one is lost
        'nuR <x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;</x> <x id="3">&lt;i&gt;</x>',  # one is doubled
        'nuR <x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;</x> <x id="4"/>',  # one is invented
        'nuR <x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;</x> <b/>',
        "nuR <x>`a &amp; b`</x> <x>&lt;i&gt;</x>",  # without their numbers
        'nuR <x id="1">`a &amp; b`&amp;</x> <x id="3">&lt;i&gt;</x>',  # a character moved into one
        'nuR <x id="1">`a &amp; b`<x id="3">&lt;i&gt;</x></x>',  # one moved into the other
        'nuR <x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;</x><!-- seen by nobody -->',
        'nuR <x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;</x></t><t>',
        'nuR <x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;',
        'nuR \x00<x id="1">`a &amp; b`</x> <x id="3">&lt;i&gt;</x>',
        "",
    ],
)
def test_an_answer_with_other_elements_is_not_believed(answer: str) -> None:
    assert MARKED.read(answer) is None


def test_an_element_in_plain_text_is_not_believed_unless_the_source_has_it() -> None:
    assert Chunk((Part("Hello"),)).read('olleH <x id="1"/>') is None
    assert Chunk((Part("if a <x and b"),)).read("fi a <x dna b") == "fi a <x dna b"


@settings(max_examples=150, deadline=None)
@given(HOSTILE, HOSTILE)
def test_any_text_comes_back_from_a_translator_that_changes_nothing(text: str, other: str) -> None:
    for chunk in (*chunks(text), *chunks(f"{text} `{other}` {text}\x00")):
        assert not chunk.speaks or chunk.read(chunk.sent) == chunk.text
        assert "".join(piece.text for piece in chunk.around()) == chunk.text


@pytest.mark.parametrize("text", ["Ääniä. ", "漢字と&かな。", "🌱 [NAME] grows. ", "a & < > \x00", "`code` or "])
def test_a_long_text_is_cut_into_what_fits(text: str) -> None:
    text *= 40_000 // len(text)
    limit = 9_000
    cut = chunks(text, limit)
    assert len(cut) > 4
    assert "".join(chunk.text for chunk in cut) == text
    assert all(len(json.dumps(chunk.sent)) <= limit for chunk in cut)
    assert all(chunk.read(chunk.sent) == chunk.text for chunk in cut)


def test_a_long_text_without_a_letter_is_left_whole() -> None:
    assert [chunk.speaks for chunk in chunks("`" * 200_000)] == [False]


def test_batches_hold_what_deepl_takes_and_one_context() -> None:
    queries = [Query("é" * 50 * number, number % 3 == 0, "before " * (number % 2)) for number in range(1, 300)]
    made = list(batches(queries, TERMS))
    assert sorted((query for batch in made for query in batch), key=queries.index) == queries
    for batch in made:
        assert len({(query.marked, query.context) for query in batch}) == 1
        assert fits(batch)
    for batch, following in pairwise(made):
        if (batch[0].marked, batch[0].context) == (following[0].marked, following[0].context):
            assert not fits((*batch, following[0])), "a batch is full before the next begins"


def fits(batch: tuple[Query, ...]) -> bool:
    body = TERMS.options(batch[0]) | {"text": [query.text for query in batch], "show_billed_characters": True}
    return len(batch) <= MOST_TEXTS and len(json.dumps(body)) <= MOST_BYTES


def test_the_key_is_of_all_that_determines_a_translation() -> None:
    query = Query("Hello", True, "before")
    others = [
        TERMS.key(replace(query, text="Hello!")), TERMS.key(replace(query, marked=False)), TERMS.key(replace(query, context="")),
        *(replace(TERMS, **change).key(query) for change in (
            {"source": "DE"}, {"target": "EN-GB"}, {"formality": "more"}, {"glossary": "0a1b"}, {"model_type": "quality_optimized"},
        )),
    ]  # fmt: skip
    assert len({TERMS.key(query), *others}) == len(others) + 1
    assert TERMS.key(query) == Terms("EN", "FI").key(replace(query))


def test_a_source_is_a_language_without_its_variant_and_a_target_has_one() -> None:
    engine = Engine(kind="deepl", formality="default", model_type="latency_optimized")
    assert terms_of(engine, language("en"), language("fi")) == Terms("EN", "FI", model_type="latency_optimized")
    assert terms_of(engine, language("fi"), language("en")).target == "EN-GB"
    none = language("fi").model_copy(update={"deepl": None, "name": "Livonian", "code": "liv"})
    with pytest.raises(RecipeError, match=r"liv\.yaml: deepl: null says that DeepL has no Livonian"):
        terms_of(engine, language("en"), none)


def test_a_context_is_short_and_fit_to_be_sent() -> None:
    assert context_of("\x00one\ud800two ") == "one two"
    assert context_of("x" * 5000 + "end") == "x" * 1997 + "end"
