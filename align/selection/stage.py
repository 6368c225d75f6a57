"""Step `select`: rows of some languages chosen by a method, without near-duplicates where asked; the step `mix` takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from align.annotations.known import read_known, translation_quality
from align.mix import SELECTED
from align.selection.baselines import random_rows
from align.selection.candidates import Candidate, read_candidates
from align.selection.gaps import closed, only
from align.selection.knowledge import Sources, describe
from align.selection.methods import find_method
from align.selection.near_duplicates.shingles import Shingles, plain
from align.selection.near_duplicates.thin_out import Thinned, thin_out
from align.selection.pool import Ints, Picks, Pool, Wanted
from kielo.errors import SourceError
from kielo.plan import Outcome, Workplace
from kielo.recipe.mixes import Selection, expand_mixes, selections
from kielo.records import JSON, write_jsonl
from kielo.schema.selection import Knowledge

NEAR_DUPLICATES = "near_duplicates.jsonl"


def run(place: Workplace) -> Outcome:
    """Write selected.jsonl, {id, language} in the order picked, and near_duplicates.jsonl where these are thinned out.

    Raises:
        SourceError: more rows are wanted than there are, or too little is known of some.
    """
    name = place.step.name.partition("/")[2]
    selection = selections(place.recipe)[name]
    taken = expand_mixes(place.recipe)[name]
    rows = read_candidates(place, taken, selection.languages)
    if not rows:
        languages = " and ".join(selection.languages)
        raise SourceError(
            f"mix {name}, select: there are no rows in {languages}; look into the data sets' rejected.jsonl."
        )
    try:
        return _select(place, selection, rows)
    except SourceError as error:
        raise SourceError(f"mix {name}, select: {error}") from error


def _select(place: Workplace, selection: Selection, rows: Sequence[Candidate]) -> Outcome:
    settings, written = selection.settings, [SELECTED]
    needs = settings.needs(selection.method)
    sources = _sources(place, rows, needs)
    described, gaps = describe(rows, sources, needs)
    pool, of_rows = closed(described, gaps, settings.missing)
    thinned = None
    if settings.near_duplicates is not None:
        prompts = [rows[row].prompt for row in of_rows.tolist()]
        thinned = thin_out(pool, prompts, settings.near_duplicates)
        write_jsonl(place.folder / NEAR_DUPLICATES, _left_out(pool, prompts, thinned))
        written.append(NEAR_DUPLICATES)
        pool = only(pool, thinned.kept)
    wanted = _wanted(pool, selection, place)
    picks = _pick(pool, wanted, selection, len(rows))
    chosen = [(pool.ids[row], pool.languages[row]) for row in picks.rows.tolist()]
    write_jsonl(place.folder / SELECTED, ({"id": own, "language": code} for own, code in chosen))
    counts = {
        "method": selection.method, "rows": len(chosen), "asked": selection.size,
        "languages": _languages(rows, pool, chosen), "missing": Counter(gap for gap in gaps if gap is not None),
        "near_duplicates": thinned and thinned.counts, "picks": picks.counts,
        "translation_quality": _translation_quality(rows, sources, pool, set(chosen)),
        "shared_with_random": _shared(random_rows.pick(pool, wanted).rows, picks.rows),
    }  # fmt: skip
    return Outcome(tuple(written), counts)


def _wanted(pool: Pool, selection: Selection, place: Workplace) -> Wanted:
    """Say how much is selected: what the recipe says, and half of the rows at most where `--limit` makes a trial of few."""
    size, budgets = selection.size, dict(selection.budgets)
    if "limit" in place.step.settings:
        there = Counter(pool.languages)
        budgets = {code: min(rows, (there[code] + 1) // 2) for code, rows in budgets.items()}
        size = sum(budgets.values()) if budgets else min(size, (len(pool.ids) + 1) // 2)
    return Wanted(size, budgets, place.recipe.seed)


def _sources(place: Workplace, rows: Sequence[Candidate], needs: frozenset[Knowledge]) -> Sources:
    """Read what is known of the rows' data sets."""
    annotate = place.recipe.annotate
    clusters, characters = annotate.labels.kind == "clusters", annotate.embedder.kind == "characters"
    datasets = dict.fromkeys(row.dataset for row in rows) if needs else {}
    translated = {row.step for row in rows if row.step.startswith("translate/")} if "scores" in needs else set()
    return Sources(
        {dataset: read_known(place.inputs[f"annotate/{dataset}"]) for dataset in datasets},
        same_labels=not clusters,
        same_space=not characters,
        same_label_space=not (clusters and characters),
        quality={step: translation_quality(place.inputs[step]) for step in sorted(translated)},
    )


def _pick(pool: Pool, wanted: Wanted, selection: Selection, read: int) -> Picks:
    """Select; where that cannot be done, say what the pool was before rows were left out."""
    try:
        return find_method(selection.method)(pool, wanted, getattr(selection.settings, selection.method, None))
    except SourceError as error:
        less = f" (of {read}: the others are near-duplicates, or too little is known of them)"
        raise SourceError(
            f"{selection.method} from {len(pool.ids)} rows{less if read > len(pool.ids) else ''}: {error}"
        ) from error


def _left_out(pool: Pool, prompts: Sequence[str], thinned: Thinned) -> Iterator[Mapping[str, JSON]]:
    """Name what stays instead of every row left out, and how near the two prompts are.

    That is below the threshold where others stand between them, or where their vectors are near.
    """
    pairs = np.array([(row, kept) for kept, *others in thinned.groups for row in others], np.int64).reshape(-1, 2)
    near = Shingles([plain(prompt) for prompt in prompts]).jaccard(pairs[:, 0], pairs[:, 1])
    for (row, kept), jaccard in zip(pairs.tolist(), near.tolist(), strict=True):
        yield {
            "id": pool.ids[row],
            "language": pool.languages[row],
            "kept": pool.ids[kept],
            "jaccard": round(jaccard, 4),
        }


def _languages(rows: Sequence[Candidate], pool: Pool, chosen: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    amounts = {
        "available": Counter(row.language for row in rows),
        "pool": Counter(pool.languages),
        "selected": Counter(code for _, code in chosen),
    }
    return {code: {key: of[code] for key, of in amounts.items()} for code in amounts["available"]}


def _translation_quality(
    rows: Sequence[Candidate], sources: Sources, pool: Pool, chosen: Collection[tuple[str, str]]
) -> Mapping[str, float] | None:
    """Average how good the translations are, of the pool's translated rows and of the selected ones; None where scores are not weighed by it."""
    there = set(zip(pool.ids, pool.languages, strict=True))
    found = {
        (row.id, row.language): sources.quality[row.step].get(row.id, 1.0)
        for row in rows
        if row.step in sources.quality and (row.id, row.language) in there
    }
    selected = [quality for own, quality in found.items() if own in chosen]
    if not selected:
        return None
    return {"pool": round(fmean(found.values()), 6), "selected": round(fmean(selected), 6)}


def _shared(others: Ints, ours: Ints) -> float:
    """Tell the share of the picks that the method `random` would have taken too."""
    return round(len(np.intersect1d(ours, others)) / len(ours), 4)
