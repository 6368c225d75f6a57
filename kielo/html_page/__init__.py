"""What the self-contained pages share: a policy under which nothing loads and no text becomes markup, safe data, texts in script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

TEXT_SCRIPT, FRAME = Path(__file__).with_name("text.js"), Path(__file__).with_name("frame.html")
_SLOT = re.compile(r"\{\{(\w+)\}\}")
# What could end the script element or begin a comment in it, and what UTF-8 cannot hold.
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def framed(folder: Path, scripts: Iterable[str], kind: str, title: str, data: Mapping[str, Any]) -> str:
    """Make a whole page of a folder's body.html and page.css, the scripts named, and the data that they show."""
    style = (folder / "page.css").read_text("utf-8")
    script = "\n".join(path.read_text("utf-8") for path in (TEXT_SCRIPT, *(folder / name for name in scripts)))
    filled = {
        "title": escape(title.encode("utf-8", "replace").decode("utf-8")), "kind": kind, "style": style, "script": script,
        "policy": policy(style, script), "data": embedded(data),
    }  # fmt: skip
    page = FRAME.read_text("utf-8").replace("{{body}}", (folder / "body.html").read_text("utf-8"))
    return _SLOT.sub(lambda slot: filled[slot[1]], page)


def policy(style: str, script: str) -> str:
    """Allow this script and this style alone; nothing loads, nothing is sent, and no text ever becomes markup."""
    return (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; img-src data:; base-uri 'none'; "
        "form-action 'none'; trusted-types 'none'; require-trusted-types-for 'script'"
    )


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def embedded(data: Mapping[str, Any]) -> str:
    """Write JSON that stands safely inside a script element, whatever a model wrote."""
    written = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", written)
