"""The vllm-server engine's care for its servers, with transformers' server in vLLM's place (test_vllm.py has the real one)."""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import GenerationError, MissingExtraError
from kielo.generation import sockets
from kielo.generation.engines import open_generator
from kielo.generation.hf import HfGenerator
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.spent import Measured
from kielo.generation.vllm_server import VllmServerGenerator, without_secrets
from kielo.schema import Engine

STAND_IN = """
import os, sys
given = dict(zip(sys.argv, sys.argv[1:]))
assert given["-m"] == "vllm.entrypoints.openai.api_server" and os.environ["DO_NOT_TRACK"] == os.environ["VLLM_NO_USAGE_STATS"] == "1"
import uvicorn
from transformers.cli.transformers import main
class OnSocket(uvicorn.Config):
    def __init__(self, app, host, port, **rest):
        super().__init__(app, uds=given["--uds"], **rest)
uvicorn.Config = OnSocket
sys.argv = ["transformers", "serve", given["--model"], "--device", "cpu", "--dtype", given["--dtype"]]
print("environment:", *sorted(os.environ), flush=True)
main()
"""


def stand_in(folder: Path, **settings: Any) -> Engine:
    """Settings of a vllm-server whose command starts `transformers serve` with the model and socket it is given."""
    (folder / "stand_in.py").write_text(STAND_IN)
    command = (sys.executable, str(folder / "stand_in.py"))
    return Engine(kind="vllm-server", command=command, dtype="float32", startup_seconds=120, **settings)


def test_servers_that_are_killed_come_back_and_nothing_is_lost(
    tiny_model: Callable[[str], Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for secret in ("DEEPL_AUTH_KEY", "OPENAI_API_KEY", "VLLM_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(secret, "a-secret")
    model = str(tiny_model("llama"))
    requests = [Request(f"The old house {number}", Sampling(20)) for number in range(60)]
    with open_generator(stand_in(tmp_path, concurrency=4), model, None, tmp_path / "logs") as opened:
        assert isinstance(opened, Measured)
        generator = opened._generator
        assert isinstance(generator, VllmServerGenerator)
        assert all(os.getpgid(group) == group for group in generator.groups)
        (folder,) = {path.parent for path in generator._sockets.values()}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "nobody else on the node may reach the servers"
        pairs = list(killing_after(5, generator, requests))
    assert not folder.exists()
    assert sorted(place for place, _ in pairs) == list(range(60))
    wanted = dict(HfGenerator(model).generate(requests))
    assert [text_of(dict(pairs), place) for place in range(60)] == [text_of(wanted, place) for place in range(60)]
    assert capfd.readouterr().err.count("vLLM server 0 died; starting it again") == 1
    log = (tmp_path / "logs/vllm-server-0.log").read_text()
    assert log.count("--override-generation-config") == log.count("environment: ") == 2
    assert "a-secret" not in log and not re.search("DEEPL_AUTH_KEY|OPENAI_API_KEY|VLLM_API_KEY|HF_TOKEN", log)


def text_of(found: dict[int, Completion], place: int) -> str:
    return found[place].text


def killing_after(
    count: int, generator: VllmServerGenerator, requests: list[Request]
) -> Iterator[tuple[int, Completion]]:
    """Give the completions, and kill the server (kill -9) in their midst."""
    for number, pair in enumerate(generator.generate(requests)):
        if number == count:
            ((_, process),) = generator._servers.values()
            children = Path(f"/proc/{process._process.pid}/task/{process._process.pid}/children").read_text()
            os.kill(int(children.split()[0]), signal.SIGKILL)
        yield pair


def test_a_server_that_does_not_start_shows_why(tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="No module named 'vllm'") as caught:
        VllmServerGenerator(
            Engine(kind="vllm-server", command=(sys.executable, "-S")),
            "m",
            str(tiny_model("llama")),
            None,
            tmp_path / "logs",
        )
    assert str(tmp_path / "logs" / "vllm-server-0.log") in str(caught.value)


def test_the_command_says_what_the_recipe_says(tmp_path: Path) -> None:
    generator = object.__new__(VllmServerGenerator)
    generator._engine = Engine(
        kind="vllm-server",
        command=("singularity", "exec", "i.sif", "python"),
        tensor_parallel=2,
        extra_args=("--max-model-len", "4096"),
    )
    generator._served, generator._revision = "org/model", "abc"
    command = generator._command(Path("/tmp/kielo-x/0-0.sock"))
    assert command[:6] == ["singularity", "exec", "i.sif", "python", "-m", "vllm.entrypoints.openai.api_server"]
    assert command[-8:] == [
        "--revision",
        "abc",
        "--tokenizer-revision",
        "abc",
        "--tensor-parallel-size",
        "2",
        "--max-model-len",
        "4096",
    ]
    assert command[6:12] == ["--model", "org/model", "--uds", "/tmp/kielo-x/0-0.sock", "--dtype", "auto"]


@pytest.mark.parametrize(
    ("offline", "model", "keeps"),
    [("0", "org/model", True), ("1", "org/model", False), ("true", "org/model", False), ("", "/", False)],
)
def test_a_server_gets_the_key_of_the_hub_only_to_fetch(offline: str, model: str, keeps: bool) -> None:
    secrets = {"DEEPL_AUTH_KEY": "a", "OPENAI_API_KEY": "b", "HF_TOKEN": "c", "HF_HUB_OFFLINE": offline, "PATH": "/bin"}
    kept = set(without_secrets(secrets, model)) & set(secrets)
    assert kept == {"HF_HUB_OFFLINE", "PATH", *(["HF_TOKEN"] if keeps else [])}


def test_several_servers_share_the_work(tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    requests = [Request(f"The red river {number}", Sampling(8)) for number in range(40)]
    model = str(tiny_model("llama"))
    with open_generator(stand_in(tmp_path, servers=2, concurrency=4), model, None, tmp_path / "logs") as generator:
        assert len(list(generator.generate(requests))) == 40
    for number in (0, 1):
        assert "POST /v1/completions" in (tmp_path / f"logs/vllm-server-{number}.log").read_text()


def test_a_long_temporary_folder_holds_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets.os, "access", lambda path, _: path != "/tmp")
    monkeypatch.setattr(sockets.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(sockets, "_LONGEST_PATH_BYTES", len(str(tmp_path)) + 28)
    folder = sockets.socket_folder()
    assert folder.parent == tmp_path and len(str(folder / "999-999.sock")) <= len(str(tmp_path)) + 28
    monkeypatch.setattr(sockets, "_LONGEST_PATH_BYTES", len(str(tmp_path)) + 27)
    with pytest.raises(GenerationError, match="set TMPDIR to a short folder"):
        sockets.socket_folder()


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in sys.modules if name.startswith("kielo.generation.hf")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with (
        pytest.raises(MissingExtraError, match=r"\.\[train\]"),
        open_generator(Engine(kind="hf"), "m", None, tmp_path),
    ):
        pass
