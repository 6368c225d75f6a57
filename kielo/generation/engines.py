"""Opens the text generator that a recipe's `engine` names; the heavy libraries of an engine are imported only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kielo.errors import MissingExtraError
from kielo.generation.protocol import Generator
from kielo.models import model_identity
from kielo.schema import Engine


@contextmanager
def open_generator(engine: Engine, model: str, revision: str | None, log_folder: Path) -> Iterator[Generator]:
    """Open an engine on a model (a folder or Hub id) and close it at the end, whatever happens.

    Server logs go to `log_folder`.

    Raises:
        GenerationError: a server cannot be started.
        SourceError: there is no causal language model (kind hf).
        MissingExtraError: an engine's library is not installed.
    """
    generator = _open(engine, model, revision, log_folder)
    try:
        yield generator
    finally:
        generator.close()


def _open(engine: Engine, model: str, revision: str | None, log_folder: Path) -> Generator:
    if engine.kind == "hf":
        try:
            from kielo.generation.hf import HfGenerator
        except ImportError as error:
            raise MissingExtraError(
                f"Engine kind hf needs {error.name}: pip install -e '.[train]', or name a server as the engine (kind openai)."
            ) from error
        return HfGenerator(model, revision, engine.dtype, engine.batch_tokens)
    identity = model_identity(model, revision)
    if engine.kind == "openai":
        from kielo.generation.openai import OpenAiGenerator

        return OpenAiGenerator(
            identity, engine.urls, engine.served_model or model, engine.concurrency, engine.timeout_seconds
        )
    from kielo.generation.vllm_server import VllmServerGenerator

    return VllmServerGenerator(engine, identity, model, revision, log_folder)
