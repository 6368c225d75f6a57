"""langdetect over arrays against langdetect itself: the same n-grams and the same probabilities to the last bit."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException

from kielo.languages.langdetect_arrays import ArrayFactory

ODD = [
    "", " ", "1234", "a", "A", "ABC", "aBC  d", "Écoute ÉÉN", "http://a.fi/x teksti  on tässä  a@b.fi", "今日は東京 Tokyo に行きます", "한국어 텍스트 abc",
    "Tiếng Việt có dấu", "a\u0300e\u0301 o\u0323", "ș ț ی", "***\n\n- kohta\n- TOINEN kohta\n```\nx = 1\n```", "\ud83d half", "é" * 50, "Я English words here а",
    "ja " * 6000, "  \n x", "هذا نص عربي", "นี่คือข้อความ", "ひらがな カタカナ ㄅㄆ",
]  # fmt: skip


@pytest.fixture(scope="module")
def factories() -> tuple[DetectorFactory, ArrayFactory]:
    """langdetect's own factory and ours, with the same profiles and seed."""
    both = DetectorFactory(), ArrayFactory()
    profiles = [path.read_text("utf-8") for path in sorted(Path(PROFILES_DIRECTORY).iterdir()) if path.is_file()]
    for factory in both:
        factory.load_json_profile(profiles)
        factory.set_seed(0)
    return both


def looked(factory: DetectorFactory, text: str) -> tuple[list[str], list[tuple[str, float]] | None, list[float] | None]:
    detector = factory.create()
    detector.append(text)
    detector.cleaning_text()
    ngrams = detector._extract_ngrams()
    try:
        found = [(each.lang, float(each.prob)) for each in detector.get_probabilities()]
    except LangDetectException:
        return ngrams, None, None
    return ngrams, found, [float(each) for each in detector.langprob]


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_give_the_same(factories: tuple[DetectorFactory, ArrayFactory], text: str) -> None:
    theirs, ours = (looked(factory, text) for factory in factories)
    assert ours == theirs


def test_real_texts_of_thirteen_languages_give_the_same(
    factories: tuple[DetectorFactory, ArrayFactory], shared_data: Path
) -> None:
    files = sorted((shared_data / "flores200").glob("*.devtest.gz"))
    lines = [gzip.open(file, "rt", encoding="utf-8").read().splitlines()[:12] for file in files]
    texts = [written for of in lines for line in of for written in (line, line.upper())]
    assert len(texts) == 2 * 12 * 13
    assert [text for text in texts if looked(factories[0], text) != looked(factories[1], text)] == []
