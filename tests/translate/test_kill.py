"""kill -9 in the midst of a translation over HTTP: the files in the end are those of an undisturbed run, and nothing is paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from kielo.models import POCKET, model_identity
from kielo.pocket import datasets as pocket
from tests.kielo.generation.http_server import Server
from tests.translate.http_engine import by_dictionary, key_of, text_of

ROOT = Path(__file__).resolve().parents[2]
CONVERSATIONS, SENTENCES = 150, 6
CONCURRENCY, ANSWER_SECONDS = 8, 0.015
KILLS, KILLS_AMONG_REQUESTS = 20, 16
BOOKKEEPING = ("step.json", "begun.json", "generation.json")
RECIPE = """\
language: fi
model: pocket
translate:
  engine: {kind: openai, urls: ["URL"], concurrency: CONCURRENCY}
  prompt: {shots: 3, shots_file: pocket}
  datasets:
    talks: {kind: conversations, local: talks.jsonl}
sft: {mixes: {all: {shares: {en: 1.0}}}}
"""

needs_pocket_model = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")
pytestmark = needs_pocket_model


@pytest.fixture(scope="module")
def pairs() -> dict[str, str]:
    return {row["source"]: row["target"] for row in pocket.rows("parallel", CONVERSATIONS * SENTENCES, 7)}


@pytest.fixture(scope="module")
def recipe(pairs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """A recipe over conversations of several paragraphs and list items each, and the server that it names."""
    folder, sentences = tmp_path_factory.mktemp("recipe"), list(pairs)
    rows = [_conversation(sentences[start : start + SENTENCES]) for start in range(0, len(sentences), SENTENCES)]
    (folder / "talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    server = Server(by_dictionary(pairs, ANSWER_SECONDS, refused(pairs)))
    text = RECIPE.replace("URL", server.url).replace("CONCURRENCY", str(CONCURRENCY))
    (folder / "talks.yaml").write_text(text, "utf-8")
    yield folder / "talks.yaml", server
    server.http.shutdown()
    server.http.server_close()


def refused(pairs: dict[str, str]) -> frozenset[str]:
    """Name the texts that the server refuses: their records are rejected, and nothing of them can be stored."""
    return frozenset(list(pairs)[::200])


def _conversation(sentences: list[str]) -> dict[str, object]:
    question, opening, *points = sentences
    answer = f"{opening}\n\n" + "\n".join(f"- {point}" for point in points)
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture(scope="module")
def undisturbed(recipe: tuple[Path, Server], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run that nobody disturbs leaves."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    with translating(recipe[0], run) as process:
        assert process.wait(120) == 0
    counts = json.loads((run / "translate" / "talks" / "step.json").read_text())["counts"]
    assert 0.9 * CONVERSATIONS < counts["accepted"] < CONVERSATIONS == counts["records"]
    return outputs(run)


@contextmanager
def translating(recipe: Path, run: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start `kielo translate` as a user does; whatever happens, it is ended at the end."""
    command = [sys.executable, "-m", "kielo.cli", "translate", str(recipe), "--run", str(run)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def outputs(run: Path) -> dict[str, bytes]:
    """Read the files of all steps but their bookkeeping and the store, whose order is that in which answers came."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.name not in BOOKKEEPING and not {"completions", ".locks"} & set(path.parts)
    }


def assert_same(found: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> None:
    """Compare file by file and line by line, so that a difference can be read."""
    assert found.keys() == wanted.keys()
    for name, content in wanted.items():
        for line, (mine, theirs) in enumerate(zip_longest(found[name].splitlines(), content.splitlines()), 1):
            assert mine == theirs, f"{name}, line {line}"


def stored(run: Path) -> set[str]:
    """Read the keys of the completions that are stored; a last line without an end is none."""
    shards = (run / "translate" / "talks" / "completions").glob("*.jsonl")
    return {json.loads(line)["key"] for shard in shards for line in shard.read_bytes().split(b"\n")[:-1]}


def test_twenty_kills_change_nothing_and_cost_nothing(
    recipe: tuple[Path, Server], undisturbed: dict[str, bytes], pairs: dict[str, str], tmp_path: Path
) -> None:
    file, server = recipe
    run, chance, known = tmp_path / "run", random.Random(6), set[str]()
    everything = {model_key(body) for body in server.bodies if text_of(body) not in refused(pairs)} - CHECKS
    ended = []
    for kills in range(KILLS + 1):
        asked = len(server.bodies)
        with translating(file, run) as process:
            if kills < KILLS_AMONG_REQUESTS:
                _let_it_work(process, server, chance, len(everything) // KILLS)
            elif kills < KILLS:
                _let_it_come_to_its_end(process, run, chance, everything)
            if kills < KILLS:
                process.send_signal(signal.SIGKILL)
            ended.append(process.wait(120))
        sent = {model_key(body) for body in server.bodies[asked:] if text_of(body) not in refused(pairs)} - CHECKS
        before, known = known, stored(run)
        assert before <= known and not before & sent, "a stored completion was lost, or asked for again"
        # Lost is what was under way, and what the server had answered while a completion was forced to the disk.
        assert len(sent - known) <= 3 * CONCURRENCY
    assert ended[:KILLS_AMONG_REQUESTS] == [-signal.SIGKILL] * KILLS_AMONG_REQUESTS and ended[-1] == 0
    assert known == everything
    assert_same(outputs(run), undisturbed)


def _let_it_work(process: subprocess.Popen[bytes], server: Server, chance: random.Random, most: int) -> None:
    """Wait for a random moment: one in five falls into the start, the others among the requests."""
    if chance.random() < 0.2:
        time.sleep(chance.uniform(0, 0.7))
        return
    goal = len(server.bodies) + chance.randint(1, most)
    while len(server.bodies) < goal:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.002)
    time.sleep(chance.uniform(0, ANSWER_SECONDS))


def _let_it_come_to_its_end(
    process: subprocess.Popen[bytes], run: Path, chance: random.Random, everything: set[str]
) -> None:
    """Wait for a random moment after the last completion: among the checks, or while the files are written."""
    while process.poll() is None and not everything <= stored(run):
        time.sleep(0.02)
    time.sleep(chance.uniform(0, 0.3))


def model_key(body: Mapping[str, Any]) -> str:
    return key_of(model_identity(str(POCKET)), body)


CHECKS = {model_key({"prompt": "Hello", "max_tokens": 1, "temperature": 0.0})} if POCKET.is_dir() else set[str]()
"""How the engine asks whether a server that refused a request is well; it is nobody's completion."""


def test_a_second_process_is_refused_and_sigterm_stops_the_first_cleanly(
    recipe: tuple[Path, Server], undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    file, server = recipe
    run = tmp_path / "run"
    with translating(file, run) as first:
        while not stored(run):
            assert first.poll() is None
            time.sleep(0.005)
        first.send_signal(signal.SIGSTOP)  # so that it cannot be done before the second one looks
        with translating(file, run) as second:
            _, said = second.communicate(timeout=60)
            assert second.returncode == 2 and f"process {first.pid} works on this step".encode() in said
        first.send_signal(signal.SIGCONT)
        first.send_signal(signal.SIGTERM)
        _, said = first.communicate(timeout=60)
        assert first.returncode == 130 and b"the same command continues from here" in said
    known, asked = stored(run), len(server.bodies)
    with translating(file, run) as process:
        assert process.wait(120) == 0
    assert known and not known & {model_key(body) for body in server.bodies[asked:]}
    assert_same(outputs(run), undisturbed)


def test_a_server_that_dies_for_good_leaves_one_sentence_and_what_came(
    recipe: tuple[Path, Server], undisturbed: dict[str, bytes], pairs: dict[str, str], tmp_path: Path,
    serve_until: Callable[[int], Server],
) -> None:  # fmt: skip
    file, server = recipe
    dying = serve_until(100)
    other = tmp_path / "dying.yaml"
    (tmp_path / "talks.jsonl").write_bytes((file.parent / "talks.jsonl").read_bytes())
    other.write_text(file.read_text("utf-8").replace(server.url, dying.url) + "name: talks\n", "utf-8")
    run = tmp_path / "run"
    with translating(other, run) as process:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2
    assert b"Traceback" not in said and b"401 the key has expired" in said
    known = stored(run)
    assert len(known) >= 80
    asked = len(server.bodies)
    other.write_text(file.read_text("utf-8") + "name: talks\n", "utf-8")
    with translating(other, run) as process:
        assert process.wait(120) == 0
    assert not known & {model_key(body) for body in server.bodies[asked:]}
    assert_same({**outputs(run), "recipe.json": b""}, {**undisturbed, "recipe.json": b""})


@pytest.fixture
def serve_until(pairs: dict[str, str]) -> Iterator[Callable[[int], Server]]:
    """Start a server that takes a number of requests and then none: its key has expired."""
    servers = []

    def start(count: int) -> Server:
        well = by_dictionary(pairs, ANSWER_SECONDS, refused(pairs))
        expired = 401, {"Content-Type": "application/json"}, b'{"error": {"message": "the key has expired"}}'
        servers.append(Server(lambda body, number: well(body, number) if number < count else expired))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()
