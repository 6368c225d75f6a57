"""Writes the answers of two models as one HTML page that holds its own script and style and reaches for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from eval.chat.side_by_side import Shown
from kielo.html_page import framed
from kielo.records import replacing

HERE = Path(__file__).parent


def write_page(out: Path, title: str, notes: Sequence[str], models: Sequence[str], cases: Sequence[Shown]) -> None:
    """Write the page; `notes` are sentences above the answers."""
    data = {"title": title, "notes": list(notes), "models": list(models), "cases": [asdict(case) for case in cases]}
    with replacing(out) as stream:
        stream.write(framed(HERE, ("page.js",), "Kielo comparison", title, data).encode("utf-8"))
