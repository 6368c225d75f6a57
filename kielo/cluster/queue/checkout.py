"""By which code jobs were queued, and whether the checkout is another one now: a job runs what lies there when it starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kielo.provenance import code_state

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Code:
    """A state of Kielo's checkout; parts that git does not tell are `unknown`."""

    commit: str
    changes: str
    """Digest of what is not committed; empty where all is."""


def code_now() -> Code:
    """Look at the checkout."""
    return Code(**code_state())


def other_code(codes: Iterable[Code | None]) -> str | None:
    """Say how the checkout differs from the last of those that jobs were queued by; None where it does not, or nobody can tell."""
    known = [code for code in codes if code is not None and _UNKNOWN not in (code.commit, code.changes)]
    now = code_now() if known else Code(_UNKNOWN, _UNKNOWN)
    others = [code for code in known if code != now]
    if not others or _UNKNOWN in (now.commit, now.changes):
        return None
    queued = others[-1]
    moved = f"commit {queued.commit[:8]} -> {now.commit[:8]}"
    how = moved if queued.commit != now.commit else f"other uncommitted changes to commit {now.commit[:8]}"
    return f"Kielo's checkout has changed since this was queued ({how}); jobs run it as it is when they start"
