"""The numbers of "Got Compute, but No Data" (NoDaLiDa 2025) as its tables print them, for the report's comparison."""

from __future__ import annotations

PROMPTS = 510  # the 541 of IFEval without those that ask for a response language (Tables 1 and 2, language column)
INSTRUCTIONS = 783  # the instructions of these prompts (Tables 1 and 2, EN and FI columns)


def cell(followed: int, total: int) -> str:
    """Print a percentage the way the paper does: two decimals, cut off and not rounded (288 of 783 is 36.78)."""
    if not 0 <= followed <= total or total == 0:
        raise ValueError(f"{followed} of {total} is not a share")
    hundredths = 10000 * followed // total
    return f"{hundredths // 100}.{hundredths % 100:02d}"
