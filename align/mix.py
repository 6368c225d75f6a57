"""Step `mix`: conversations of both languages in the shares of an ablation, nested and paired by id; sft trains on the result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from kielo.errors import SourceError
from kielo.plan import Outcome, Workplace
from kielo.records import Conversation, read_records, write_records

TRAIN = "train.jsonl"


def run(place: Workplace) -> Outcome:
    """Write train.jsonl: of every language the first share of its rows in one seeded order.

    Raises:
        SourceError: a language that the mix asks for has no rows, or too few for its share.
    """
    ((name, mix),) = place.step.settings["sft"]["mixes"].items()
    seed = place.step.settings["seed"]
    rows = _read(place, mix["datasets"])
    chosen = {code: take(rows.get(code, []), share, seed) for code, share in mix["shares"].items()}
    counts = {}
    for code, share in mix["shares"].items():
        available = len(rows.get(code, []))
        counts[code] = {"share": share, "rows": len(chosen[code]), "available": available}
        if share and not chosen[code]:
            raise SourceError(
                f"mix {name}: a share of {share:g} of {available} '{code}' rows is none; raise the share, or look into the data sets' rejected.jsonl."
            )
    mixed = training_order((row for part in chosen.values() for row in part), seed)
    if not mixed:
        raise SourceError(f"mix {name}: no rows at all; give at least one language a share above 0.")
    write_records(place.folder / TRAIN, mixed)
    return Outcome((TRAIN,), {"rows": len(mixed), "languages": counts})


def _read(place: Workplace, datasets: Iterable[str]) -> dict[str, list[Conversation]]:
    """Collect the rows of all data sets by language."""
    files = [place.inputs[f"source/{dataset}"] / "rows.jsonl" for dataset in datasets]
    files += [folder / "accepted.jsonl" for name, folder in place.inputs.items() if name.startswith("translate/")]
    by_language: dict[str, list[Conversation]] = {}
    seen: set[tuple[str, str]] = set()
    for file in files:
        for row in read_records("conversations", file):
            assert isinstance(row, Conversation)
            if file.name == "accepted.jsonl" and row.language == place.recipe.source_language:
                continue  # a translation would have changed its task: it was kept, and stands in the source's rows
            if (row.language, row.id) in seen:
                raise SourceError(
                    f"{file}: id '{row.id}' occurs twice in language '{row.language}'; ids must be unique."
                )
            seen.add((row.language, row.id))
            by_language.setdefault(row.language, []).append(row)
    return by_language


def take(rows: Iterable[Conversation], share: float, seed: int) -> list[Conversation]:
    """Take the first `share` of rows in an order that depends on the seed and the ids alone.

    A smaller share is thus part of a larger one, the same ids come first in every language, and added rows do not
    reorder the others. The count is rounded half up, in decimal: the paper's 10% of 4,399 rows is 440.
    """
    ordered = sorted(rows, key=lambda row: draw(seed, row.id))
    count = (Decimal(str(share)) * len(ordered)).quantize(Decimal(1), ROUND_HALF_UP)
    return ordered[: int(count)]


def training_order(rows: Iterable[Conversation], seed: int) -> list[Conversation]:
    """Shuffle the mixed rows by seed, language and id."""
    return sorted(rows, key=lambda row: draw(seed, f"{row.language}\0{row.id}"))


def draw(seed: int, text: str) -> bytes:
    """Draw a random-looking key from a seed and a text, the same on every machine and in every version."""
    return hashlib.sha256(f"{seed}\0{text}".encode()).digest()
