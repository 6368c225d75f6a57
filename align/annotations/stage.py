"""Step `annotate`: what selections must know of a data set's source rows, found once and carried to their translations by id.

A row of which something cannot be known stays in the file, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from align.annotations.asking import Askers, Unread
from align.annotations.clusters import Labelled, by_clusters
from align.annotations.files import labels_from, scores_from
from align.annotations.known import EMBEDDINGS, LABEL_NAMES, LABEL_VECTORS
from align.annotations.ratings import Rating, ask_ratings
from align.annotations.rows import read_rows
from align.annotations.sheet import Sheet
from align.annotations.tag_names import as_written, bring_together
from align.annotations.tags import ask_tags
from kielo.errors import SourceError
from kielo.plan import Outcome, Workplace
from kielo.plan.selection import own_language
from kielo.plan.steps import rows_file

TAGS = "tags.tsv"
HARDEST = 1.0
"""Difficulty above which the prompt does not help to the answer: as a score it is 0."""


def run(place: Workplace) -> Outcome:
    """Write annotations.jsonl, and the vectors and label names that are needed beside it.

    Completions are kept, so that an interrupted step goes on where it was.

    Raises:
        SourceError: there are no rows, or something that is needed could be found of none.
        GenerationError: an engine cannot go on.
    """
    step = place.step.inputs[0]
    language = own_language(place.recipe, place.step.name.partition("/")[2])
    rows = read_rows(place.inputs[step] / rows_file(step), language)
    needs = place.step.settings["annotate"]["needs"]
    with Askers(place) as askers:
        sheet = Sheet(place, rows, askers)
        if "labels" in needs:
            _label(sheet)
        if "scores" in needs:
            _score(sheet)
        if "ifd" in needs:
            sheet.note("ifd", sheet.difficulties)
    if "embeddings" in needs:
        sheet.write_vectors(EMBEDDINGS, sheet.vectors)
    return sheet.finish()


def _label(sheet: Sheet) -> None:
    labels = sheet.place.recipe.annotate.labels
    if labels.kind == "clusters":
        asked = () if _few(sheet) else labels.clusters
        labelled = by_clusters(sheet.vectors, asked, labels.nearest, sheet.place.recipe.seed)
        sheet.note("labels", [Unread("no text to embed") if each is None else each for each in labelled.rows])
    else:
        labelled = _tagged(sheet)
    sheet.write_lines(LABEL_NAMES, labelled.names)
    sheet.write_vectors(LABEL_VECTORS, labelled.vectors)
    sheet.counts["labels"] = {
        "names": len(labelled.names), "of_rows": sum(len(each) for each in labelled.rows if each),
        "rows_without": sum(each == () for each in labelled.rows),
    }  # fmt: skip


def _few(sheet: Sheet) -> bool:
    """Tell whether `--limit` makes a trial of few rows: as many clusters as fit, and every tag counts."""
    return "limit" in sheet.place.step.settings


def _tagged(sheet: Sheet) -> Labelled:
    """Label by tags: asked of a model and brought together, or read as they are."""
    labels = sheet.place.recipe.annotate.labels
    least = 1 if _few(sheet) else labels.least
    written: Sequence[tuple[str, ...] | Unread]
    if labels.kind == "llm":
        assert labels.engine is not None
        written = ask_tags(sheet.askers.of(labels.engine), sheet.rows)
    else:
        assert labels.file is not None
        written = labels_from(sheet.place.recipe.path(labels.file), sheet.ids)
    plain = [None if isinstance(tags, Unread) else tags for tags in written]
    named = bring_together(plain, least, sheet.embed_names) if labels.kind == "llm" else as_written(plain, least)
    sheet.note("labels", [own if own is not None else why for own, why in zip(named.rows, written, strict=True)])
    if not named.names:
        few = f"{sheet.place.step.name}: every label has fewer rows than annotate.labels.least ({least})"
        raise SourceError(f"{few}; lower it, or have more rows.")
    sheet.write_lines(TAGS, ["tag\trows\tbecame\twhy", *("\t".join(map(str, each)) for each in named.spellings)])
    return Labelled(named.rows, named.names, sheet.embed_names(named.names))


def _score(sheet: Sheet) -> None:
    """Note every row's score, and its grades where there are any."""
    scores = sheet.place.recipe.annotate.scores
    found: Sequence[Rating | float | Unread]
    if scores.kind == "none":
        found = [1.0] * len(sheet.rows)
    elif scores.kind == "ifd":
        found = [_worth(each) for each in sheet.difficulties]
    elif scores.kind == "file":
        assert scores.file is not None
        found = scores_from(sheet.place.recipe.path(scores.file), sheet.ids)
    else:
        assert scores.engine is not None
        found = ask_ratings(sheet.askers.of(scores.engine), sheet.rows)
    sheet.note("score", [each.score if isinstance(each, Rating) else each for each in found])
    for key in ("quality", "complexity"):
        if any(isinstance(each, Rating) for each in found):
            sheet.add(key, [getattr(each, key) if isinstance(each, Rating) else None for each in found])


def _worth(difficulty: float | Unread) -> float | Unread:
    return 0.0 if isinstance(difficulty, float) and difficulty > HARDEST else difficulty
