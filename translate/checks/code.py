"""Finds fenced code that was changed: a translation may change its comments and string values, never its statements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from translate.checks.findings import Evidence
from translate.checks.views import Pair, looks_like_code

# What a translator may change inside of code, bounded so that no row can stall a run.
_TALK = re.compile(
    r"\"\"\".{0,1000}?\"\"\"|'''.{0,1000}?'''|/\*.{0,1000}?\*/|<!--.{0,1000}?-->"
    r"|(?<!:)//[^\n]*|(?<![\w$&{])#[^\n]*|(?:^|(?<=\s))--\s[^\n]*"
    r"|f?\"(?:\\.|[^\"\\\n]){0,200}\"|f?'(?:\\.|[^'\\\n]){0,200}'|`(?:\\.|[^`\\]){0,200}`"
    r"|(?<=>)[^<>{}]{1,300}(?=</?\w)",
    re.DOTALL,
)
# One letter alone is the f of a formatted string as often as a name.
_TOKEN = re.compile(r"[^\W\d_]\w+")
_FEW = 1


def code(pair: Pair) -> Iterator[Evidence]:
    """Compare the fenced blocks: names and numbers outside of comments and strings must be the source's."""
    before, after = pair.source.code, pair.translation.code
    if before == after or len(before) != len(after):
        return
    changed = Counter[str]()
    for one, other in zip(before, after, strict=True):
        if one != other:
            kept, made = _tokens(one), _tokens(other)
            changed += (kept - made) + (made - kept)
    if changed:
        names = ", ".join(list(changed)[:4])
        yield Evidence("code", f"changed: {names:.80}", _weight(changed, before))
    else:
        yield Evidence("code", "comments, strings or blanks changed", 0)


def _weight(changed: Counter[str], blocks: tuple[str, ...]) -> float:
    if not any(map(looks_like_code, blocks)):
        return 0.25
    return 1 if changed.total() > _FEW else 0.5


def _tokens(block: str) -> Counter[str]:
    return Counter(_TOKEN.findall(_TALK.sub(" ", block)))
