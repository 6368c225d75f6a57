"""The paper's tables (Zosa, Komulainen, Pyysalo: Got Compute, but No Data, NoDaLiDa 2025) from their exact counts."""

from __future__ import annotations

import pytest

from eval.ifeval.paper import INSTRUCTIONS, PROMPTS, cell
from eval.report.numbers import Ratio
from eval.report.tables import accuracy_cell
from eval.statistics import Interval

# Tables 1 and 2: followed instructions of 783 in English and Finnish, Finnish answers of 510. The counts were recovered
# from the printed percentages: each equals floor(10000 k / N) / 100 for exactly one k. Row: en, fi, language.
COUNTS = {
    "en-fi-0pct": (285, 246, 242), "en-fi-10pct": (313, 256, 459), "en-fi-20pct": (295, 224, 477),
    "en-fi-40pct": (307, 242, 491), "en-fi-60pct": (307, 258, 484), "en-fi-80pct": (302, 265, 491),
    "en-fi-100pct": (313, 270, 488), "prompt-masking": (312, 255, 491), "neftune": (298, 256, 492),
    "dpo-en": (341, 287, 483), "dpo-fi": (327, 282, 487), "dpo-both": (350, 296, 487),
}  # fmt: skip
# Worked out from the counts by the rule above, cell by cell; the range of the Finnish column, 28.60 to 37.80, and that
# rounding reproduces 20 of the 36 were noted from the paper itself.
CELLS = {
    "en-fi-0pct": ("36.39", "31.41", "47.45"), "en-fi-10pct": ("39.97", "32.69", "90.00"),
    "en-fi-20pct": ("37.67", "28.60", "93.52"), "en-fi-40pct": ("39.20", "30.90", "96.27"),
    "en-fi-60pct": ("39.20", "32.95", "94.90"), "en-fi-80pct": ("38.56", "33.84", "96.27"),
    "en-fi-100pct": ("39.97", "34.48", "95.68"), "prompt-masking": ("39.84", "32.56", "96.27"),
    "neftune": ("38.05", "32.69", "96.47"), "dpo-en": ("43.55", "36.65", "94.70"),
    "dpo-fi": ("41.76", "36.01", "95.49"), "dpo-both": ("44.69", "37.80", "95.49"),
}  # fmt: skip


@pytest.mark.parametrize("row", COUNTS)
def test_a_row_of_the_paper_s_tables(row: str) -> None:
    totals = (INSTRUCTIONS, INSTRUCTIONS, PROMPTS)
    assert tuple(map(cell, COUNTS[row], totals)) == CELLS[row]


@pytest.mark.parametrize("row", COUNTS)
def test_the_report_s_tables_print_them(row: str) -> None:
    totals = (INSTRUCTIONS, INSTRUCTIONS, PROMPTS)
    ratios = [Ratio(k, n) for k, n in zip(COUNTS[row], totals, strict=True)]
    assert tuple(accuracy_cell(ratio, Interval(0, 1)).text for ratio in ratios) == CELLS[row]


def test_rounding_would_print_other_cells() -> None:
    counts = [
        (k, n) for row in COUNTS.values() for k, n in zip(row, (INSTRUCTIONS, INSTRUCTIONS, PROMPTS), strict=True)
    ]
    assert sum(f"{100 * k / n:.2f}" == cell(k, n) for k, n in counts) == 20  # of 36


def test_each_cell_has_one_count() -> None:
    for total in (INSTRUCTIONS, PROMPTS):
        assert len({cell(followed, total) for followed in range(total + 1)}) == total + 1


@pytest.mark.parametrize(("followed", "total", "printed"), [(0, 783, "0.00"), (783, 783, "100.00"), (1, 10000, "0.01")])
def test_the_ends_of_the_scale(followed: int, total: int, printed: str) -> None:
    assert cell(followed, total) == printed


@pytest.mark.parametrize(("followed", "total"), [(-1, 10), (11, 10), (0, 0)])
def test_what_is_no_share_is_refused(followed: int, total: int) -> None:
    with pytest.raises(ValueError, match="not a share"):
        cell(followed, total)
