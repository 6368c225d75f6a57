"""The metrics of similarity by name: each takes a text apart once, and scores two such texts from 0 to 1."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.similarity.meteor import open_meteor
from eval.similarity.rouge import rouge1, rouge_l, rouge_words
from kielo.errors import MissingExtraError, UsageError
from kielo.languages.pack import Language


@dataclass(frozen=True)
class Metric:
    """How alike two texts are; the order of the two is no matter."""

    prepare: Callable[[str], Any]
    score: Callable[[Any, Any], float]
    says: str
    """For people: what it measures, and by whom."""


def open_metrics(names: Sequence[str], language: Language | None = None, wordnet: bool = False) -> dict[str, Metric]:
    """Make the metrics of these names; `language` and `wordnet` are for METEOR.

    Raises:
        UsageError: there is no such metric, or WordNet is not at hand.
        MissingExtraError: a metric's package is not installed.
    """
    unknown = next((name for name in names if name not in METRICS), None)
    if unknown is not None:
        raise UsageError(f"there is no metric '{unknown}'; choose from {', '.join(METRICS)}.")
    return {name: METRICS[name](language, wordnet) for name in names}


def _rouge1(_language: Language | None, _wordnet: bool) -> Metric:
    return Metric(rouge_words, rouge1, "F of words in common (NFKC, no case)")


def _rouge_l(_language: Language | None, _wordnet: bool) -> Metric:
    return Metric(rouge_words, rouge_l, "F of the longest common subsequence of words")


def _chrf(_language: Language | None, _wordnet: bool) -> Metric:
    try:
        from sacrebleu.metrics import CHRF
    except ImportError as error:
        raise MissingExtraError('chrF needs the package sacrebleu: pip install -e ".[eval]".') from error
    chrf = CHRF(beta=1)  # neither text is the reference: precision and recall weigh the same
    return Metric(
        lambda text: unicodedata.normalize("NFKC", text),
        lambda ours, theirs: float(chrf.sentence_score(ours, [theirs]).score) / 100,
        "F1 of character 1- to 6-grams (sacreBLEU, beta 1)",
    )


def _meteor(language: Language | None, wordnet: bool) -> Metric:
    meteor = open_meteor(language, wordnet)
    return Metric(rouge_words, meteor.score, f"METEOR (NLTK, mean of both directions) by {meteor.matches}")


METRICS: Mapping[str, Callable[[Language | None, bool], Metric]] = {
    "rouge1": _rouge1, "rougeL": _rouge_l, "chrf": _chrf, "meteor": _meteor,
}  # fmt: skip
