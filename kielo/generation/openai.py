"""The `openai` engine: any server that speaks OpenAI's HTTP API, one or several, reached from synchronous code.

A request that fails while its server completes others is set aside and sent again when all others are done; if it fails
then, too, it is refused, so that one text which a server cannot complete costs one record and not the whole step. A
server that completes nothing else, not even the smallest request, ends the run instead: nothing is held against a text
because a server was down.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from kielo.errors import GenerationError
from kielo.generation.background import results_of
from kielo.generation.openai_given import completion_of_given, prompt_alone
from kielo.generation.openai_messages import (
    BadReply,
    body_of,
    completion_of,
    logprob_fields,
    path_of,
    sentence_of,
    smallest,
)
from kielo.generation.openai_servers import Recover, Server, awake, bounded
from kielo.generation.protocol import Completion, Request, completion_key, seed_of
from kielo.generation.sockets import OverSockets

_LARGEST_REPLY_BYTES = 16 * 2**20
_ANY_REQUEST = {
    401: "check OPENAI_API_KEY",
    402: "its quota is used up",
    403: "check OPENAI_API_KEY",
    404: "check the URL and `served_model`",
    405: "check the URL",
    456: "its quota is used up",
}
_THIS_REQUEST = (400, 413, 422)  # the server will never take it: too long, or a field it does not know
_UNKNOWN_FIELD = (400, 422)
_AGAIN = "and nothing else was completed; run the same command again when the server is well"
_BUSY = "when all others were done; run the same command again when the server has more room"

Indexed = tuple[int, Request]
Give = Callable[[tuple[int, Completion]], None]


class _Later(Exception):
    """This request may succeed when sent again."""

    def __init__(
        self, reason: str, after_seconds: float = 0.0, unreachable: bool = False, too_many: bool = False
    ) -> None:
        super().__init__(reason)
        self.after_seconds, self.unreachable, self.too_many = after_seconds, unreachable, too_many


class _Failed(Exception):
    """A server did not complete this request: for good, or as often as it was tried."""

    def __init__(
        self, server: Server, completed_before: int, reason: str, for_good: bool = False,
        others_elsewhere: bool = False, busy: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(reason)
        self.server, self.completed_before = server, completed_before
        self.for_good, self.others_elsewhere, self.busy = for_good, others_elsewhere, busy


class OpenAiGenerator:
    """Sends every request to the least loaded server, in their order; at most `concurrency` under way per server."""

    def __init__(
        self, model: str, urls: Sequence[str], served_model: str, concurrency: int = 128, timeout_seconds: float = 600,
        attempts: int = 6, first_wait_seconds: float = 1.0, recover: Recover | None = None,
        sockets: Mapping[str, Path] | None = None,
    ) -> None:  # fmt: skip
        """Prepare for servers at base URLs such as `http://node1:8000/v1`; nothing is sent yet.

        `sockets` are the Unix sockets of servers of our own, by the host in their URL.

        `attempts` bounds how often one request is sent before it is set aside; the waits between double from
        `first_wait_seconds`.
        """
        self.model, self.served_model = model, served_model
        self.concurrency, self.timeout_seconds = concurrency, timeout_seconds
        self.attempts, self.first_wait_seconds = attempts, first_wait_seconds
        self.bad_replies = 0
        """How many replies to requests were no completion at all."""
        self._servers = [Server(url) for url in urls]
        if not re.fullmatch(r"[!-~]*", _key()):
            raise GenerationError(
                "the environment variable OPENAI_API_KEY holds blanks or characters that no key has; set it again."
            )
        self._recover, self._sockets = recover, sockets

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield (index, completion) as the servers answer; what fails alone comes last, refused.

        Raises:
            GenerationError: a server refuses every request, or fails one and completes no other.
        """
        return results_of(lambda give: self._serve(requests, give))

    def close(self) -> None:
        """Nothing is held between calls."""

    async def _serve(self, requests: Sequence[Request], give: Give) -> None:
        trusted = self._trusted_authorities()
        set_aside = await self._send_all(list(enumerate(requests)), trusted, give)
        if set_aside:
            count = f"{len(set_aside)} of {len(requests)} requests"
            print(f"{count} failed alone and are sent once more, the last time.", file=sys.stderr, flush=True)
        await self._send_all(set_aside, trusted, give, last=True)

    async def _send_all(
        self, asked: Sequence[Indexed], trusted: ssl.SSLContext, give: Give, last: bool = False
    ) -> list[Indexed]:
        """Send requests in their order; return those that failed alone, unless this was their `last` chance."""
        set_aside: list[Indexed] = []
        todo = iter(asked)

        async def take() -> None:
            # A client, that is a connection pool, for each: one pool's work per request grows with the square of its
            # connections (httpcore 1.0: 14 ms of CPU per request at 100 connections, 0.8 ms this way).
            async with self._client(trusted) as client:
                for index, request in todo:
                    try:
                        give((index, await self._complete(client, request)))
                    except _Failed as failed:
                        if await self._is_refused(client, failed, request, last):
                            # Without the server's name: a refusal ends in files, and those know no machine.
                            give((index, Completion("", "refused", 0, 0, str(failed))))
                        else:
                            set_aside.append((index, request))

        workers = min(len(asked), self.concurrency * len(self._servers))
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(take())
        return sorted(set_aside, key=lambda each: each[0])

    def _trusted_authorities(self) -> ssl.SSLContext:
        """Load the certificates once for all clients; without https servers an empty set, which trusts nobody."""
        secure = any(server.url.startswith("https://") for server in self._servers)
        return httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def _client(self, trusted: ssl.SSLContext) -> httpx.AsyncClient:
        timeout = httpx.Timeout(self.timeout_seconds, connect=min(30.0, self.timeout_seconds))
        headers = {"Accept-Encoding": "identity"}
        if self._sockets is not None:  # our own servers: no proxy stands between, and they need no key
            return httpx.AsyncClient(
                headers=headers, timeout=timeout, transport=OverSockets(self._sockets), trust_env=False
            )
        key = _key()
        authorized = headers | ({"Authorization": f"Bearer {key}"} if key else {})
        return httpx.AsyncClient(headers=authorized, timeout=timeout, verify=trusted)

    async def _complete(self, client: httpx.AsyncClient, request: Request) -> Completion:
        """Get one completion, sending again what may succeed later.

        Raises:
            _Failed: it was tried `attempts` times; refusals for too many requests count only while none is completed.
        """
        sent, counted = 0, 0
        seen = {server: server.completed for server in self._servers}  # when this request last failed there, or began
        began = self._completed()
        while True:
            server = await awake(self._servers)
            url = server.url
            server.under_way += 1
            try:
                return await self._send(client, server, request)
            except _Later as later:
                if later.unreachable and (server.url != url or await server.brought_back(self._recover)):
                    continue
                before, seen[server] = seen[server], server.completed
                alone = server.completed > before
                sent, counted = sent + 1, counted + (not (alone and later.too_many))
                if counted >= self.attempts:
                    reason, others = f"{later} (tried {sent} times)", self._completed() > began
                    raise _Failed(server, before, reason, others_elsewhere=others, busy=later.too_many) from later
                if later.too_many or not alone:
                    server.rest(self.first_wait_seconds, later.after_seconds, str(later))
            finally:
                server.under_way -= 1
            if alone:
                await asyncio.sleep(bounded(self.first_wait_seconds * 2 ** min(sent, 16)))

    async def _send(self, client: httpx.AsyncClient, server: Server, request: Request) -> Completion:
        """Send a request once; once more without its wish for log-probabilities, where a server knows no such field.

        Raises:
            _Later: the server did not answer, or asks for patience.
            _Failed: it answered something else than a completion.
        """
        seed = seed_of(completion_key(self.model, request)) if request.sampling.temperature > 0 else None
        url, body = server.url + path_of(request), body_of(request, self.served_model, seed)
        fields = logprob_fields(request) if server.gives_logprobs else {}
        completed_before, asking = server.completed, bool(fields)
        before, refused = await self._prompt_alone(client, server, request)
        status, content = refused or await self._post(client, url, {**body, **fields})
        if asking and status in _UNKNOWN_FIELD:
            status, content = await self._post(client, url, body)
            if status < 300:
                server.do_without_logprobs()
        server.note_answer()
        try:
            completion = _read(server, request, status, content, before)
        except BadReply as error:
            self.bad_replies += status < 300
            raise _Failed(server, completed_before, _without_key(str(error)), status in _THIS_REQUEST) from error
        server.completed += 1
        if asking and completion.text and completion.logprob is None and completion.options is None:
            server.do_without_logprobs()
        return completion

    async def _prompt_alone(
        self, client: httpx.AsyncClient, server: Server, request: Request
    ) -> tuple[bytes, tuple[int, bytes] | None]:
        """Have the prompt of a given text completed alone; return the reply, or its status and text where it is refused."""
        alone = prompt_alone(request)
        if alone is None:
            return b"", None
        status, content = await self._post(client, server.url + path_of(alone), body_of(alone, self.served_model, None))
        return content, (status, content) if status >= 300 else None

    async def _is_refused(self, client: httpx.AsyncClient, failed: _Failed, request: Request, last: bool) -> bool:
        """Say whether a failure is the request's own and for good; False: it may be sent again, at the end.

        Raises:
            GenerationError: it is the server's.
        """
        well = await self._completes_others(client, failed, request)
        if (last and failed.busy) or (not well and (last or failed.for_good or not failed.others_elsewhere)):
            raise GenerationError(_unwell(failed)) from failed
        return well and (last or failed.for_good)

    async def _completes_others(self, client: httpx.AsyncClient, failed: _Failed, request: Request) -> bool:
        """Say whether the server that failed a request is well: it completed others meanwhile, or does the smallest."""
        if failed.server.completed > failed.completed_before:
            return True
        small = smallest(request)
        body = body_of(small, self.served_model, None)
        try:
            before, refused = await self._prompt_alone(client, failed.server, small)
            status, content = refused or await self._post(client, failed.server.url + path_of(small), body)
            _read(failed.server, small, status, content, before)
        except (_Later, BadReply):
            return False
        return True

    def _completed(self) -> int:
        return sum(server.completed for server in self._servers)

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
            reason = _without_key(str(error)) or type(error).__name__
            raise _Later(f"cannot be reached ({reason})", unreachable=True) from error
        if response.status_code == 429 or response.status_code >= 500:
            raise _Later(
                _answered(response.status_code, bytes(content)),
                _seconds(response.headers.get("Retry-After")),
                too_many=response.status_code == 429,
            )
        return response.status_code, bytes(content)


def _unwell(failed: _Failed) -> str:
    refused = "and refuses the smallest request, too; check `served_model`"
    advice = refused if failed.for_good else _BUSY if failed.busy else _AGAIN
    return f"{failed.server.name}: {failed}, {advice}; what was completed is kept."


def _read(server: Server, request: Request, status: int, content: bytes, before: bytes) -> Completion:
    """Read an answer; `before` is that to the prompt alone of a given text.

    Raises:
        GenerationError: it refuses every request.
        BadReply: it refuses this request, or is no completion.
    """
    if status in _ANY_REQUEST:
        raise GenerationError(f"{server.name}: {_answered(status, content)}; {_ANY_REQUEST[status]}.")
    if 300 <= status < 400:
        raise GenerationError(f"{server.name}: answered {status}, it redirects; check the URL.")
    if status >= 300:
        raise BadReply(_answered(status, content))
    completion = (
        completion_of(content, request) if request.given is None else completion_of_given(content, request, before)
    )
    return replace(completion, text=_without_key(completion.text))


def _answered(status: int, content: bytes) -> str:
    return f"answered {status} {_without_key(sentence_of(content))}".rstrip(" .")


def _key() -> str:
    return os.environ.get("OPENAI_API_KEY", "").strip()


def _without_key(text: str) -> str:
    """Take the key out of what a server says: some repeat it in their refusal."""
    key = _key()
    return text.replace(key, "***") if key else text


def _seconds(header: str | None) -> float:
    return float(header) if header and header.isdecimal() else 0.0
