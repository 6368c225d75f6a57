"""Marks of style in answers (bold, lists, headings ...): judges are known to like them, so they are counted beside the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from eval.style import Style, count


def style_counts(text: str) -> dict[str, int]:
    """Count the marks of one answer; what stands in code is no mark."""
    return _marks(count(text))


def mean_style(texts: Sequence[str | None]) -> dict[str, float]:
    """Average the marks over the answers that are at hand."""
    counted = [style_counts(text) for text in texts if text is not None]
    return (
        {name: round(sum(each[name] for each in counted) / len(counted), 3) for name in counted[0]} if counted else {}
    )


def _marks(style: Style) -> dict[str, int]:
    return {
        "headings": sum(getattr(style, f"h{level}") for level in range(1, 7)),
        "bold": style.strong, "bullets": style.unordered_items, "numbered": style.ordered_items,
        "code_blocks": style.code_blocks, "table_rows": style.table_rows,
    }  # fmt: skip
