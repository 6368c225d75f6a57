"""Opens the text generator that a recipe's `engine` names; the heavy libraries of an engine are imported only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from kielo.errors import MissingExtraError
from kielo.generation.memory import (
    Gauge,
    device_of,
    gauge_elsewhere,
    gauge_here,
    gauge_servers,
    resident,
)
from kielo.generation.protocol import Generator
from kielo.generation.spent import Measured
from kielo.models import model_identity
from kielo.run_folder import KEPT
from kielo.schema import Engine


@contextmanager
def open_generator(engine: Engine, model: str, revision: str | None, log_folder: Path) -> Iterator[Generator]:
    """Open an engine on a model (a folder or Hub id) and close it at the end, whatever happens.

    Server logs go to `log_folder`; what is spent is written beside it, with the completions (see `spent.py`).

    Raises:
        GenerationError: a server cannot be started.
        SourceError: there is no causal language model (kind hf).
        MissingExtraError: an engine's library is not installed.
    """
    generator, gauge = _open(engine, model, revision, log_folder)
    try:
        yield Measured(generator, engine.kind, device_of(engine), gauge, log_folder.parent / KEPT)
    finally:
        generator.close()


def _open(engine: Engine, model: str, revision: str | None, log_folder: Path) -> tuple[Generator, Gauge]:
    if engine.kind == "hf":
        before = resident()
        try:
            from kielo.generation.hf import HfGenerator
        except ImportError as error:
            raise MissingExtraError(
                f"Engine kind hf needs {error.name}: pip install -e '.[train]', or name a server as the engine (kind openai)."
            ) from error
        return HfGenerator(model, revision, engine.dtype, engine.batch_tokens), gauge_here(before)
    identity = model_identity(model, revision)
    if engine.kind == "openai":
        from kielo.generation.openai import OpenAiGenerator

        client = OpenAiGenerator(
            identity, engine.urls, engine.served_model or model, engine.concurrency, engine.timeout_seconds
        )
        return client, gauge_elsewhere
    from kielo.generation.vllm_server import VllmServerGenerator

    servers = VllmServerGenerator(engine, identity, model, revision, log_folder)
    return servers, cache(lambda: gauge_servers(servers.groups))  # they hold the same all the time
