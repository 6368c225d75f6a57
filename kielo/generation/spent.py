"""What making completions took: tokens, seconds on the clock and memory, beside a step's outputs as `generation.json`.

Each process keeps a file of its own below the completions, written anew every second, so that neither kill -9 nor another
shard takes anything away; the sum of all is `generation.json`. It changes with time and machine, and is nobody's output.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from socket import gethostname
from typing import Any

from kielo.generation.memory import Gauge
from kielo.generation.protocol import Completion, Generator, Request
from kielo.records import read_json, write_json

GENERATION = "generation.json"
SESSIONS = "sessions"
_WRITE_SECONDS = 1.0
_ADDED = ("requests", "prompt_tokens", "completion_tokens", "seconds")


@dataclass
class Spent:
    """What one process spent with one engine."""

    model: str
    engine: str
    device: str | None
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    """On the clock, while it generated: loading and checking are not in it."""
    peak_memory_bytes: int | None = None
    memory: str = ""
    """How that was measured, or why it was not."""
    until: float = 0.0
    """Seconds since 1970."""


class Measured:
    """A generator, and what it spends; the file of this session lies under the completions' folder."""

    def __init__(self, generator: Generator, engine: str, device: str | None, gauge: Gauge, folder: Path) -> None:
        self.model, self._generator, self._gauge = generator.model, generator, gauge
        self._spent = Spent(generator.model, engine, device)
        self._file = folder / SESSIONS / f"{gethostname()}-{os.getpid()}-{time.time_ns()}.json"

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield what the generator yields.

        Raises:
            GenerationError: as the generator does.
        """
        began = written = time.monotonic()
        before = self._spent.seconds
        try:
            for index, completion in self._generator.generate(requests):
                self._add(completion)
                self._spent.seconds = before + time.monotonic() - began
                if time.monotonic() - written >= _WRITE_SECONDS:
                    self._write()
                    written = time.monotonic()
                yield index, completion
        finally:
            self._write()

    def close(self) -> None:
        """Close the generator."""
        self._generator.close()

    def _add(self, completion: Completion) -> None:
        self._spent.requests += 1
        self._spent.prompt_tokens += completion.prompt_tokens
        self._spent.completion_tokens += completion.completion_tokens

    def _write(self) -> None:
        if not self._spent.requests:
            return
        peak = self._gauge()
        self._spent.peak_memory_bytes, self._spent.memory, self._spent.until = peak.bytes, peak.how, time.time()
        write_json(self._file, asdict(self._spent))


def publish(completions: Path) -> None:
    """Add up the sessions below a folder of completions, into the folder above; nothing where none was ever measured."""
    files = sorted((completions / SESSIONS).glob("*.json"))
    sessions = [session for file in files if (session := read_json(file)) is not None]
    if not sessions:
        return
    aside = completions / SESSIONS / f".{os.getpid()}.sum"  # of several processes that end at once, each has its own
    write_json(aside, added_up(sessions))
    os.replace(aside, completions.parent / GENERATION)


def added_up(sessions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Add sessions up by model, engine and device; the one used last stands in front, the others under `others`."""
    together: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for session in sorted(sessions, key=lambda session: float(session["until"])):
        together.setdefault(tuple(session[key] for key in ("model", "engine", "device")), []).append(session)
    first, *others = sorted(map(_sum, together.values()), key=lambda each: -float(each["until"]))
    return {**first, **({"others": others} if others else {})}


def _sum(sessions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    last = sessions[-1]
    most = max(sessions, key=lambda session: session["peak_memory_bytes"] or 0)
    return {
        **{key: last[key] for key in ("model", "engine", "device")},
        **{key: round(sum(session[key] for session in sessions), 3) for key in _ADDED},
        **{key: most[key] for key in ("peak_memory_bytes", "memory")},
        "sessions": len(sessions), "until": last["until"],
    }  # fmt: skip
