"""METEOR of two texts in any language, as far as NLTK's reaches: equal words, equal stems, and English synonyms where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kielo.errors import MissingExtraError, UsageError
from kielo.languages.pack import Language


@dataclass(frozen=True)
class Meteor:
    """METEOR with what it matches words by."""

    stemmer: Any
    synonyms: Any
    matches: str
    """For people: by what words are matched."""

    def score(self, ours: Sequence[str], theirs: Sequence[str]) -> float:
        """Give the mean of both directions, 0..1: METEOR weighs recall of the reference nine times, and neither text is one.

        A text scores just below 1 against itself: every chunk of matches costs a little, the one chunk, too.
        """
        from nltk.translate.meteor_score import single_meteor_score

        both = (
            single_meteor_score(one, other, preprocess=str, stemmer=self.stemmer, wordnet=self.synonyms)
            for one, other in ((ours, theirs), (theirs, ours))
        )
        return float(sum(both)) / 2


def open_meteor(language: Language | None, wordnet: bool = False) -> Meteor:
    """Make METEOR for a language: with a Snowball stemmer where there is one of its name, otherwise by equal words alone.

    Raises:
        MissingExtraError: nltk is not installed.
        UsageError: WordNet is asked for another language than English, or is not at hand.
    """
    try:
        from nltk.stem.snowball import SnowballStemmer
    except ImportError as error:
        raise MissingExtraError('METEOR needs the package nltk: pip install -e ".[eval]".') from error
    if wordnet and (language is None or language.code != "en"):
        raise UsageError("--wordnet: its synonyms are English; give --language en with it, or leave it out.")
    name = language.name.lower() if language else ""
    stemmed = name in SnowballStemmer.languages
    kept: Any = _Kept(SnowballStemmer(name).stem) if stemmed else _Kept(str)
    matches = [
        "equal words",
        *([f"equal {name} stems (Snowball)"] if stemmed else []),
        *(["WordNet"] if wordnet else []),
    ]
    return Meteor(kept, _wordnet() if wordnet else _NoSynonyms(), ", ".join(matches))


class _Kept:
    """A stemmer that keeps the stems of words it has seen: answers to one prompt share most of theirs."""

    def __init__(self, stem: Any) -> None:
        self.stem = lru_cache(maxsize=65536)(stem)


class _NoSynonyms:
    """Stands where NLTK expects WordNet, and knows no synonym."""

    def synsets(self, _word: str) -> tuple[()]:
        return ()


def _wordnet() -> Any:
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError as error:
        raise UsageError(
            "--wordnet: NLTK's corpus 'wordnet' is not at hand; set NLTK_DATA to the folder that holds corpora/wordnet."
        ) from error
    return wordnet
