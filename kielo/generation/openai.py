"""The `openai` engine: any server that speaks OpenAI's HTTP API, one or several, reached from synchronous code."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any

import httpx

from kielo.errors import GenerationError
from kielo.generation.openai_messages import BadReply, body_of, completion_of, path_of, sentence_of
from kielo.generation.protocol import Completion, FinishReason, Request, completion_key, seed_of

_LARGEST_REPLY_BYTES = 16 * 2**20
_ANY_REQUEST = {
    401: "check OPENAI_API_KEY",
    403: "check OPENAI_API_KEY",
    404: "check the URL and `served_model`",
    405: "check the URL",
}
_THIS_REQUEST = (400, 413, 422)  # the server will never take it: too long, or a field it does not know
_LONGEST_WAIT_SECONDS = 30.0

Recover = Callable[[str], str | None]
"""Called with a base URL that cannot be reached: bring its server back and return its (new) URL, or None if it lives."""


class _Later(Exception):
    """This request may succeed when sent again."""

    def __init__(self, reason: str, after_seconds: float = 0.0, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.after_seconds, self.unreachable = after_seconds, unreachable


class _Server:
    """One server of the list: what is under way on it, and until when it rests after a failure."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        if not url.startswith(("http://", "https://")) or not httpx.URL(url).host:
            raise GenerationError(f"{url}: no base URL of a server; write it like http://node1:8000/v1.")
        self.under_way, self.failures, self.rests_until = 0, 0, 0.0
        self.recovery: asyncio.Task[bool] | None = None

    @property
    def name(self) -> str:
        """Name it without the password that a URL may hold."""
        return str(httpx.URL(self.url).copy_with(userinfo=b""))


class OpenAiGenerator:
    """Sends every request to the least loaded server; at most `concurrency` under way per server."""

    def __init__(
        self, model: str, urls: Sequence[str], served_model: str, concurrency: int = 128, timeout_seconds: float = 600,
        attempts: int = 6, first_wait_seconds: float = 1.0, recover: Recover | None = None,
    ) -> None:  # fmt: skip
        """Prepare for servers at base URLs such as `http://node1:8000/v1`; nothing is sent yet.

        `attempts` bounds how often one request is sent; the waits between double from `first_wait_seconds`.
        """
        self.model, self.served_model = model, served_model
        self.concurrency, self.timeout_seconds = concurrency, timeout_seconds
        self.attempts, self.first_wait_seconds = attempts, first_wait_seconds
        self.bad_replies = 0
        """How many replies were no completion at all; each is an error completion, too."""
        self._answered = 0
        self._servers = [_Server(url) for url in urls]
        self._recover = recover

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield (index, completion) as the servers answer.

        Raises:
            GenerationError: a server refuses every request, or none was answered while one was tried too often.
        """
        results: SimpleQueue[tuple[int, Completion] | BaseException | None] = SimpleQueue()
        loop = asyncio.new_event_loop()
        work = loop.create_task(self._serve(requests, results))
        thread = Thread(target=_run, args=(loop, work, results), daemon=True)
        thread.start()
        try:
            while (result := results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(work.cancel)
            thread.join()
            loop.close()

    def close(self) -> None:
        """Nothing is held between calls."""

    async def _serve(self, requests: Sequence[Request], results: SimpleQueue[Any]) -> None:
        todo = iter(enumerate(requests))

        trusted = self._trusted_authorities()

        async def take() -> None:
            # A client, that is a connection pool, for each: one pool's work per request grows with the square of its
            # connections (httpcore 1.0: 14 ms of CPU per request at 100 connections, 0.8 ms this way).
            async with self._client(trusted) as client:
                for index, request in todo:
                    results.put((index, await self._ask(client, request)))

        workers = min(len(requests), self.concurrency * len(self._servers))
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(take())

    def _trusted_authorities(self) -> ssl.SSLContext:
        """Load the certificates once for all clients; without https servers an empty set, which trusts nobody."""
        secure = any(server.url.startswith("https://") for server in self._servers)
        return httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def _client(self, trusted: ssl.SSLContext) -> httpx.AsyncClient:
        key = os.environ.get("OPENAI_API_KEY")
        return httpx.AsyncClient(
            headers={"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {}),
            timeout=httpx.Timeout(self.timeout_seconds, connect=min(30.0, self.timeout_seconds)), verify=trusted,
            trust_env=self._recover is None,  # our own servers are on this machine, whatever proxy the cluster sets
        )  # fmt: skip

    async def _ask(self, client: httpx.AsyncClient, request: Request) -> Completion:
        """Get one completion, sending again what may succeed later."""
        seed = seed_of(completion_key(self.model, request)) if request.sampling.temperature > 0 else None
        body, path = body_of(request, self.served_model, seed), path_of(request)
        attempt, answered = 0, self._answered
        while True:
            server = await self._awake_server()
            server.under_way += 1
            url = server.url
            try:
                status, content = await self._post(client, url + path, body)
                server.failures = 0
                self._answered += 1
                return self._read(server, request, status, content)
            except _Later as later:
                if later.unreachable and (server.url != url or await self._brought_back(server)):
                    continue
                attempt += 1
                if attempt >= self.attempts:
                    return self._given_up(server, later, others_answered=self._answered > answered)
                self._rest(server, later.after_seconds, str(later))
            finally:
                server.under_way -= 1

    def _given_up(self, server: _Server, later: _Later, others_answered: bool) -> Completion:
        """End a request that failed too often: alone if others were answered meanwhile, else with the whole run."""
        reason = f"{server.name}: {later} (tried {self.attempts} times)"
        if others_answered:
            return Completion("", "error", 0, 0, reason)
        raise GenerationError(f"{reason}; run it again when the server is well: what was completed is kept.") from later

    async def _awake_server(self) -> _Server:
        """Pick the least loaded server that does not rest; wait for the first when all do."""
        clock = asyncio.get_running_loop().time
        while True:
            awake = [server for server in self._servers if server.rests_until <= clock()]
            if awake:
                return min(awake, key=lambda server: server.under_way)
            await asyncio.sleep(max(0.001, min(server.rests_until for server in self._servers) - clock()))

    def _rest(self, server: _Server, asked_seconds: float, reason: str) -> None:
        wait = min(
            _LONGEST_WAIT_SECONDS, max(asked_seconds, self.first_wait_seconds * 2**server.failures)
        ) * random.uniform(0.75, 1.25)
        now = asyncio.get_running_loop().time()
        if server.rests_until <= now:  # of the many requests that one outage fails, the first decides
            if server.failures == 0:
                print(f"{server.name}: {reason}; trying again.", file=sys.stderr, flush=True)
            server.failures += 1
            server.rests_until = now + wait

    async def _post(self, client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> tuple[int, bytes]:
        content = bytearray()
        try:
            async with asyncio.timeout(self.timeout_seconds), client.stream("POST", url, json=body) as response:
                async for part in response.aiter_raw():
                    content += part
                    if len(content) > _LARGEST_REPLY_BYTES:
                        return response.status_code, b""
        except (httpx.TimeoutException, TimeoutError) as error:
            raise _Later(
                f"no answer in {self.timeout_seconds:g} seconds ({type(error).__name__})", unreachable=True
            ) from error
        except httpx.TransportError as error:
            raise _Later(f"cannot be reached ({str(error) or type(error).__name__})", unreachable=True) from error
        if response.status_code == 429 or response.status_code >= 500:
            reason = f"answered {response.status_code} {self._sentence_of(bytes(content))}".rstrip()
            raise _Later(reason, _seconds(response.headers.get("Retry-After")))
        return response.status_code, bytes(content)

    def _read(self, server: _Server, request: Request, status: int, content: bytes) -> Completion:
        if status in _ANY_REQUEST:
            raise GenerationError(
                f"{server.name}: answered {status} {self._sentence_of(content)}; {_ANY_REQUEST[status]}."
            )
        if status >= 300:
            ending: FinishReason = "refused" if status in _THIS_REQUEST else "error"
            return Completion("", ending, 0, 0, f"{server.name}: {status} {self._sentence_of(content)}")
        try:
            return completion_of(content, request)
        except BadReply as error:
            self.bad_replies += 1
            return Completion("", "error", 0, 0, f"{server.name}: {_without_key(str(error))}")

    def _sentence_of(self, content: bytes) -> str:
        return _without_key(sentence_of(content))

    async def _brought_back(self, server: _Server) -> bool:
        """Let the owner of the servers look after one that cannot be reached; all its requests wait for the one look."""
        if self._recover is None:
            return False
        if server.recovery is None or server.recovery.done():
            server.recovery = asyncio.create_task(self._recovered(self._recover, server))
        return await asyncio.shield(server.recovery)

    async def _recovered(self, recover: Recover, server: _Server) -> bool:
        url: str | None = await _in_thread(recover, server.url)
        server.url = url or server.url
        return url is not None


def _without_key(text: str) -> str:
    """Take the key out of what a server says: some repeat it in their refusal."""
    key = os.environ.get("OPENAI_API_KEY")
    return text.replace(key, "***") if key else text


async def _in_thread(function: Callable[[str], Any], argument: str) -> Any:
    """Call a slow function in a thread that nobody waits for when the requests are given up."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Any] = loop.create_future()

    def call() -> None:
        try:
            answer, error = function(argument), None
        except GenerationError as caught:
            answer, error = None, caught
        with suppress(RuntimeError):  # the loop is closed: the requests were given up
            loop.call_soon_threadsafe(_settle, result, answer, error)

    Thread(target=call, daemon=True).start()
    return await result


def _settle(result: asyncio.Future[Any], answer: Any, error: GenerationError | None) -> None:
    if result.done():
        return
    if error is None:
        result.set_result(answer)
    else:
        result.set_exception(error)


def _run(loop: asyncio.AbstractEventLoop, work: asyncio.Task[None], results: SimpleQueue[Any]) -> None:
    """Run the requests to their end in this thread, and hand over how they ended."""
    loop.run_until_complete(asyncio.wait([work]))
    error = None if work.cancelled() else work.exception()
    for left in asyncio.all_tasks(loop):
        left.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    results.put(_first(error) if isinstance(error, BaseExceptionGroup) else error)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _seconds(header: str | None) -> float:
    return float(header) if header and header.isdecimal() else 0.0
