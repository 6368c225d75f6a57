"""Pairs as transactions: phrases shared by prompt and answers, and pairs that only translation sets apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kielo.records import Message, PreferencePair, read_jsonl
from translate.pairs import noise, phrase_glossary, shared_phrases
from translate.rows.formats import Source, read_rows


def pair(prompt: str, chosen: str, rejected: str) -> PreferencePair:
    return PreferencePair("p/00000", "en", (Message("user", prompt),), chosen, rejected)


def test_quoted_phrases_of_two_texts_are_shared() -> None:
    found = shared_phrases(
        pair(
            'Explain "trial by fire" to me.',
            'To go through "trial by fire" is hard.',
            'The "red herring" is a fish. So is "x".',
        )
    )
    assert found == ['"trial by fire"']


def test_phrases_that_became_one_or_lost_their_quotes_are_left_to_their_sentences() -> None:
    made = {
        '"big dog"': '"iso koira"',
        '"large dog"': '"Iso koira"',
        '"red fish"': "punainen kala",
        '"old cat"': '"vanha kissa"',
    }
    assert phrase_glossary(made) == (('"old cat"', '"vanha kissa"'),)


SOURCE = pair(
    "What is a lake?",
    "A lake is a body of water that is surrounded by land. It is larger and deeper than a pond. Many fish live in it, and people swim in it in summer. Rivers flow into it and out of it, and in winter it freezes. Good.",
    "A lake is a body of water that is surrounded by land. It is larger and deeper than a pond. Many fish live in it, and people swim in it in summer. Rivers flow into it and out of it, and in winter it freezes. Bad.",
)
FINNISH = "Järvi on maan ympäröimä vesialue. Se on suurempi ja syvempi kuin lampi. Siinä elää monia kaloja, ja kesällä siinä uidaan. Siihen laskee jokia ja siitä lähtee niitä, ja talvella se jäätyy."


def made(chosen: str, rejected: str) -> PreferencePair:
    return dataclasses.replace(SOURCE, language="fi", chosen=chosen, rejected=rejected)


def test_a_pair_that_differs_as_its_source_did_is_sound() -> None:
    assert noise(SOURCE, made(f"{FINNISH} Hyvä.", f"{FINNISH} Huono.")) is None


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        (f"{FINNISH} Hyvä.", f" {FINNISH}  hyvä.", "identical-pair"),
        (f"{FINNISH} Hyvä.", FINNISH[:80], "translation-noise"),
        (
            FINNISH,
            "Vesistö, jonka reunat ovat maata, on nimeltään järvi. Lampea isompi ja alempana pohja. Kaloja on, ihmiset pulahtavat suvella sinne. Joet tulevat, joet menevät; pakkasilla jää. Huonoa.",
            "translation-noise",
        ),
    ],
)
def test_a_pair_that_translation_alone_sets_apart_is_rejected(chosen: str, rejected: str, reason: str) -> None:
    found = noise(SOURCE, made(chosen, rejected))
    assert found is not None and found.reason == reason


def test_real_pairs_in_a_real_translation(oasst_file: Path) -> None:
    """Of 1,026 pairs of OASST1 in DeepL's Finnish, two hold a translation that breaks off, and one became identical."""
    rows = list(read_jsonl(oasst_file))

    def read(column: str) -> list[PreferencePair]:
        texts = [(line, {**row, "text": row[column]}) for line, row in rows]
        return [
            pair
            for pair in read_rows("preferences", Source(str(oasst_file), texts, "en"))
            if isinstance(pair, PreferencePair)
        ]

    sources, translations = read("text_en"), read("text_fi")
    found = [noise(source, translated) for source, translated in zip(sources, translations, strict=True)]
    assert len(found) == 1026
    assert sorted(each.reason for each in found if each) == ["identical-pair", "translation-noise", "translation-noise"]
