"""Shards: each makes its part of the completions; the merge verifies that all records are there, and asks for nothing again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kielo.cli import main
from kielo.errors import RunFolderError, UsageError
from kielo.models import POCKET
from kielo.records import read_jsonl
from tests.translate.conftest import pocket_recipe
from translate.shards import Shard, begin_shard, merge_shards, parse_shard, shard_complete, write_shard

IDS = [f"d/{number:05}" for number in range(7)]
needs_pocket_model = pytest.mark.skipif(not POCKET.is_dir(), reason="the pocket base model has not been made yet")


def test_shards_hold_every_record_once() -> None:
    parts = [Shard(number, 3).of(IDS) for number in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == IDS
    assert [len(part) for part in parts] == [3, 2, 2]


@pytest.mark.parametrize("written", ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_wrong_shard_is_one_sentence(written: str) -> None:
    with pytest.raises(UsageError, match="such as 3/8"):
        parse_shard(written)


def test_a_merge_verifies_the_ids(tmp_path: Path) -> None:
    assert merge_shards(tmp_path, IDS) == {}
    for number in (1, 3):
        write_shard(tmp_path, Shard(number, 3), Shard(number, 3).of(IDS))
    with pytest.raises(RunFolderError, match="of 3 shards, 2 not complete"):
        merge_shards(tmp_path, IDS)
    write_shard(tmp_path, Shard(2, 3), Shard(2, 3).of(IDS))
    assert merge_shards(tmp_path, IDS) == {"shards": 3}
    with pytest.raises(RunFolderError, match="d/00007"):
        merge_shards(tmp_path, [*IDS, "d/00007"])
    write_shard(tmp_path, Shard(1, 2), IDS)
    with pytest.raises(RunFolderError, match="different divisions"):
        merge_shards(tmp_path, IDS)


def test_another_division_takes_the_place_of_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shard(tmp_path, Shard(1, 3), IDS)
    for number in (1, 2):
        begin_shard(tmp_path, Shard(number, 2))
        assert not shard_complete(tmp_path, Shard(number, 2))
        write_shard(tmp_path, Shard(number, 2), Shard(number, 2).of(IDS))
        assert shard_complete(tmp_path, Shard(number, 2))
    assert "1-of-3.json: of another division" in capsys.readouterr().err
    assert merge_shards(tmp_path, IDS) == {"shards": 2}
    (tmp_path / "shards/1-of-2.json").write_text("{}")
    with pytest.raises(RunFolderError, match="1-of-2.json: damaged"):
        shard_complete(tmp_path, Shard(1, 2))


RECIPE = pocket_recipe("talks: {kind: conversations, pocket: oasst2, rows: 24}")


@needs_pocket_model
def test_sharded_and_unsharded_runs_write_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE, "utf-8")
    assert main(["translate", str(recipe), "--run", "whole"]) == 0
    for shard in ("2/3", "1/3"):
        assert main(["translate", str(recipe), "--run", "parts", "--shard", shard]) == 0
    assert main(["translate", str(recipe), "--run", "parts"]) == 2
    assert "of 3 shards, 3 not complete" in capsys.readouterr().err
    assert main(["translate", str(recipe), "--run", "parts", "--shard", "3/3"]) == 0
    made = completions(tmp_path / "parts")
    assert main(["translate", str(recipe), "--run", "parts"]) == 0
    for name in ("accepted.jsonl", "rejected.jsonl", "translations.jsonl", "segments.jsonl"):
        whole, parts = (tmp_path / run / "translate/talks" / name for run in ("whole", "parts"))
        assert parts.read_bytes() == whole.read_bytes()
    again = completions(tmp_path / "parts")
    assert len(again) == len(set(again)), "no completion was made twice"
    assert set(made) <= set(again)
    assert json.loads((tmp_path / "parts/translate/talks/step.json").read_text("utf-8"))["counts"]["shards"] == 3


def completions(run: Path) -> list[str]:
    files = sorted((run / "translate/talks/completions").glob("*.jsonl"))
    return [row["key"] for file in files for _, row in read_jsonl(file)]


@needs_pocket_model
def test_answers_made_anew_wait_until_their_prompts_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    anew = "anew: {kind: conversations, prompts_of: talks, engine: {kind: hf}, max_tokens: 200}"
    text = pocket_recipe("talks: {kind: conversations, pocket: oasst2, rows: 4}", anew)
    (tmp_path / "small.yaml").write_text(text, "utf-8")
    command = ["translate", "small.yaml", "--run", "run"]
    assert main([*command, "--shard", "1/1"]) == 0
    assert "regenerate/anew: when translate/talks is put together; run the shards again then" in capsys.readouterr().err
    assert main([*command, "--only", "translate/talks"]) == 0
    assert main([*command, "--shard", "1/1"]) == 0
    assert shard_complete(tmp_path / "run/regenerate/anew", Shard(1, 1))
    assert main(command) == 0
    assert (tmp_path / "run/regenerate/anew/accepted.jsonl").is_file()
