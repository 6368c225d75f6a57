"""The step kind "translation-quality": machine translations of sentences beside their references become scores.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.translation_quality.comet_process import comet_document
from eval.translation_quality.metrics import Translated, measure
from kielo.errors import SourceError
from kielo.plan import Outcome, Workplace
from kielo.records import SentencePair, read_records, write_json
from kielo.run_folder import SCORES


def run(place: Workplace) -> Outcome:
    """Compare `translate/<name>` with the references in `source/<name>`; sentences that failed a check are measured with the rest."""
    source_step, translate_step = place.step.inputs
    references = _read(place.inputs[source_step] / "rows.jsonl")
    machine = _read(place.inputs[translate_step] / "accepted.jsonl")
    pairs = pair_up(references, machine)
    document = measure(pairs)
    if place.recipe.eval.comet is not None:
        document["comet"] = comet_document(place.recipe, place.recipe.eval.comet, pairs, place.folder)
    write_json(place.folder / SCORES, document)
    return Outcome((SCORES,), _counts(document))


def _counts(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "worst"}


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
