"""The servers of the `openai` engine: which of them takes the next request, and how long one rests after a failure."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Sequence

import httpx

from kielo.errors import GenerationError
from kielo.generation.background import in_thread

LONGEST_WAIT_SECONDS = 30.0

Recover = Callable[[str], str | None]
"""Called with a base URL that cannot be reached: bring its server back and return its (new) URL, or None if it lives."""


class Server:
    """One server of the list: what is under way on it, what it can do, and until when it rests after a failure."""

    def __init__(self, url: str) -> None:
        """Prepare for a base URL such as `http://node1:8000/v1`.

        Raises:
            GenerationError: it is none.
        """
        self.url = url.rstrip("/")
        if not url.startswith(("http://", "https://")) or not httpx.URL(url).host:
            raise GenerationError(f"{url}: no base URL of a server; write it like http://node1:8000/v1.")
        self.under_way, self.completed = 0, 0
        self.gives_logprobs = True
        self._failures, self._rests_until = 0, 0.0
        self._recovery: asyncio.Task[bool] | None = None

    @property
    def name(self) -> str:
        """Name it without the password that a URL may hold."""
        return str(httpx.URL(self.url).copy_with(userinfo=b""))

    def note_answer(self) -> None:
        """Note that it answered, whatever the answer: its next failure is a first one."""
        self._failures = 0

    def rest(self, first_wait_seconds: float, asked_seconds: float, reason: str) -> None:
        """Send it nothing for a while: as long as it asked for, or twice as long as after the failure before."""
        now = asyncio.get_running_loop().time()
        if self._rests_until <= now:  # of the many requests that one outage fails, the first decides
            if self._failures == 0:
                print(f"{self.name}: {reason}; trying again.", file=sys.stderr, flush=True)
            wait = max(asked_seconds, first_wait_seconds * 2**self._failures)
            self._failures += 1
            self._rests_until = now + bounded(wait)

    def do_without_logprobs(self) -> None:
        """Ask it for no log-probabilities any more; say so once."""
        if self.gives_logprobs:
            self.gives_logprobs = False
            print(f"{self.name}: gives no log-probabilities; going on without them.", file=sys.stderr, flush=True)

    async def brought_back(self, recover: Recover | None) -> bool:
        """Let the owner of the servers look after one that cannot be reached; all its requests wait for the one look."""
        if recover is None:
            return False
        if self._recovery is None or self._recovery.done():
            self._recovery = asyncio.create_task(self._recovered(recover))
        return await asyncio.shield(self._recovery)

    async def _recovered(self, recover: Recover) -> bool:
        url: str | None = await in_thread(recover, self.url)
        self.url = url or self.url
        return url is not None

    def seconds_to_rest(self) -> float:
        """Tell how long it still rests; 0 or less: it is awake."""
        return self._rests_until - asyncio.get_running_loop().time()


async def awake(servers: Sequence[Server]) -> Server:
    """Pick the least loaded server that does not rest; wait for the first when all do."""
    while True:
        ready = [server for server in servers if server.seconds_to_rest() <= 0]
        if ready:
            return min(ready, key=lambda server: server.under_way)
        await asyncio.sleep(max(0.001, min(server.seconds_to_rest() for server in servers)))


def bounded(wait_seconds: float) -> float:
    """Bound a wait, and spread those of many clients."""
    return min(LONGEST_WAIT_SECONDS, wait_seconds) * random.uniform(0.75, 1.25)
