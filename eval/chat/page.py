"""Writes the answers of two models as one HTML page that holds its own script and style and reaches for nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from eval.chat.side_by_side import Shown
from kielo.html_page import TEXT_SCRIPT, embedded, policy
from kielo.records import replacing

HERE = Path(__file__).parent
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def write_page(out: Path, title: str, notes: Sequence[str], models: Sequence[str], cases: Sequence[Shown]) -> None:
    """Write the page; `notes` are sentences above the answers."""
    data = {"title": title, "notes": list(notes), "models": list(models), "cases": [asdict(case) for case in cases]}
    with replacing(out) as stream:
        stream.write(_page(title, data).encode("utf-8"))


def _page(title: str, data: Mapping[str, Any]) -> str:
    style = (HERE / "page.css").read_text("utf-8")
    script = "\n".join(path.read_text("utf-8") for path in (TEXT_SCRIPT, HERE / "page.js"))
    filled = {
        "title": escape(title.encode("utf-8", "replace").decode("utf-8")), "style": style, "script": script,
        "policy": policy(style, script), "data": embedded(data),
    }  # fmt: skip
    return _SLOT.sub(lambda slot: filled[slot[1]], (HERE / "page.html").read_text("utf-8"))
