"""`kielo eval judge` and `kielo eval judgements` as a user calls them, a judge that dies midway included."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eval.statistics import holm
from kielo.cli import main
from tests.conftest import ROOT
from tests.eval.judge.judge_server import by_rule, judged, longer


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Twelve questions and two models' answers to them; the options that name them."""
    for name, text in (("ours", "Tämä on meidän pitkä vastauksemme numero"), ("theirs", "Heidän vastauksensa numero")):
        rows = [{"prompt": f"Kysymys {number}", "response": f"{text} {number}"} for number in range(12)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "q.jsonl").write_text(
        "".join(json.dumps({"prompt": f"Kysymys {n}"}) + "\n" for n in range(12)), "utf-8"
    )
    options = [f"--{name}={tmp_path / name}.jsonl" for name in ("ours", "theirs")]
    return [
        f"--questions={tmp_path / 'q.jsonl'}",
        *options,
        "--language=fi",
        f"--out={tmp_path / 'out'}",
        "--model=judge",
    ]


def test_judging_two_files(files, serve, capsys, tmp_path):
    server = serve(by_rule(longer))
    assert main(["eval", "judge", *files, f"--server={server.url}", "--single"]) == 0
    printed = capsys.readouterr().out
    assert "wins, losses, ties 12, 0, 0" in " ".join(printed.split())
    assert "too few to tell" in printed
    assert "mean rating" in printed
    scores = json.loads((tmp_path / "out/scores.json").read_text("utf-8"))
    assert scores["models"]["ours"]["pairwise"]["wins"] == 12
    assert scores["modes"] == ["pairwise", "single"]
    assert {body["model"] for body in server.bodies} == {"judge"}
    assert {body["temperature"] for body in server.bodies} == {0.0}


def test_a_killed_run_goes_on_where_it_was(files, serve, tmp_path):
    """SIGKILL after some judgements: all that were stored are asked no more, and the files end up the same."""

    def slow(body, number):
        time.sleep(0.05)
        return by_rule(longer)(body, number)

    server = serve(slow)
    command = [sys.executable, "-m", "kielo.cli", "eval", "judge", *files, f"--server={server.url}", "--concurrency=1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(server.bodies) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stored = sum(len(shard.read_text("utf-8").splitlines()) for shard in (tmp_path / "out/completions").glob("*.jsonl"))
    assert 0 < stored < 24
    again, whole = serve(by_rule(longer)), serve(by_rule(longer))
    assert main(["eval", "judge", *files, f"--server={again.url}"]) == 0
    assert len(again.bodies) == 24 - stored
    fresh = [each if not each.startswith("--out") else f"--out={tmp_path / 'fresh'}" for each in files]
    assert main(["eval", "judge", *fresh, f"--server={whole.url}"]) == 0
    for name in ("scores.json", "judgements.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()


@pytest.mark.parametrize(("rule", "code"), [(longer, 0), (lambda a, b: "[[A]]", 1)])
def test_the_self_test(files, serve, capsys, rule, code):
    server = serve(by_rule(rule))
    options = [each for each in files if not each.startswith("--theirs")]
    assert main(["eval", "judge", *options, f"--server={server.url}", "--self-test"]) == code
    assert ("passed" if code == 0 else "failed") in capsys.readouterr().out
    assert all(len(set(judged(body["messages"][0]["content"]))) == 1 for body in server.bodies)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--language=fii"], "--language fii"),
        (["--server=localhost:8000"], "is no base URL"),
        (["--self-test"], "leave out --theirs"),
        (["--self-test", "--gate=lose"], "and --gate"),
        (["--identifier=glotlid"], "--identifier glotlid and --identifier-file belong together"),
        (["--max-tokens=0"], "--max-tokens 0: at least 1"),
        (["--concurrency=0"], "--concurrency 0: at least 1"),
    ],
)
def test_wrong_options_are_one_sentence(files, capsys, change, sentence):
    assert main(["eval", "judge", *files, "--server=http://localhost:1/v1", *change]) == 2
    assert sentence in capsys.readouterr().err


def test_nothing_to_judge_is_said(files, capsys):
    options = [each for each in files if not each.startswith("--theirs")]
    assert main(["eval", "judge", *options, "--server=http://localhost:1/v1"]) == 2
    assert "nothing to judge" in capsys.readouterr().err


def test_the_real_judgements_are_printed(shared_data, capsys, tmp_path):
    file = shared_data / "mt_bench_fi/pairwise_gpt-4-turbo.jsonl.gz"
    assert main(["eval", "judgements", str(file), "--losses", "2", "--json", str(tmp_path / "out.json")]) == 0
    printed = capsys.readouterr().out
    assert "89, 20, 47" in printed
    assert "81.2% of 149 pairs" in printed
    assert printed.count("--- loss: ") == 2
    assert "9 of them were decided by the file's own language gate" in printed
    (pair,) = json.loads((tmp_path / "out.json").read_text("utf-8"))["pairs"]
    assert pair["pairwise"]["wins"] == 89


def test_judges_in_several_files_are_held_against_each_other(tmp_path, capsys):
    row = {"turn": 1, "model_1": "a", "model_2": "b", "judge": "gpt"}
    winners = {"gpt": ("model_1", "model_1", "model_2", "tie"), "people": ("model_1", "model_2", "model_2")}
    for judge, won in winners.items():
        rows = [{**row, "judge": judge, "question_id": key, "g1_winner": each} for key, each in enumerate(won)]
        (tmp_path / f"{judge}_pair.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    files = [str(tmp_path / f"{judge}_pair.jsonl") for judge in winners]
    assert main(["eval", "judgements", *files, "--json", str(tmp_path / "out.json")]) == 0
    printed = capsys.readouterr().out
    assert "2 judges agree on 66.7% of 3 comparisons, Cohen's kappa 0.40" in printed
    assert printed.count("after Holm's correction") == 2
    document = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert document["agreement"][0]["cohen"] == pytest.approx(0.4)  # (2/3 - 4/9) / (1 - 4/9)
    assert [each["judge"] for each in document["pairs"]] == ["gpt", "people"]


def test_p_values_printed_together_are_corrected(tmp_path, capsys):
    row = {"turn": 1, "model_1": "a", "model_2": "b", "g1_winner": "model_1"}
    for judge, count in (("gpt", 8), ("people", 12)):
        rows = [{**row, "judge": judge, "question_id": key} for key in range(count)]
        (tmp_path / f"{judge}_pair.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    files = [str(tmp_path / f"{judge}_pair.jsonl") for judge in ("gpt", "people")]
    assert main(["eval", "judgements", *files, "--json", str(tmp_path / "out.json")]) == 0
    pairs = json.loads((tmp_path / "out.json").read_text("utf-8"))["pairs"]
    tested = [each["pairwise"]["p"] for each in pairs]
    assert [each["adjusted_p"] for each in pairs] == holm(tested)
    assert tested == pytest.approx([2 / 2**8, 2 / 2**12]) and holm(tested) != tested
    assert main(["eval", "judgements", files[0]]) == 0
    assert capsys.readouterr().out.count("after Holm's correction") == 2, "one alone needs none"


def test_what_would_steer_a_terminal_is_not_printed(tmp_path, capsys):
    path = tmp_path / "judge.log"
    path.write_text("Prompt: \x1b[2Jx\nA: \x1b]0;oops\x07\nB: b\nWinner: B\nPrompt: y\nWinner: A\n", "utf-8")
    assert main(["eval", "judgements", str(path), "--ours", "A"]) == 0
    printed = capsys.readouterr().out
    assert "oops" in printed
    assert "\x1b" not in printed
    assert "\x07" not in printed
