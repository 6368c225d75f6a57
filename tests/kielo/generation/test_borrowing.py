"""One store across a recipe: what another step's store holds is not made again, and is never depended on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from kielo.generation.protocol import Completion, Request, Sampling
from kielo.generation.store import CompletionStore, complete


class Upper:
    """An engine that counts what it is asked."""

    model = "m"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        for place, request in enumerate(requests):
            self.asked.append(str(request.prompt))
            yield place, Completion(str(request.prompt).upper(), "stop", 3, 4, logprob=-0.5)

    def close(self) -> None:
        pass


def run(folder: Path, prompts: str, *also: Path) -> tuple[list[Completion], list[str], int]:
    engine = Upper()
    with CompletionStore(folder, also) as store:
        found = complete(engine, [Request(prompt, Sampling(5)) for prompt in prompts], store, "test")
        return found, engine.asked, len(store.borrowed)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_another_step_holds_is_not_made_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    made, _, _ = run(first, "abc")
    before = contents(first)
    found, asked, borrowed = run(second, "xbcbd", first)
    assert (sorted(asked), borrowed) == (["d", "x"], 2)
    assert [completion.text for completion in found] == list("XBCBD") and found[1] == made[1]
    assert contents(first) == before


def test_it_is_ours_from_then_on(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run(first, "abc")
    once = run(second, "abd", first)
    shutil.rmtree(first)
    again = run(second, "abd", first)
    assert (again[0], again[1], again[2]) == (once[0], [], 2)
    assert run(second, "abd") == again


def test_a_third_step_takes_from_the_second_what_that_took_from_the_first(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    run(folders[0], "abc")
    run(folders[1], "bd", *folders)
    shutil.rmtree(folders[0])
    assert run(folders[2], "bd", *folders)[1:] == ([], 2)


def test_its_own_folder_and_missing_ones_are_no_others(tmp_path: Path) -> None:
    own = tmp_path / "own"
    run(own, "ab")
    assert run(own, "ab", own, tmp_path / "missing", tmp_path / "own" / ".." / "own")[1:] == ([], 0)
    assert not (tmp_path / "missing").exists()


def test_a_torn_line_over_there_is_made_here(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run(first, "ab")
    (shard,) = first.iterdir()
    shard.write_bytes(shard.read_bytes()[:-4])
    assert run(second, "ab", first)[1:] == (["b"], 1)
    assert sorted(json.loads(line)["text"] for line in (second / "0001.jsonl").read_text().splitlines()) == ["A", "B"]
