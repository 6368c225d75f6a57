"""Real vLLM on a CPU (`make test-vllm`): it says what the hf engine says, and a killed server loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kielo.generation.engines import open_generator
from kielo.generation.hf import HfGenerator
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.store import CompletionStore, complete
from kielo.schema import Engine

pytestmark = pytest.mark.vllm
SHOTS = "The old house waits and the red river falls.\n" * 6


@pytest.fixture(scope="module")
def opinionated_model(tiny_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model whose own settings ask for sampling and a repetition penalty, as published chat models' do."""
    folder = tmp_path_factory.mktemp("opinionated") / "model"
    shutil.copytree(tiny_model("llama"), folder)
    settings = json.loads((folder / "generation_config.json").read_text())
    settings |= {"do_sample": True, "temperature": 0.6, "top_k": 3, "top_p": 0.8, "repetition_penalty": 1.3}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return str(folder)


@pytest.fixture(scope="module")
def vllm(
    opinionated_model: str, vllm_settings: Callable[..., Engine], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    with open_generator(
        vllm_settings(), opinionated_model, None, tmp_path_factory.mktemp("step") / "logs"
    ) as generator:
        yield generator


def requests(count: int, max_tokens: int, temperature: float = 0.0) -> list[Request]:
    return [
        Request(f"{SHOTS}The {n} ", Sampling(max_tokens, temperature), shared_prefix=len(SHOTS)) for n in range(count)
    ]


def test_greedy_text_is_that_of_the_hf_engine(vllm: Any, opinionated_model: str) -> None:
    found, wanted = (dict(engine.generate(requests(100, 48))) for engine in (vllm, HfGenerator(opinionated_model)))
    assert sum(found[place] == wanted[place] for place in range(100)) == 100


def test_a_killed_server_is_restarted_and_nothing_is_lost(
    vllm: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = requests(300, 64, temperature=1.0)
    with CompletionStore(tmp_path / "undisturbed") as store:
        wanted = complete(vllm, asked, store, "undisturbed")
    with CompletionStore(tmp_path / "killed") as store:
        found = complete(_KilledAfter(vllm, 60), asked, store, "killed")
    assert found == wanted
    assert len((tmp_path / "killed" / "0001.jsonl").read_text("utf-8").splitlines()) == 300
    assert "starting it again" in capfd.readouterr().err


class _KilledAfter:
    """A generator whose server is killed (kill -9) after some completions."""

    def __init__(self, generator: Any, count: int) -> None:
        self.generator, self.model, self.count = generator, generator.model, count

    def generate(self, asked: list[Request]) -> Iterator[tuple[int, Completion]]:
        for number, pair in enumerate(self.generator.generate(asked)):
            if number == self.count:
                ((_, process),) = self.generator._generator._servers.values()
                os.kill(_child_of(process._process.pid), signal.SIGKILL)
            yield pair

    def close(self) -> None:
        self.generator.close()


def _child_of(process: int) -> int:
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


def test_closing_ends_every_process(
    opinionated_model: str, vllm_settings: Callable[..., Engine], tmp_path: Path
) -> None:
    with open_generator(vllm_settings(), opinionated_model, None, tmp_path / "logs") as generator:
        ((_, process),) = generator._generator._servers.values()  # type: ignore[attr-defined]
        group = process._process.pid
        assert len(_group(group)) >= 2  # the guard and the server, at least
    deadline = time.monotonic() + 5
    while _group(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _group(group) == []


def _group(group: int) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                found.append(folder.name)
        except ProcessLookupError:
            continue
    return found
