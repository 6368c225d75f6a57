"""The share of responses in the asked language, as the paper measures it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kielo.errors import UsageError
from kielo.language_detection import detect_language, known_codes

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
