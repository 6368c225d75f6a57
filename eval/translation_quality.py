"""The step kind "translation-quality": chrF and BLEU of our translations of sentences that have a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import SourceError
from kielo.plan import Outcome, Workplace
from kielo.records import SentencePair, read_records, write_json

SCORES = "scores.json"
WORST = 10


@dataclass(frozen=True)
class Translated:
    """A sentence, what it should have become and what it became."""

    id: str
    source: str
    reference: str
    translation: str


def run(place: Workplace) -> Outcome:
    """Compare `translate/<name>` with the references in `source/<name>`; sentences that failed a check are measured with the rest."""
    source_step, translate_step = place.step.inputs
    references = _read(place.inputs[source_step] / "rows.jsonl")
    machine = _read(place.inputs[translate_step] / "accepted.jsonl")
    document = measure(pair_up(references, machine))
    write_json(place.folder / SCORES, document)
    return Outcome((SCORES,), {name: value for name, value in document.items() if name != "worst"})


def _read(path: Path) -> dict[str, SentencePair]:
    return {record.id: record for record in read_records("sentences", path) if isinstance(record, SentencePair)}


def pair_up(references: Mapping[str, SentencePair], machine: Mapping[str, SentencePair]) -> list[Translated]:
    """Bring translations to their references by id, in the order of the references.

    Raises:
        SourceError: a translation has no reference, or nothing was translated.
    """
    stray = [name for name in machine if name not in references]
    if stray:
        raise SourceError(f"translation '{stray[0]}' has no reference sentence; were the source rows made again?")
    pairs = [
        Translated(row.id, row.source, row.target, machine[row.id].target)
        for row in references.values()
        if row.id in machine
    ]
    if not pairs:
        raise SourceError(
            f"none of the {len(references)} sentences has an accepted translation, so there is nothing to measure."
        )
    return pairs


def measure(pairs: Sequence[Translated]) -> dict[str, Any]:
    """Compute corpus chrF and BLEU with their signatures, exact matches, and the sentences of lowest chrF."""
    from sacrebleu.metrics import BLEU, CHRF

    chrf, bleu = CHRF(), BLEU()
    machine, references = [pair.translation for pair in pairs], [[pair.reference for pair in pairs]]
    chrf_score, bleu_score = chrf.corpus_score(machine, references), bleu.corpus_score(machine, references)
    return {
        "chrf": round(chrf_score.score, 2), "bleu": round(bleu_score.score, 2),
        "exact": sum(pair.translation == pair.reference for pair in pairs), "sentences": len(pairs),
        "signature": {"chrf": str(chrf.get_signature()), "bleu": str(bleu.get_signature())},
        "worst": _worst(pairs),
    }  # fmt: skip


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
