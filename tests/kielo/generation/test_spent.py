"""What generation took: counted while it runs, kept beside the completions, added up by model, engine and device; peak memory by its tools."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kielo.generation import memory, spent
from kielo.generation.memory import Peak, gauge_elsewhere, gauge_servers
from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.spent import GENERATION, SESSIONS, Measured, added_up, publish
from kielo.generation.store import CompletionStore, complete

REQUESTS = [Request(f"prompt {number}", Sampling(8)) for number in range(5)]


class Steady:
    """An engine whose every completion has 10 tokens before it and 4 in it."""

    model = "steady"

    def __init__(self) -> None:
        self.closed = False

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for index in range(len(requests)):
            yield index, Completion("text", "stop", 10, 4)

    def close(self) -> None:
        self.closed = True


def measured(folder: Path, device: str | None = "cpu") -> Measured:
    return Measured(Steady(), "hf", device, lambda: Peak(1000, "counted"), folder)


def test_the_store_publishes_what_its_completions_took(tmp_path: Path) -> None:
    for requests in (REQUESTS[:3], REQUESTS):
        with CompletionStore(tmp_path / "completions") as store:
            complete(measured(store.folder), requests, store, "test")
    found = json.loads((tmp_path / GENERATION).read_text())
    assert {key: found[key] for key in ("model", "engine", "device", "requests", "prompt_tokens", "completion_tokens")} == {
        "model": "steady", "engine": "hf", "device": "cpu", "requests": 5, "prompt_tokens": 50, "completion_tokens": 20,
    }  # fmt: skip
    assert (found["sessions"], found["peak_memory_bytes"], found["memory"]) == (2, 1000, "counted")
    assert found["seconds"] >= 0


def test_what_was_never_measured_leaves_no_file(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "completions") as store:
        complete(Steady(), REQUESTS, store, "test")
        list(measured(store.folder).generate([]))
    assert not (tmp_path / GENERATION).exists()


def test_who_stops_listening_has_what_was_spent_so_far(tmp_path: Path) -> None:
    stream = measured(tmp_path / "completions").generate(REQUESTS)
    list(islice(stream, 2))
    stream.close()
    publish(tmp_path / "completions")
    assert json.loads((tmp_path / GENERATION).read_text())["requests"] == 2


def test_it_is_written_while_it_generates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spent, "_WRITE_SECONDS", 0.0)
    stream = measured(tmp_path).generate(REQUESTS)
    for number in range(1, 4):
        next(stream)
        (file,) = (tmp_path / SESSIONS).glob("*.json")
        assert json.loads(file.read_text())["requests"] == number


def session(model: str, device: str | None, requests: int, peak: int | None, until: float) -> dict[str, object]:
    return {
        "model": model, "engine": "hf", "device": device, "requests": requests, "prompt_tokens": 2 * requests,
        "completion_tokens": 3 * requests, "seconds": 0.5 * requests, "peak_memory_bytes": peak, "memory": str(peak), "until": until,
    }  # fmt: skip


def test_another_model_or_device_is_apart_and_the_last_one_stands_in_front() -> None:
    found = added_up(
        [session("b", "cpu", 1, 5, 2.0), session("a", "cpu", 1, None, 1.0), session("b", "H200", 4, 7, 1.5)]
    )
    assert (found["model"], found["device"], found["requests"]) == ("b", "cpu", 1)
    assert [(other["model"], other["device"]) for other in found["others"]] == [("b", "H200"), ("a", "cpu")]


sessions = st.lists(
    st.builds(session, st.sampled_from("ab"), st.sampled_from([None, "cpu"]), st.integers(0, 9), st.none() | st.integers(1, 9), st.floats(0, 9)),
    min_size=1,
)  # fmt: skip


@given(sessions)
def test_nothing_is_lost_or_counted_twice(of: list[dict[str, object]]) -> None:
    found = added_up(of)
    every = [found, *found.get("others", [])]
    assert sum(each["requests"] for each in every) == sum(int(str(each["requests"])) for each in of)
    assert sum(each["sessions"] for each in every) == len(of)
    assert len({(each["model"], each["device"]) for each in every}) == len(every)
    known = [each["peak_memory_bytes"] for each in of if each["peak_memory_bytes"] is not None]
    assert max((each["peak_memory_bytes"] or 0 for each in every), default=0) == max(known, default=0)


HOLDING = """
from kielo.generation.memory import gauge_here, resident
before = resident()
gauge = gauge_here(before)
first = gauge()
held = bytearray(64 << 20)
held[::4096] = b"x" * len(held[::4096])
del held
print(first.bytes, gauge().bytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="this system tells no process's memory in /proc")
def test_the_peak_of_this_process_stays_when_its_memory_is_given_back() -> None:
    pytest.importorskip("torch")
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", HOLDING], capture_output=True, text=True, env=environment, check=True)
    first, most = map(int, done.stdout.split())
    assert (60 << 20) < most - first < (80 << 20)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put tools of drivers first on the path: name -> what one prints."""

    def put(**said: str) -> None:
        for name, text in said.items():
            tool = tmp_path / name.replace("_", "-")
            tool.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\n", "utf-8")
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def test_servers_memory_is_what_the_driver_says_of_their_processes(tools) -> None:
    own, group = os.getpid(), os.getpgid(0)
    tools(nvidia_smi=f"{own}, 70000\n{own}, 1000\n1, 500")
    found = gauge_servers([group])
    assert found.bytes == 71000 << 20 and "nvidia-smi" in found.how
    head = "PID NAME GPU(s) VRAM USED SDMA USED CU OCCUPANCY"
    tools(nvidia_smi="1, 500", rocm_smi=f"{head}\n{own} python 1 177386942464 0 4\n1 other 1 UNKNOWN UNKNOWN UNKNOWN")
    found = gauge_servers([group])
    assert found.bytes == 177386942464 and "rocm-smi" in found.how


def test_memory_that_nobody_tells_is_none_with_the_reason(tools) -> None:
    tools(nvidia_smi="No devices were found", rocm_smi=f"{os.getpid()} python 1 UNKNOWN UNKNOWN UNKNOWN")
    assert gauge_servers([os.getpgid(0)]) == Peak(
        None, "neither nvidia-smi nor rocm-smi tells what the servers' processes hold"
    )
    assert gauge_servers([]).bytes is None
    assert gauge_elsewhere().bytes is None and "not Kielo's" in gauge_elsewhere().how


def test_a_system_without_proc_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert memory.gauge_here(memory.resident())() == Peak(None, "this system does not tell a process's memory in /proc")
