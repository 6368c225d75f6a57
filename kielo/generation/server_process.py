"""A generation server that Kielo starts, watches and ends: one process group with a guard, a log file, a health check."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import httpx

from kielo.errors import GenerationError

_GUARD = Path(__file__).with_name("guard.py")
_LOG_LINES = 15  # of the log that an error shows
_END_SECONDS = 20.0


class ServerProcess:
    """A server process; no shell is involved, and nothing of it outlives this process."""

    def __init__(
        self, command: Sequence[str], health_url: str, log: Path, environment: Mapping[str, str] | None = None,
        unix_socket: Path | None = None, cores: Collection[int] = (),
    ) -> None:  # fmt: skip
        """Start a command; its output is appended to `log`. With `unix_socket` the URL is asked for over it.

        It is bound to `cores` of the processor, if any are named.

        Raises:
            GenerationError: there is no such program.
        """
        self.health_url, self.log, self.unix_socket = health_url, log, unix_socket
        log.parent.mkdir(parents=True, exist_ok=True)
        bound = ",".join(map(str, sorted(cores)))
        with log.open("ab") as output:
            output.write(f"\n$ {' '.join(command)}\n".encode())
            output.flush()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), bound, str(unix_socket or ""), *command], stdin=subprocess.PIPE, stdout=output, stderr=output,
                env=environment, start_new_session=True,
            )  # fmt: skip

    @property
    def group(self) -> int:
        """Name the process group of the server and all its children."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Say whether the server runs."""
        return self._process.poll() is None

    def wait_healthy(self, limit_seconds: float) -> None:
        """Wait until the server answers its health check.

        Raises:
            GenerationError: it ended or did not become healthy in time; shows the end of its log.
        """
        deadline = time.monotonic() + limit_seconds
        over = httpx.HTTPTransport(uds=str(self.unix_socket)) if self.unix_socket else None
        with httpx.Client(trust_env=False, timeout=5.0, transport=over) as client:
            while not self._healthy(client):
                if not self.alive:
                    raise GenerationError(
                        f"The server ended with status {self._process.returncode}; {self.end_of_log()}"
                    )
                if time.monotonic() > deadline:
                    raise GenerationError(
                        f"The server was not healthy after {limit_seconds:g} seconds; {self.end_of_log()}"
                    )
                time.sleep(0.2)

    def _healthy(self, client: httpx.Client) -> bool:
        try:
            return client.get(self.health_url).status_code == 200 and self.alive
        except httpx.TransportError:
            return False

    def end_of_log(self) -> str:
        """Show where the log lies, the last error in it and its last lines."""
        with self.log.open("rb") as stream:
            stream.seek(max(0, self.log.stat().st_size - 100_000))
            lines = stream.read().decode("utf-8", "replace").splitlines()
        last, before = lines[-_LOG_LINES:], lines[:-_LOG_LINES]
        errors = [line for line in before if "Error: " in line and "Error: " not in "".join(last)][-1:]
        return "\n  ".join([f"the end of {self.log}:", *errors, *last])

    def stop(self) -> None:
        """End the server and all its children. May be called twice."""
        if self._process.stdin is not None:
            self._process.stdin.close()  # what the guard waits for
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # where the guard itself was killed
        except ProcessLookupError:
            pass
        self._process.wait()
