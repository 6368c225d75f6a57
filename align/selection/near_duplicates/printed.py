"""What `kielo select near-duplicates` prints, and writes as its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from align.selection.near_duplicates.contamination import Contaminated
from align.selection.near_duplicates.rows import PromptRow
from align.selection.near_duplicates.thin_out import Thinned
from kielo.schema.selection import NearDuplicates
from kielo.text_table import aligned, clean, indented

_SHOWN_GROUPS, _SHOWN_ROWS, _SHOWN_CONTAMINATED = 5, 3, 20
_LETTERS = 80
_STAYS = {"best": "the one of the best score", "first": "the first", "longest": "the one with the longest answers"}


def group_lines(rows: Sequence[PromptRow], thinned: Thinned, settings: NearDuplicates) -> Iterator[str]:
    """Say how many groups there are, what stays, and show the biggest."""
    semantic = f", or cosine {settings.semantic:g}" if settings.semantic is not None else ""
    yield f"{len(rows):,} rows, near-duplicates at Jaccard {settings.threshold:g}{semantic}:"
    among = sum(map(len, thinned.groups))
    yield f"  {len(thinned.groups):,} groups with {among:,} rows, held together by {len(thinned.links):,} measured pairs"
    yield f"  {len(thinned.kept):,} rows stay (of each group {_STAYS[settings.keep]}), {among - len(thinned.groups):,} go"
    unscored = sum(np.isnan(row.score) for row in rows) if settings.keep == "best" else 0
    if unscored:
        yield f"  {unscored:,} rows have no score; any other row of their group stays before them"
    for group in sorted(thinned.groups, key=len, reverse=True)[:_SHOWN_GROUPS]:
        yield f"  {len(group):,} rows, the first stays:"
        yield from (
            f"    {line}"
            for line in aligned([(rows[row].name, _cut(rows[row].prompt)) for row in group[:_SHOWN_ROWS]], 2)
        )
    if len(thinned.groups) > _SHOWN_GROUPS:
        yield f"  and {len(thinned.groups) - _SHOWN_GROUPS:,} more groups (--report writes all)"


def contamination_lines(
    rows: Sequence[PromptRow], found: Sequence[Contaminated], files: Sequence[Path]
) -> Iterator[str]:
    """Say how many rows stand in an evaluation, and list them."""
    if not files:
        return
    counts = Counter(each.overlap.how for each in found)
    counted = ", ".join(f"{how} {count:,}" for how, count in counts.items())
    yield f"{len(found):,} of {len(rows):,} rows stand in an evaluation{f' ({counted})' if counted else ''}"
    table = [("row", "evaluation", "found by", "share", "Jaccard", "evaluation prompt")]
    table += [
        (rows[each.row].name, f"{Path(each.evaluation).name}: {each.name}", each.overlap.how, f"{each.overlap.share:.2f}", f"{each.jaccard:.2f}", _cut(each.prompt))
        for each in found[:_SHOWN_CONTAMINATED]
    ]  # fmt: skip
    if found:
        yield from indented(aligned(table, (0, 1, 2, 5)))
    if len(found) > _SHOWN_CONTAMINATED:
        yield f"  and {len(found) - _SHOWN_CONTAMINATED:,} more (--report lists all)"


def document(
    rows: Sequence[PromptRow],
    thinned: Thinned,
    found: Sequence[Contaminated],
    settings: NearDuplicates,
    kept: Sequence[int],
) -> dict[str, Any]:
    """Lay out everything that was found."""
    return {
        **settings.model_dump(), "rows": len(rows), "kept": len(kept),
        "groups": [[_named(rows[row]) for row in group] for group in thinned.groups],
        "pairs": [
            {"rows": [_named(rows[link.first]), _named(rows[link.second])], "similarity": link.similarity, "by": link.how}
            for link in thinned.links
        ],
        "contaminated": [
            {
                **_named(rows[each.row]), "evaluation": each.evaluation, "evaluation_row": each.name, "evaluation_prompt": each.prompt,
                "how": each.overlap.how, "share": each.overlap.share, "jaccard": each.jaccard,
            }
            for each in found
        ],
    }  # fmt: skip


def _named(row: PromptRow) -> dict[str, Any]:
    return {"id": row.name, "line": row.line}


def _cut(text: str) -> str:
    line = clean(" ".join(text.split()))
    return line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…"
