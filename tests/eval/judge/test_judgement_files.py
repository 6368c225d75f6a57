"""Judgements made elsewhere: the real FastChat file, AlpacaEval's annotations, and logs with winners and final results."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import pytest

from eval.judge.judgement_files import read_judgements
from eval.judge.statistics import pairwise_statistics
from kielo.errors import SourceError, UsageError

FASTCHAT = {"question_id": 81, "turn": 1, "model_1": "a", "model_2": "b", "g1_winner": "model_1", "g2_winner": "model_1", "judge": ["gpt", "pair-v2"]}  # fmt: skip


def statistics_of(stored) -> dict:
    return pairwise_statistics(stored.comparisons, [stored.comparisons])


def write(path, *rows):
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def test_the_real_file_of_gpt_4_turbo(shared_data):
    """Counted from the file by hand: 89 pairs won by model_1 in both orders, 20 by model_2, four with an error."""
    (stored,) = read_judgements(shared_data / "mt_bench_fi/pairwise_gpt-4-turbo.jsonl.gz")
    found = statistics_of(stored)
    assert [found[name] for name in ("n", "wins", "losses", "ties", "errors")] == [160, 89, 20, 47, 4]
    assert found["win_rate"] == pytest.approx((89 + 47 / 2) / 156)
    assert (found["both_orders"], round(found["consistency"], 3)) == (149, 0.812)
    assert Counter(each.by for each in stored.comparisons) == {"judge": 151, "gate": 9}
    assert found["lengths"]["pairs"] == 149
    assert "Read strictly, 0 of the 320 judgements" in stored.notes[0]


def test_the_real_file_from_the_other_side(shared_data):
    path = shared_data / "mt_bench_fi/pairwise_gpt-4-turbo.jsonl.gz"
    (one,), (other,) = read_judgements(path), read_judgements(path, "finnish-llama-3.1-lr-3e-4")
    ours, theirs = statistics_of(one), statistics_of(other)
    assert (ours["wins"], ours["losses"]) == (theirs["losses"], theirs["wins"])
    assert ours["first_position"] == theirs["first_position"]
    assert ours["lengths"]["ours"] == theirs["lengths"]["theirs"]
    assert ours["length_controlled"]["win_rate"] == pytest.approx(1 - theirs["length_controlled"]["win_rate"], abs=1e-4)


def test_answers_are_taken_from_real_prompts_of_both_turns(shared_data):
    path = shared_data / "mt_bench_fi/pairwise_gpt-4-turbo.jsonl.gz"
    (stored,) = read_judgements(path)
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        prompts = {(row["question_id"], row["turn"]): row["g1_user_prompt"] for row in map(json.loads, stream)}
    for each in stored.comparisons:
        if each.by == "judge":
            prompt = prompts[each.case.key, each.case.turn]
            assert each.ours and each.theirs
            assert each.ours in prompt.partition("ssistant B's")[0]
            assert each.theirs in prompt.partition("The Start of Assistant B's")[2]
            assert each.case.turns[-1] in prompt
            assert "### " not in each.case.turns[-1]


def test_pairs_are_told_apart_and_doubled_rows_counted(tmp_path):
    rows = [FASTCHAT, {**FASTCHAT, "g1_winner": "tie"}, {**FASTCHAT, "model_2": "c", "g2_winner": "error"}]
    ab, ac = read_judgements(write(tmp_path / "x_pair.jsonl", *rows))
    assert [each.outcome for each in ab.comparisons] == ["win"]
    assert ab.notes[0].startswith("1 rows judge a pair again")
    assert [(each.outcome, each.why) for each in ac.comparisons] == [("error", "the file says error")]
    (only,) = read_judgements(tmp_path / "x_pair.jsonl", "c")
    assert (only.ours, only.theirs) == ("c", "a")


@pytest.mark.parametrize(
    "change",
    [{"g1_winner": "A"}, {"model_1": 3}, {"question_id": None}, {"g2_winner": None}, {"turn": "two"}, {"turn": 10**13}],
)
def test_a_row_that_is_none_is_named(tmp_path, change):
    with pytest.raises(SourceError, match="line 2: not a row of FastChat"):
        read_judgements(write(tmp_path / "x_pair.jsonl", FASTCHAT, {**FASTCHAT, **change}))


def test_an_unknown_model_is_named(tmp_path):
    path = write(tmp_path / "x_pair.jsonl", FASTCHAT)
    with pytest.raises(UsageError, match="compares a, b"):
        read_judgements(path, "poro")


def annotation(preference, **more):
    return {"instruction": "Moi", "output_1": "Hei vaan", "generator_1": "gpt4", "output_2": "Terve", "generator_2": "poro",
            "annotator": "weighted", "preference": preference, **more}  # fmt: skip


def test_alpaca_eval_annotations(tmp_path):
    path = tmp_path / "annotations.json"
    path.write_text(
        json.dumps([annotation(each) for each in (2, 1, 1.5, 0, 1.9, 1.2, None, float("nan"), 10**400)]), "utf-8"
    )
    (stored,) = read_judgements(path)
    assert (stored.ours, stored.theirs, stored.judge) == ("poro", "gpt4", "weighted")
    found = statistics_of(stored)
    assert [found[name] for name in ("wins", "losses", "ties", "errors", "n")] == [2, 2, 2, 3, 9]
    assert found["consistency"] is None
    assert "is 51.7%" in stored.notes[1]  # (1 + 0 + .5 + .5 + .9 + .2) / 6
    (other,) = read_judgements(path, "gpt4")
    assert statistics_of(other)["wins"] == 2
    assert other.comparisons[0].ours == "Hei vaan"


def test_an_entry_without_preference_is_named(tmp_path):
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([annotation(1), {"instruction": "x"}]), "utf-8")
    with pytest.raises(SourceError, match="entry 2: not an annotation"):
        read_judgements(path)


def log_of(wins: int, losses: int, rows: int, told: bool = True) -> str:
    """Write a log of the kind: rows loaded, for each comparison its texts and a winner, and the results at the end."""
    lines = [f"Loaded {rows} rows from the test set", ""]
    for number in range(wins + losses if told else 0):
        winner = "base" if number < losses else "finetuned"
        lines += [
            f"Question: Mikä on luku {number}?", f"Base answer: Se on luku {number}.", "Ja vielä toinen rivi.",
            f"Finetuned answer: {number}", f"Reference: {number}", f"Winner: {winner}", "----",
        ]  # fmt: skip
    lines += [
        "Final Results",
        f"base wins: {losses}",
        f"finetuned wins: {wins}",
        f"Win rate: {wins / (wins + losses):.1%}",
    ]
    return "\n".join(lines)


@pytest.mark.parametrize("told", [True, False])
def test_a_log_of_161_comparisons(tmp_path, told):
    """The figures of notes D: 53 against 108, 174 rows loaded, 13 of them in no result."""
    path = tmp_path / "judge.log"
    path.write_text(log_of(108, 53, 174, told), "utf-8")
    (stored,) = read_judgements(path)
    found = statistics_of(stored)
    assert (stored.ours, found["wins"], found["losses"], found["missing"], found["n"]) == (
        "finetuned",
        108,
        53,
        13,
        174,
    )
    assert round(100 * found["win_rate"], 1) == 67.1
    assert [round(100 * edge, 1) for edge in found["wilson"]] == [59.5, 73.9]
    assert f"{found['p']:.1e}" == "1.7e-05"
    assert found["lengths"]["pairs"] == (161 if told else 0)
    if told:
        first = stored.comparisons[0]
        assert (first.outcome, first.ours, first.case.turns) == ("loss", "0", ("Mikä on luku 0?",))
        assert first.theirs == "Se on luku 0.\nJa vielä toinen rivi."


def test_a_log_whose_parts_disagree_says_so(tmp_path):
    text = "Winner: A\nWinner: A\nWinner: b\nWinner: neither\nWinner: unclear\n\n## Final Results:\n- A: 1\n- B: 3\n- Ties: 1\nTotal: 5\n"
    path = tmp_path / "judge.log"
    path.write_text(text, "utf-8")
    (stored,) = read_judgements(path, "A")
    found = statistics_of(stored)
    assert [found[name] for name in ("wins", "losses", "ties", "errors")] == [2, 3, 1, 1]
    assert found["reasons"] == {"the winner named is neither model": 1}
    assert any("results count 1 (win), its Winner lines 2" in note for note in stored.notes)
    assert any(note.startswith("2 comparisons (loss) are counted by the log's results alone") for note in stored.notes)


def test_a_log_that_begins_with_winners_tells_of_them_afterwards(tmp_path):
    path = tmp_path / "judge.log"
    path.write_text(
        "Winner: base\nPrompt: Moi\nBase: Hei!\nTuned: Hm\n\nWinner: tuned\nPrompt: Kiitos\nBase: -\nTuned: Ole hyvä!\n",
        "utf-8",
    )
    (stored,) = read_judgements(path, "tuned")
    assert [(each.outcome, each.ours, each.case.turns[0]) for each in stored.comparisons] == [
        ("loss", "Hm", "Moi"), ("win", "Ole hyvä!", "Kiitos"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "nothing here", "Winner: a\n", "Final Results\na: 1\nb: 2\nc: 3\n"])
def test_a_file_of_no_format_is_refused(tmp_path, text):
    path = tmp_path / "judge.log"
    path.write_text(text, "utf-8")
    with pytest.raises(SourceError, match="a log of two models is needed"):
        read_judgements(path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "judge.log"
    path.write_bytes(b"Winner: \xff")
    with pytest.raises(SourceError, match="UTF-8"):
        read_judgements(path)
    with pytest.raises(SourceError, match="no such file"):
        read_judgements(tmp_path / "none.log")


def test_a_damaged_gz_file_is_refused(tmp_path):
    path = tmp_path / "x_pair.jsonl.gz"
    content = bytearray(gzip.compress("\n".join(map(str, range(5000))).encode()))
    content[500:520] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(SourceError, match="not a whole file"):
        read_judgements(path)


@pytest.mark.parametrize(
    "text", ["Final Results\na: 999999999\nb: 1\n", "Loaded 999999999 rows\nWinner: a\nWinner: b\n"]
)
def test_a_log_of_more_than_can_be_is_refused(tmp_path, text):
    path = tmp_path / "judge.log"
    path.write_text(text, "utf-8")
    with pytest.raises(SourceError, match="999,999,999 comparisons"):
        read_judgements(path)


def test_files_made_to_take_for_ever_do_not(tmp_path):
    log = tmp_path / "judge.log"
    log.write_text("Winner: a\nWinner: b\n" + "!" * 200_000 + "\nFinal Results\na: 1\n" + "a" * 200_000, "utf-8")
    with pytest.raises(SourceError, match="this one names a"):
        read_judgements(log)
    prompt = "[User Question]\n[The Start of Assistant A's Answer]\n" * 50_000
    (stored,) = read_judgements(write(tmp_path / "x_pair.jsonl", {**FASTCHAT, "g1_user_prompt": prompt}))
    assert (stored.comparisons[0].ours, len(stored.comparisons)) == (None, 1)


def test_half_a_character_in_a_name_is_named(tmp_path):
    with pytest.raises(SourceError, match="line 1: the row holds half a character"):
        read_judgements(write(tmp_path / "x_pair.jsonl", {**FASTCHAT, "model_2": "b\ud83d"}))
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([annotation(1, annotator="\ud83d")]), "utf-8")
    with pytest.raises(SourceError, match="entry 1: the row holds half a character"):
        read_judgements(path)
