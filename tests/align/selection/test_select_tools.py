"""`kielo select TOOL` for the baselines: ids out in the order picked, the same as the methods give, and mistakes in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from align.selection.baselines.command import READS
from align.selection.methods import BASELINES, METHODS, find_method
from align.selection.pool import Wanted
from kielo.errors import SourceError, UsageError
from kielo.schema.selection import NEEDS, Car, Deita, Qdit
from kielo.verbs.select_tools import TOOLS, parse_select
from tests.align.selection.baselines.pools import make_pool

POOL = make_pool(40, 11)
SETTINGS = {"deita": Deita(threshold=0.97), "car": Car(clusters=3), "qdit": Qdit(alpha=0.25)}
OPTIONS = {"deita": ["--threshold", "0.97"], "car": ["--clusters", "3"], "qdit": ["--alpha", "0.25"]}


@pytest.fixture
def select(tmp_path: Path) -> Callable[..., list[str | int]]:
    """Run a tool on the pool in a file; further options may follow."""
    labels = POOL.labels
    rows = [
        {
            "id": POOL.ids[row], "language": POOL.languages[row], "score": POOL.scores[row], "length": int(POOL.lengths[row]),
            "ifd": POOL.ifd[row], "labels": [labels.names[n] for n in labels.numbers[labels.starts[row] : labels.starts[row + 1]]],
        }
        for row in range(len(POOL.ids))
    ]  # fmt: skip
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    np.save(tmp_path / "e.npy", POOL.embeddings)

    def run(tool: str, *options: str, size: int = 7) -> list[str | int]:
        out = tmp_path / "ids.json"
        given = [tool, "--pool", str(tmp_path / "pool.jsonl"), "--size", str(size), "--out", str(out), *options]
        given += ["--embeddings", str(tmp_path / "e.npy")] if tool in SETTINGS else []
        arguments = parse_select(given)
        arguments.function(arguments)
        return json.loads(out.read_text())

    return run


@pytest.mark.parametrize("tool", BASELINES)
def test_a_tool_gives_what_its_method_picks(select, capsys, tool):
    if tool == "car":
        pytest.importorskip("sklearn", reason="extra select: scikit-learn")
    budgets = ["--budget", "en=4", "--budget", "fi=3"]
    picks = find_method(tool)(POOL, Wanted(7, {"en": 4, "fi": 3}), SETTINGS.get(tool))
    assert select(tool, *budgets, *OPTIONS.get(tool, [])) == [POOL.ids[row] for row in picks.rows]
    assert capsys.readouterr().out.startswith("7 of 40 rows")


def test_the_seed_is_that_of_the_recipe(select):
    picks = find_method("random")(POOL, Wanted(7, seed=5), None)
    assert select("random", "--seed", "5") == [POOL.ids[row] for row in picks.rows] != select("random")


def test_rows_that_lack_a_key(select, tmp_path):
    rows = [{"id": 1, "score": 5}, {"id": "b"}, {"id": 3, "score": 9}]
    (tmp_path / "short.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    of = ("--pool", str(tmp_path / "short.jsonl"))
    with pytest.raises(SourceError, match="line 2: row 'b' has no score"):
        select("score", *of, size=2)
    assert select("score", *of, "--missing", "skip", size=2) == [3, 1]
    assert select("score", *of, "--missing", "minimum", size=3) == [3, 1, "b"]


def test_mistakes_are_one_sentence(select, tmp_path, capsys):
    with pytest.raises(UsageError, match="no way to select called 'dieta'; did you mean 'deita'?"):
        select("dieta")
    with pytest.raises(SourceError, match="41 rows are to be selected and there are 40"):
        select("longest", size=41)
    with pytest.raises(UsageError, match="--threshold: Input should be less than or equal to 1; this is 1.5"):
        select("deita", "--threshold", "1.5")
    with pytest.raises(UsageError, match="--out .*this file is an input"):
        select("longest", "--out", str(tmp_path / "pool.jsonl"))
    np.save(tmp_path / "e.npy", POOL.embeddings[:-1])
    with pytest.raises(SourceError, match="39 vectors for 40 rows"):
        select("qdit")
    with pytest.raises(SystemExit):
        select("deita", "--threshold", "much")
    assert "invalid float value: 'much'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        select("car", "--seed", "-5")
    assert "'-5' is no whole number from 0 to 4294967295" in capsys.readouterr().err


def test_every_method_of_a_recipe_can_be_had_as_a_tool(capsys):
    assert set(METHODS) == set(NEEDS) == {*BASELINES, "mig"} and set(READS) == set(BASELINES)
    assert set(TOOLS) == {*METHODS, "near-duplicates"}
    parse_select([]).function(None)
    listed = capsys.readouterr().out
    assert all(f"  {tool} " in listed for tool in TOOLS)
    knowledge = {"labels": "labels", "scores": "scores", "ifd": "ifd"}
    for name, baseline in READS.items():
        needs = {
            *(knowledge[need] for need in baseline.needs if need in knowledge),
            *(["embeddings"] if baseline.embeddings else []),
        }
        assert needs == NEEDS[name]


def test_the_list_of_tools_costs_no_numpy():
    code = "import sys, kielo.verbs.select_tools; assert not {'numpy', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[3])
