"""Which language a text is in, by langdetect, the same answer every time; the stages' checks and scores stand on it."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException

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
        return {found.lang: found.prob for found in detector.get_probabilities()}
    except LangDetectException:
        return {}


def known_codes() -> frozenset[str]:
    """List the language codes that langdetect has a profile for."""
    return frozenset(_factory().get_lang_list())


@cache
def _factory() -> DetectorFactory:
    """Load the profiles once, in the order of their names: a folder's own order differs between file systems."""
    factory = DetectorFactory()
    profiles = sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if path.is_file() and path.name[0] != ".")
    factory.load_json_profile([path.read_text(encoding="utf-8") for path in profiles])
    factory.set_seed(SEED)
    return factory
