"""The completion store: whatever interrupts a run, the next one goes on, and the result is that of an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kielo.errors import GenerationError, RunFolderError
from kielo.generation.protocol import Completion, Request, Sampling, completion_key, seed_of
from kielo.generation.store import CompletionStore, complete

ROOT = Path(__file__).resolve().parents[3]
TEXTS = st.text(max_size=12)


class Unsteady:
    """A generator whose completions are known in advance, which counts them, shuffles them and dies when told."""

    model = "unsteady"

    def __init__(self, dies_after: int | None = None, refuses: frozenset[str] = frozenset()) -> None:
        self.dies_after, self.refuses, self.made = dies_after, refuses, Counter[str]()

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        order = sorted(range(len(requests)), key=lambda place: completion_key("order", requests[place]))
        for count, place in enumerate(order):
            if count == self.dies_after:
                raise GenerationError("the server is gone")
            key = completion_key(self.model, requests[place])
            self.made[key] += 1
            yield place, self.completion(requests[place])

    def completion(self, request: Request) -> Completion:
        if request.prompt in self.refuses:
            return Completion("", "error", 3, 0, "refused")
        return Completion(f"{request.prompt}\u2028 {seed_of(completion_key(self.model, request))}", "stop", 3, 4)

    def close(self) -> None:
        pass


@settings(max_examples=60, deadline=None)
@given(prompts=st.lists(TEXTS, max_size=14), deaths=st.lists(st.integers(0, 6), max_size=4), tear=st.integers(0, 40))
def test_interrupted_and_resumed_is_uninterrupted(
    tmp_path_factory: pytest.TempPathFactory, prompts: list[str], deaths: list[int], tear: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    requests = [Request(prompt, Sampling(5)) for prompt in prompts]
    made: Counter[str] = Counter()
    torn = 0
    for death in deaths:
        engine = Unsteady(dies_after=death)
        try:
            with CompletionStore(folder) as store:
                complete(engine, requests, store, "test")
        except GenerationError:
            pass
        made += engine.made
        torn += _tear(folder, tear)
    engine = Unsteady()
    with CompletionStore(folder) as store:
        found = complete(engine, requests, store, "test")
    made += engine.made
    assert found == [engine.completion(request) for request in requests]
    assert sum(made.values()) == len(set(prompts)) + torn  # only what was torn away is made a second time
    assert all(json.loads(line) for shard in folder.glob("*.jsonl") for line in shard.read_bytes().splitlines())


def _tear(folder: Path, length: int) -> int:
    """Cut bytes off the newest shard, as a power failure does; return how many completions that destroys."""
    shards = [shard for shard in folder.glob("*.jsonl") if shard.stat().st_size]
    if not shards or not length:
        return 0
    before = shards[0].read_bytes()
    after = before[: max(0, len(before) - length)]
    shards[0].write_bytes(after)
    return before.count(b"\n") - after.count(b"\n")


def test_errors_are_given_back_but_asked_again(tmp_path: Path) -> None:
    requests = [Request(prompt, Sampling(5)) for prompt in "abcab"]
    with CompletionStore(tmp_path) as store:
        found = complete(Unsteady(refuses=frozenset("b")), requests, store, "test")
        assert [completion.finish_reason for completion in found] == ["stop", "error", "stop", "stop", "error"]
        assert len(store) == 2
    engine = Unsteady()
    with CompletionStore(tmp_path) as store:
        assert [completion.error for completion in complete(engine, requests, store, "test")] == [None] * 5
    assert sum(engine.made.values()) == 1


def test_a_lost_completion_is_an_error(tmp_path: Path) -> None:
    class Forgetful(Unsteady):
        def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
            yield from list(super().generate(requests))[1:]

    with CompletionStore(tmp_path) as store, pytest.raises(GenerationError, match="without 1 of 3"):
        complete(Forgetful(), [Request(prompt, Sampling(5)) for prompt in "abc"], store, "test")


def test_stores_open_at_once_write_to_their_own_shards(tmp_path: Path) -> None:
    done = Completion("text", "stop", 1, 1)
    with CompletionStore(tmp_path) as first, CompletionStore(tmp_path) as second:
        for number in range(50):
            first.append(f"first {number}", done)
            second.append(f"second {number}", done)
        second.append("first 3", done)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    with CompletionStore(tmp_path) as store:
        assert len(store) == 100
        store.append("more", done)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_a_damaged_line_is_said_and_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requests = [Request(prompt, Sampling(5)) for prompt in "abc"]
    with CompletionStore(tmp_path) as store:
        complete(Unsteady(), requests, store, "test")
    shard = tmp_path / "0001.jsonl"
    lines = shard.read_text("utf-8").split("\n")
    shard.write_text("\n".join([lines[0][:-9], *lines[1:]]), "utf-8")
    with CompletionStore(tmp_path) as store:
        assert len(store) == 2
    assert "0001.jsonl, line 1: not a completion" in capsys.readouterr().err


FULL_DISK = """
import resource, sys
from pathlib import Path
from kielo.errors import RunFolderError
from kielo.generation.protocol import Completion
from kielo.generation.store import CompletionStore
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
store = CompletionStore(Path(sys.argv[1]))
try:
    for number in range(100):
        store.append(f"key {number}", Completion("long enough " * 5, "stop", 1, 1))
except RunFolderError as error:
    print(len(store), error)
"""


def test_a_full_disk_keeps_whole_lines_and_says_how_to_go_on(tmp_path: Path) -> None:
    out = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    written = (tmp_path / "0001.jsonl").read_bytes()
    count = int(out.split()[0])
    assert 0 < count == written.count(b"\n") and written.endswith(b"\n") and len(written) <= 1000
    assert f"{count} completions are safe there" in out and "run the same command again" in out
    with CompletionStore(tmp_path) as store:
        assert len(store) == count


def test_other_write_errors_keep_their_name(tmp_path: Path) -> None:
    store = CompletionStore(tmp_path)
    store.append("a", Completion("", "stop", 1, 1))
    os.close(store._shard)  # type: ignore[arg-type]
    with pytest.raises(OSError) as caught:
        store.append("b", Completion("", "stop", 1, 1))
    assert not isinstance(caught.value, RunFolderError)
    store._shard = None


RUN = """
import runpy, sys
from pathlib import Path
from kielo.generation.hf import HfGenerator
from kielo.generation.store import CompletionStore, complete
requests_for_a_model = runpy.run_path(sys.argv[3])["requests_for_a_model"]
with CompletionStore(Path(sys.argv[2])) as store:
    complete(HfGenerator(sys.argv[1], batch_tokens=2500), requests_for_a_model(), store, "test")
"""


def requests_for_a_model() -> list[Request]:
    shots = "The old house waits and the red river falls.\n" * 6
    return [
        Request(f"{shots}The {n} ", Sampling(max_tokens=120, temperature=n % 2), shared_prefix=len(shots))
        for n in range(60)
    ]


def test_a_killed_run_loses_nothing_that_came(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    from kielo.generation.hf import HfGenerator

    killed = _start(str(tiny_model("llama")), tmp_path / "completions")
    while _lines(tmp_path / "completions") < 8:
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(20) != 0
    before = _lines(tmp_path / "completions")
    assert 8 <= before < 60
    engine = HfGenerator(str(tiny_model("llama")), batch_tokens=2500)
    with CompletionStore(tmp_path / "completions") as store, CompletionStore(tmp_path / "undisturbed") as other:
        resumed = complete(engine, requests_for_a_model(), store, "test")
        assert resumed == complete(engine, requests_for_a_model(), other, "test")
    assert _lines(tmp_path / "completions") == 60


def _start(*arguments: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, arguments), __file__],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )


def _lines(folder: Path) -> int:
    return sum(shard.read_bytes().count(b"\n") for shard in folder.glob("*.jsonl"))
