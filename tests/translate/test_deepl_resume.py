"""DeepL interrupted by its quota or by kill -9: the same command goes on, no text is paid for twice, and the end is the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import GenerationError
from tests.conftest import ROOT
from tests.translate.deepl_server import DeepLServer, environment, serving, store_in, translator
from translate.answers import Answer, Segment
from translate.translators.deepl_queue import AT_ONCE
from translate.translators.deepl_requests import MOST_TEXTS

# Every tenth has a span whose element is lost, so that it is asked for a second time, in pieces.
SEGMENTS = [Segment(f"Text number {number} with `code {number}` and {'lost' if number % 10 == 0 else 'kept'}") for number in range(500)] + [
    Segment(f"Plain text {number}") for number in range(500)
]  # fmt: skip
PROGRAM = """
import signal
import sys
from pathlib import Path
from tests.translate.deepl_server import store_in, translator
from tests.translate.test_deepl_resume import SEGMENTS
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
with store_in(Path(sys.argv[1])) as store:
    translator(store).translate(SEGMENTS)
"""


def losing(text: str) -> str:
    return text if "tsol" not in text else text.partition("<x")[0] + text.rpartition("</x>")[2]


def slowly(reply: Any) -> Any:
    time.sleep(0.02)  # so that a process does not end before it is killed
    return reply


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeepLServer]:
    with serving(monkeypatch) as server:
        server.answer_text = losing
        yield server


def run(folder: Path) -> list[Answer]:
    with store_in(folder) as store:
        return translator(store).translate(SEGMENTS)


def uninterrupted(server: DeepLServer, folder: Path) -> tuple[list[Answer], Counter[str]]:
    answers, paid = run(folder / "uninterrupted"), Counter(server.paid)
    server.paid.clear()
    server.requests.clear()
    server.characters = 0
    return answers, paid


def test_a_quota_stop_is_clean_and_the_resume_exact(server: DeepLServer, tmp_path: Path) -> None:
    answers, paid = uninterrupted(server, tmp_path)
    assert set(paid.values()) == {1}
    stops = 0
    for limit in (0, 5_000, 17_000, 17_001, 10**6):
        server.character_limit = limit
        try:
            resumed = run(tmp_path / "stopped")
        except GenerationError as error:
            stops += 1
            done, asked = len(server.paid), 1000 if len(server.paid) < 1000 else 1100
            assert f"DeepL's quota is used up; {done} of {asked} texts are translated and safe" in str(error)
            assert f"in {tmp_path / 'stopped' / 'completions'}, {asked - done} remain." in str(error)
            assert "456" in str(error)
    assert stops == 4
    assert resumed == answers
    assert Counter(server.paid) == paid, "each text is paid for once, and the same texts as without a stop"


def started(server: DeepLServer, folder: Path) -> subprocess.Popen[bytes]:
    variables = {**os.environ, **environment(server), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)], env=variables, cwd=ROOT, stderr=subprocess.DEVNULL
    )


def stored(folder: Path) -> int:
    return sum(shard.read_bytes().count(b"\n") for shard in (folder / "completions").glob("*.jsonl"))


def wait_until_stored(process: subprocess.Popen[bytes], folder: Path, lines: int) -> None:
    deadline = time.monotonic() + 60
    while stored(folder) < lines:
        assert process.poll() is None and time.monotonic() < deadline, "it ended, or does not go on"
        time.sleep(0.002)


def test_killed_while_it_waits_no_text_is_paid_for_twice(server: DeepLServer, tmp_path: Path) -> None:
    answers, paid = uninterrupted(server, tmp_path)
    folder = tmp_path / "killed"
    server.silent_after = 7
    process = started(server, folder)
    wait_until_stored(process, folder, 7 * MOST_TEXTS)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(server.paid) == 7 * MOST_TEXTS
    server.silent_after = None
    assert run(folder) == answers
    assert Counter(server.paid) == paid


def test_killed_at_any_moment_only_what_was_under_way_is_paid_for_again(server: DeepLServer, tmp_path: Path) -> None:
    answers, paid = uninterrupted(server, tmp_path)
    for seed in range(2):
        folder = tmp_path / f"killed {seed}"
        server.paid.clear()
        server.answer = slowly
        process = started(server, folder)
        wait_until_stored(process, folder, random.Random(seed).randrange(1, 900))
        process.send_signal(signal.SIGKILL)
        process.wait()
        server.wait_until_left()
        server.answer = lambda reply: reply
        kept = stored(folder)
        again = len(server.paid) - kept
        assert 0 <= again <= AT_ONCE * MOST_TEXTS
        assert run(folder) == answers
        assert set(server.paid) == set(paid)
        assert len(server.paid) - len(paid) == again, "a text that was stored is never asked for again"


def test_ctrl_c_waits_for_what_is_under_way(server: DeepLServer, tmp_path: Path) -> None:
    server.answer = slowly
    process = started(server, tmp_path)
    wait_until_stored(process, tmp_path, 200)
    process.send_signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT
    assert 200 <= stored(tmp_path) == len(server.paid) < 1000
