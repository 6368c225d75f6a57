"""`kielo select mig` from files to a file: the ids in the order picked, the report, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from align.selection.mig import pick
from align.selection.pool import Wanted
from kielo.errors import UsageError
from kielo.schema.selection import Mig
from kielo.verbs.select_tools import parse_select
from tests.align.selection.mig.pools import random_pool, row_labels


@pytest.fixture
def files(tmp_path: Path) -> Path:
    pool = random_pool(120, 20, seed=4)
    assert pool.labels is not None and pool.scores is not None
    rows = [
        {"id": name if row % 2 else row, "language": "fi" if row % 3 else "en", "labels": [pool.labels.names[label] for label in labels], "score": score}
        for row, (name, labels, score) in enumerate(zip(pool.ids, row_labels(pool), pool.scores.tolist(), strict=True))
    ]  # fmt: skip
    (tmp_path / "pool.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "names.txt").write_text("\n".join(pool.labels.names))
    np.save(tmp_path / "e.npy", pool.labels.vectors)
    return tmp_path


def select(files: Path, *more: str) -> list[str | int]:
    arguments = parse_select([
        "mig", "--pool", str(files / "pool.jsonl"), "--label-names", str(files / "names.txt"),
        "--out", str(files / "ids.json"), *more,
    ])  # fmt: skip
    arguments.function(arguments)
    ids: list[str | int] = json.loads((files / "ids.json").read_text())
    return ids


def test_ids_are_written_in_the_order_picked(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors = ["--label-embeddings", str(files / "e.npy")]
    ids = select(files, *vectors, "--threshold", "0.6", "--gain", "true", "--norm", "--size", "30", "--json", str(files / "report.json"))  # fmt: skip
    expected = pick(random_pool(120, 20, seed=4), Wanted(30), Mig(threshold=0.6, gain="true", norm=True))
    assert ids == [f"r{row}" if row % 2 else row for row in expected.rows.tolist()]
    report = json.loads((files / "report.json").read_text())
    assert report["settings"] == {"threshold": 0.6, "propagation": 1.0, "norm": True, "gain": "true", "information": "power", "exponent": 0.8, "offset": 1e-6}  # fmt: skip
    assert report["information"] == expected.counts["information"]
    printed = capsys.readouterr().out
    assert "30 of 120 rows" in printed and "norm on, gain true" in printed


def test_budgets_are_kept(files: Path) -> None:
    ids = select(files, "--propagation", "0", "--size", "30", "--budget", "en=25", "--budget", "fi=5")
    assert sum(int(str(each).removeprefix("r")) % 3 == 0 for each in ids) == 25


def test_what_does_not_count_is_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (files / "pool.jsonl").open("a") as pool:
        pool.write('\n{"id": "new", "labels": ["label 3", "labels 4"], "score": 3}\n{"id": "bare", "score": 3}\n')
    select(files, "--propagation", "0", "--size", "5", "--missing", "skip")
    told = capsys.readouterr().err
    assert "1 rows have no labels: left out." in told
    assert "1 labels of the pool are not in" in told and "'labels 4' in 1 rows, nearest name 'label 4'" in told


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([], "labels are joined by their vectors, and there are none"),
        (["--threshold", "0"], "--threshold: Input should be greater than 0"),
        (["--threshold", "nan"], "--threshold: "),
        (["--propagation", "inf"], "--propagation: "),
        (["--propagation", "1e308"], "--propagation: Input should be less than or equal to"),
        (["--offset", "1e-320"], "--offset: Input should be greater than or equal to"),
        (["--propagation", "0", "--out", "{files}/ids.json.gz"], "files are written uncompressed"),
        (["--exponent", "1.5"], "--exponent: Input should be less than or equal to 1"),
        (["--rate", "2"], "rate would do nothing with information power"),
        (["--information", "exponential", "--offset", "2"], "offset would do nothing with information exponential"),
        (["--propagation", "0", "--json", "{files}/ids.json"], "--out names this file too"),
        (["--propagation", "0", "--out", "{files}/pool.jsonl"], "this file is an input"),
    ],
)
def test_options_that_do_not_fit_are_refused(files: Path, more: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        select(files, "--size", "5", *(option.format(files=files) for option in more))
    assert not (files / "ids.json").exists()


def test_a_stop_leaves_the_file_as_it_was(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "ids.json").write_text("[1]")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kielo.records.os.fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        select(files, "--propagation", "0", "--size", "5")
    assert (files / "ids.json").read_text() == "[1]"
    assert not list(files.glob(".*"))
