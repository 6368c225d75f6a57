"""Which language a text is in, the same answer every time: used by IFEval's checkers and for the share of responses
in the asked language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException

from kielo.errors import UsageError

SEED = 0  # langdetect draws n-grams at random; unseeded, 32% of Finnish upper-case texts change their language
NONE = "none"  # the class of texts that hold no letters to judge by


@dataclass(frozen=True)
class ResponseLanguages:
    """How many texts are in which language; `detected` has one langdetect code (or "none") per text, in order."""

    asked: str
    texts: int
    in_asked: int
    counts: Mapping[str, int]
    detected: tuple[str, ...]

    @property
    def share(self) -> float:
        """Give the share of texts in the asked language, 0..1."""
        return self.in_asked / self.texts if self.texts else 0.0


def response_language(texts: Iterable[str | None], asked: str, langdetect_code: str | None) -> ResponseLanguages:
    """Count the languages of `texts`; `asked` is our code, `langdetect_code` what langdetect calls it.

    Empty, null and undetectable texts are the class "none": never in the asked language, never left out.

    Raises:
        UsageError: langdetect does not know the language, so any share would be false.
    """
    known = known_codes()
    if langdetect_code not in known:
        raise UsageError(
            f"langdetect cannot tell '{asked}' from other languages (pack: langdetect: {langdetect_code or 'null'}); "
            f"it knows {', '.join(sorted(known))}."
        )
    detected = tuple(detect_language(text or "") or NONE for text in texts)
    counts = dict(sorted(Counter(detected).items(), key=lambda item: (-item[1], item[0])))
    return ResponseLanguages(asked, len(detected), counts.get(langdetect_code, 0), counts, detected)


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
