"""sacreBLEU's metrics over a set of translations, each with its signature and a bootstrap interval over sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORST = 10
RESAMPLES = 1000
"""Of sacreBLEU's own bootstrap; its seed stands in the signature."""


@dataclass(frozen=True)
class Translated:
    """A sentence, what it should have become and what it became."""

    id: str
    source: str
    reference: str
    translation: str


def measure(pairs: Sequence[Translated]) -> dict[str, Any]:
    """Compute corpus scores (0..100) with intervals and signatures, exact matches, and the sentences of lowest chrF."""
    machine, references = [pair.translation for pair in pairs], [[pair.reference for pair in pairs]]
    scores: dict[str, float] = {}
    intervals: dict[str, list[float]] = {}
    signatures: dict[str, str] = {}
    for name, metric in _metrics().items():
        score = metric.corpus_score(machine, references, n_bootstrap=RESAMPLES)
        scores[name], signatures[name] = round(score.score, 2), str(metric.get_signature())
        intervals[name] = _interval(score, signatures[name])
    return {
        **scores, "intervals": intervals, "exact": sum(pair.translation == pair.reference for pair in pairs),
        "sentences": len(pairs), "signature": signatures, "worst": _worst(pairs),
    }  # fmt: skip


def _metrics() -> Mapping[str, Any]:
    """Give the metrics by their names in scores.json; BLEU over characters serves scripts without spaces.

    spBLEU is none of them: its tokenizer is a download, and a score must not depend on what a machine happens to have.
    """
    from sacrebleu.metrics import BLEU, CHRF

    return {"chrf": CHRF(), "chrfpp": CHRF(word_order=2), "bleu": BLEU(), "bleu_char": BLEU(tokenize="char")}


def _interval(score: Any, signature: str) -> list[float]:
    """Read sacreBLEU's 95% interval, as bounds; where every resample scores nothing it gives none."""
    told = json.loads(score.format(signature=signature, is_json=True))
    mean, half = told.get("confidence_mean", 0.0), told.get("confidence_var", 0.0)
    return [round(max(mean - half, 0.0), 2), round(min(mean + half, 100.0), 2)]


def _worst(pairs: Sequence[Translated]) -> list[dict[str, Any]]:
    from sacrebleu.metrics import CHRF

    chrf = CHRF()
    scored = [(chrf.sentence_score(pair.translation, [pair.reference]).score, pair) for pair in pairs]
    scored = [(score, pair) for score, pair in scored if pair.translation != pair.reference]
    scored.sort(key=lambda item: (item[0], item[1].id))
    return [
        {"id": pair.id, "chrf": round(score, 2), "source": pair.source, "reference": pair.reference, "translation": pair.translation}
        for score, pair in scored[:WORST]
    ]  # fmt: skip
