"""Unix sockets for servers of our own: no port to race for on a shared node, and nobody else there can reach them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import httpx

from kielo.errors import GenerationError

_LONGEST_PATH_BYTES = 107  # of a socket: sun_path of unix(7), less its end
_ROOM_FOR_NAME = len("/999-999.sock")


def socket_folder() -> Path:
    """Make a folder for sockets that this user alone can enter: in /tmp, which containers see, too, or where temporary files go.

    Raises:
        GenerationError: neither is writable and short enough.
    """
    for parent in dict.fromkeys(("/tmp", tempfile.gettempdir())):
        fits = len(os.fsencode(parent)) + len("/kielo-12345678") + _ROOM_FOR_NAME <= _LONGEST_PATH_BYTES
        if fits and os.access(parent, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="kielo-", dir=parent))
    raise GenerationError(
        f"no place for the servers' sockets: /tmp cannot be written to and {tempfile.gettempdir()} cannot or is too long; set TMPDIR to a short folder on this machine."
    )


class OverSockets(httpx.AsyncBaseTransport):
    """Sends requests to the sockets that stand for the hosts of their URLs; hosts may join later."""

    def __init__(self, sockets: Mapping[str, Path]) -> None:
        self._sockets = sockets
        self._connected: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request to its host's socket."""
        host = request.url.host
        if host not in self._connected:
            self._connected[host] = httpx.AsyncHTTPTransport(uds=str(self._sockets[host]))
        return await self._connected[host].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._connected.values():
            await transport.aclose()
