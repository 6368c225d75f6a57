"""The `vllm-server` engine: vLLM servers on this machine that Kielo starts, restarts when they die, and ends with itself."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

from kielo.cpu_masks import cores_beside
from kielo.errors import GenerationError
from kielo.generation.devices import environment_of_server
from kielo.generation.openai import OpenAiGenerator
from kielo.generation.protocol import Completion, Request
from kielo.generation.server_process import ServerProcess
from kielo.generation.sockets import socket_folder
from kielo.schema import Engine

_NO_DEFAULTS = {
    "temperature": 1.0, "top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0, "max_new_tokens": None,
}  # fmt: skip
"""A model's generation_config.json may ask for sampling that no request asked for; of it, its end tokens alone count."""
_RESTARTS = 3  # of each server, before giving up
_KEYS_OF_OTHERS = ("DEEPL_AUTH_KEY", "OPENAI_API_KEY", "VLLM_API_KEY")  # with the last a server asks for a key
_HUB_KEYS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_YES = ("1", "ON", "YES", "TRUE")  # as huggingface_hub reads HF_HUB_OFFLINE


class VllmServerGenerator:
    """Servers and the `openai` engine over them; requests that a dying server had are sent again to its successor."""

    def __init__(self, engine: Engine, identity: str, model: str, revision: str | None, log_folder: Path) -> None:
        """Start the servers and wait until all are healthy.

        Raises:
            GenerationError: a server does not start; shows the end of its log.
        """
        self.model = identity
        self._engine, self._served, self._revision, self._logs = engine, model, revision, log_folder
        self._servers: dict[str, tuple[int, ServerProcess]] = {}
        self._restarts = [0] * engine.servers
        self._lock, self._closed = Lock(), False
        self._folder, self._sockets = socket_folder(), dict[str, Path]()
        with ExitStack() as unless_all_are_up:
            unless_all_are_up.callback(self.close)
            started = [self._start(number) for number in range(engine.servers)]
            for _, process in started:
                process.wait_healthy(engine.startup_seconds)
            unless_all_are_up.pop_all()
        urls = [url for url, _ in started]
        self._client = OpenAiGenerator(
            identity, urls, model, engine.concurrency, engine.timeout_seconds,
            recover=self._recover, sockets=self._sockets,
        )  # fmt: skip

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yield (index, completion) as the servers answer.

        Raises:
            GenerationError: a server died too often, or does not start again.
        """
        return self._client.generate(requests)

    @property
    def groups(self) -> list[int]:
        """Name the process groups of the servers that run."""
        with self._lock:
            return [process.group for _, process in self._servers.values()]

    def close(self) -> None:
        """End all servers. May be called twice."""
        with self._lock:
            self._closed = True
            processes = [process for _, process in self._servers.values()]
            self._servers.clear()
        for process in processes:
            process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, number: int) -> tuple[str, ServerProcess]:
        name = f"{number}-{self._restarts[number]}"  # a socket of its own for every start: the dead one's file is still there
        host, unix_socket = f"vllm-{name}", self._folder / f"{name}.sock"
        log = self._logs / f"vllm-server-{number}.log"
        environment = environment_of_server(os.environ, number, self._engine.servers, self._engine.tensor_parallel)
        self._sockets[host] = unix_socket
        each = self._engine.tensor_parallel
        devices = range(number * each, (number + 1) * each)  # masks are set only where all devices of a node are seen
        cores = cores_beside(devices, warn=name == "0-0")
        process = ServerProcess(
            self._command(unix_socket), f"http://{host}/health", log, without_secrets(environment, self._served),
            unix_socket, cores,
        )  # fmt: skip
        url = f"http://{host}/v1"
        self._servers[url] = number, process
        return url, process

    def _command(self, unix_socket: Path) -> list[str]:
        """Write the server's command: few flags, since vLLM renames them from version to version."""
        engine = self._engine
        command = [*(engine.command or (sys.executable,)), "-m", "vllm.entrypoints.openai.api_server"]
        command += ["--model", self._served, "--uds", str(unix_socket), "--dtype", engine.dtype]
        command += ["--override-generation-config", json.dumps(_NO_DEFAULTS)]
        if self._revision is not None and not Path(self._served).is_dir():
            command += ["--revision", self._revision, "--tokenizer-revision", self._revision]
        if engine.tensor_parallel > 1:
            command += ["--tensor-parallel-size", str(engine.tensor_parallel)]
        return [*command, *engine.extra_args]

    def _recover(self, url: str) -> str | None:
        """Start a dead server anew and return its URL; None if it lives."""
        with self._lock:
            if self._closed or url not in self._servers or self._servers[url][1].alive:
                return None
            number, dead = self._servers.pop(url)
            dead.stop()
            self._restarts[number] += 1
            if self._restarts[number] > _RESTARTS:
                raise GenerationError(f"vLLM server {number} died {_RESTARTS + 1} times; {dead.end_of_log()}")
            print(f"vLLM server {number} died; starting it again (log: {dead.log}).", file=sys.stderr)
            new_url, process = self._start(number)
        process.wait_healthy(self._engine.startup_seconds)
        return new_url


def without_secrets(environment: Mapping[str, str], model: str) -> dict[str, str]:
    """Keep from a server the keys of others, and the Hub's where it has nothing to fetch; ask it to report to nobody."""
    fetches = environment.get("HF_HUB_OFFLINE", "").upper() not in _YES and not Path(model).is_dir()
    withheld = _KEYS_OF_OTHERS if fetches else (*_KEYS_OF_OTHERS, *_HUB_KEYS)
    kept = {name: value for name, value in environment.items() if name not in withheld}
    return {**kept, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
