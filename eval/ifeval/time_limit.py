"""A time limit for regular expressions that come with the data: some repeat a repetition and would run for years."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from kielo.errors import SourceError

SECONDS = 10.0
"""A pattern of a real set takes microseconds."""


@contextmanager
def pattern_limit(place: str) -> Iterator[None]:
    """Bound what is done inside; `re` looks for signals while it searches. Only the main thread can be bounded.

    Raises:
        SourceError: the time is over; the sentence names `place`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_: int, __: FrameType | None) -> None:
        raise SourceError(
            f"{place}: its regular expression was not done with an answer after {SECONDS:.0f} seconds; "
            "write the pattern without a repetition inside a repetition, or mend the row."
        )

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
