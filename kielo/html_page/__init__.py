"""What the self-contained pages share: a policy under which nothing loads and no text becomes markup, safe data, texts in script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEXT_SCRIPT = Path(__file__).with_name("text.js")
# What could end the script element or begin a comment in it, and what UTF-8 cannot hold.
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


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
