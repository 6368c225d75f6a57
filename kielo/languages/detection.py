"""Which language a text is in, by langdetect, the same answer every time; the stages' checks and scores stand on it."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException

from kielo.languages.langdetect_arrays import ArrayFactory

SEED = 0  # langdetect draws n-grams at random; unseeded, 32% of Finnish upper-case texts change their language


@lru_cache(maxsize=4096)
def detect_language(text: str) -> str | None:
    """Give langdetect's code for `text` ("unknown" if it cannot decide), or None if it finds nothing to judge by."""
    detector = _factory().create()
    detector.append(text)
    try:
        code: str = detector.detect()
    except LangDetectException:
        return None
    return code


def language_probabilities(text: str) -> dict[str, float]:
    """Give the languages a text may be in and their probabilities; empty if there is nothing to judge by."""
    detector = _factory().create()
    detector.append(text)
    try:
        return {found.lang: float(found.prob) for found in detector.get_probabilities()}
    except LangDetectException:
        return {}


def known_codes() -> frozenset[str]:
    """List the language codes that langdetect has a profile for."""
    return frozenset(_factory().get_lang_list())


@cache
def usual_trigrams(code: str) -> frozenset[str]:
    """List the three-letter stretches of words, a blank for their ends, that are frequent in a language; lower case.

    From langdetect's profiles, counted in Wikipedia; empty where it has none.
    """
    path = Path(PROFILES_DIRECTORY) / code
    if code not in known_codes() or not path.is_file():
        return frozenset()
    counts = json.loads(path.read_text(encoding="utf-8"))["freq"]
    return frozenset(ngram.lower() for ngram in counts if len(ngram) == 3)


@cache
def _factory() -> DetectorFactory:
    """Load the profiles once, in the order of their names: a folder's own order differs between file systems."""
    factory = ArrayFactory()
    profiles = sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if path.is_file() and path.name[0] != ".")
    factory.load_json_profile([path.read_text(encoding="utf-8") for path in profiles])
    factory.set_seed(SEED)
    return factory
