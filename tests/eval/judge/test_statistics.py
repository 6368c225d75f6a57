"""The statistics of comparisons: sums, intervals over questions, position, length and agreement, against values worked out by hand."""

from __future__ import annotations

from random import Random

import pytest

from eval.judge.agreement import agreement, cohen_kappa, fleiss_kappa, majority
from eval.judge.cases import Case, Comparison, Game, Rating
from eval.judge.lengths import length_controlled, length_report
from eval.judge.ratings import preferences, single_statistics
from eval.judge.statistics import pairwise_statistics, self_test
from eval.judge.style import style_counts


def compared(
    key: int, outcome: str, turn: int = 1, ours: int = 100, theirs: int = 100, category: str = "writing"
) -> Comparison:
    case = Case(key, category, ("?",) * turn)
    if outcome in ("missing", "excluded"):
        return Comparison(case, outcome, "nobody" if outcome == "missing" else "gate", "why")
    games = (Game(True, outcome), Game(False, outcome)) if outcome != "error" else ()
    return Comparison(case, outcome, "judge", "", games, "a" * ours, "b" * theirs)


def statistics_of(comparisons: list[Comparison]) -> dict:
    return pairwise_statistics(comparisons, [comparisons])


def test_every_comparison_is_in_one_bucket():
    outcomes = ["win"] * 4 + ["loss"] * 2 + ["tie"] * 3 + ["error", "missing", "missing", "excluded"]
    found = statistics_of([compared(key, outcome) for key, outcome in enumerate(outcomes)])
    buckets = [found[name] for name in ("wins", "losses", "ties", "errors", "missing", "excluded")]
    assert buckets == [4, 2, 3, 1, 2, 1]
    assert found["n"] == sum(buckets) == len(outcomes)
    assert found["win_rate"] == pytest.approx(5.5 / 9)
    assert found["decided_win_rate"] == pytest.approx(4 / 6)


def test_the_figures_of_161_comparisons():
    """53 against 108: the notes' Wilson interval and sign test; one comparison a question, so both p values are one."""
    found = statistics_of([compared(key, "win" if key < 108 else "loss") for key in range(161)])
    assert [round(100 * edge, 1) for edge in found["wilson"]] == [59.5, 73.9]
    assert f"{found['p']:.1e}" == f"{found['sign_p']:.1e}" == "1.7e-05"
    low, high = found["interval"]
    assert 0.585 < low < 0.605
    assert 0.735 < high < 0.75


def test_questions_are_resampled_and_not_turns():
    """Two turns that always agree tell no more than one: neither interval nor p may shrink."""
    once = [compared(key, "win" if key < 60 else "loss") for key in range(100)]
    twice = [*once, *(compared(key, "win" if key < 60 else "loss", turn=2) for key in range(100))]
    one, both = statistics_of(once), statistics_of(twice)
    assert both["interval"] == one["interval"]
    assert both["p"] == pytest.approx(one["p"])
    assert both["sign_p"] < one["sign_p"] / 5


def test_nothing_to_judge_has_no_rate():
    found = statistics_of([compared(1, "error"), compared(2, "missing")])
    assert all(found[name] is None for name in ("win_rate", "interval", "wilson", "p", "consistency", "first_position"))
    assert found["too_few"]


def test_consistency_and_place():
    games = [("win", "win"), ("win", "loss"), ("loss", "win"), ("tie", "tie"), ("win", "tie")]
    comparisons = [
        Comparison(Case(key, "", ("?",)), "tie", games=(Game(True, one), Game(False, other)))
        for key, (one, other) in enumerate(games)
    ]
    found = statistics_of(comparisons)
    assert found["consistency"] == 2 / 5
    # first shown wins: ours in game 1 (pairs 0, 1, 4), theirs in game 2 (pair 1); not in pair 0's game 2 nor pair 2
    assert (found["first_position"], found["decided_games"]) == (4 / 7, 7)


def test_parts_by_turn_and_category_add_up():
    comparisons = [compared(1, "win", category="math"), compared(1, "loss", 2, category="math"), compared(2, "tie")]
    found = statistics_of(comparisons)
    assert {name: part["n"] for name, part in found["by_turn"].items()} == {"1": 2, "2": 1}
    assert found["by_category"]["math"] == {
        "n": 2, "wins": 1, "losses": 1, "ties": 0, "errors": 0, "missing": 0, "excluded": 0, "win_rate": 0.5,
    }  # fmt: skip


def lengthy(count: int, ours_longer: float, rule) -> list[Comparison]:
    """Make pairs of which a share is longer on our side, decided by a rule on the gap in characters."""
    draw = Random(5)
    found = []
    for key in range(count):
        gap = draw.randint(20, 400) * (1 if draw.random() < ours_longer else -1)
        found.append(compared(key, rule(gap, draw), ours=600 + gap, theirs=600))
    return found


def test_a_judge_of_length_alone_leaves_one_half_at_equal_length():
    found = statistics_of(lengthy(200, 0.8, lambda gap, _: "win" if gap > 0 else "loss"))
    assert found["win_rate"] > 0.75
    assert found["lengths"]["longer_share"] == 1.0
    assert found["length_controlled"]["win_rate"] == pytest.approx(0.5, abs=0.1)
    low, high = found["length_controlled"]["interval"]
    assert low < 0.5 < high


def test_a_judge_without_an_eye_for_length_is_left_as_it_is():
    found = statistics_of(lengthy(300, 0.8, lambda _, draw: "win" if draw.random() < 0.7 else "loss"))
    low, high = found["length_controlled"]["interval"]
    assert low < 0.7 < high
    assert found["length_controlled"]["win_rate"] == pytest.approx(found["win_rate"], abs=0.05)


def test_quality_is_found_behind_length():
    """Ours are worse and longer: the judge likes both length and quality."""

    def rule(gap, draw):
        chance = 0.3 + (0.3 if gap > 0 else -0.25)
        return "win" if draw.random() < chance else "loss"

    found = statistics_of(lengthy(600, 0.9, rule))
    assert found["win_rate"] > 0.5
    assert found["length_controlled"]["win_rate"] < 0.45


def test_the_curve_agrees_with_a_plain_fit_where_that_exists():
    """Prior and balance move little here: scipy's maximum of the likelihood as a witness."""
    import numpy as np
    from scipy.optimize import minimize

    pairs = lengthy(400, 0.5, lambda gap, draw: "win" if draw.random() < (0.8 if gap > 0 else 0.5) else "loss")
    gaps = np.array([len(each.ours) - len(each.theirs) for each in pairs], dtype=float)
    lean, won = np.tanh(gaps / gaps.std()), np.array([each.outcome == "win" for each in pairs], dtype=float)
    plain = minimize(
        lambda b: np.logaddexp(0, b[0] + b[1] * lean).sum() - (won * (b[0] + b[1] * lean)).sum(), [0.0, 0.0]
    ).x
    found = length_controlled(pairs)
    assert found["win_rate"] == pytest.approx(1 / (1 + np.exp(-plain[0])), abs=0.003)
    assert found["slope"] == pytest.approx(plain[1], abs=0.03)


def test_the_curve_finds_the_truth_in_simulated_judgements():
    """A quality of 0.6 logits behind a liking of 1.5 for length, ours longer in 80%: the mean over 60 sets of 160 pairs."""
    import numpy as np

    draw, found = np.random.default_rng(1), []
    for _ in range(60):
        gaps = draw.integers(20, 600, 160) * np.where(draw.random(160) < 0.8, 1, -1)
        won = draw.random(160) < 1 / (1 + np.exp(-0.6 - 1.5 * np.tanh(gaps / gaps.std())))
        pairs = [
            compared(key, "win" if won[key] else "loss", ours=700 + int(gap), theirs=700)
            for key, gap in enumerate(gaps)
        ]
        found.append(length_controlled(pairs, draws=200))
    truth = 1 / (1 + np.exp(-0.6))
    assert np.mean([each["win_rate"] for each in found]) == pytest.approx(truth, abs=0.02)
    assert np.mean([each["interval"][0] <= truth <= each["interval"][1] for each in found]) > 0.85


def test_length_control_stays_finite_or_says_nothing():
    every = length_controlled([compared(key, "win", ours=100 + key) for key in range(40)])
    assert 0.9 < every["win_rate"] < 1
    assert length_controlled([compared(key, "win") for key in range(40)]) is None
    assert length_controlled([compared(key, "win", ours=key) for key in range(10)]) is None


def test_length_report():
    pairs = [
        compared(1, "win", ours=300),
        compared(2, "loss", ours=50),
        compared(3, "loss", ours=150),
        compared(4, "win"),
    ]
    found = length_report(pairs)
    assert found["ours"] == {"mean": 150.0, "median": 125.0}
    assert (found["longer_won"], found["longer_of"]) == (2, 3)


def test_style_is_counted_outside_of_code():
    text = "# Otsikko\n\n**Tärkeä** asia:\n- yksi\n- kaksi\n1. eka\n\n```python\n# ei otsikko\n- ei\n```\n| a | b |\n"
    assert style_counts(text) == {
        "headings": 1,
        "bold": 1,
        "bullets": 2,
        "numbered": 1,
        "code_blocks": 1,
        "table_rows": 1,
    }


def test_cohens_kappa_by_hand():
    """50 cases: both win 20, win/loss 5, loss/win 10, both loss 15; agreement 0.7, chance 0.5, kappa 0.4 (Cohen's textbook case)."""
    first = ["win"] * 25 + ["loss"] * 25
    second = ["win"] * 20 + ["loss"] * 5 + ["win"] * 10 + ["loss"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa(["win"] * 3, ["win"] * 3) is None


def test_fleiss_kappa_by_hand():
    """Ten cases, 14 raters, five verdicts: Fleiss' own example in its usual form, kappa 0.210."""
    table = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    cases = [[str(verdict) for verdict, count in enumerate(row) for _ in range(count)] for row in table]
    assert fleiss_kappa(cases) == pytest.approx(0.210, abs=0.0005)


def test_cases_without_every_verdict_are_left_out_of_agreement():
    found = agreement([["win", "loss", "error", "tie"], ["win", "win", "win", "tie"]])
    assert (found["comparisons"], found["same"]) == (3, 2 / 3)
    assert found["cohen"] == pytest.approx((2 / 3 - 3 / 9) / (1 - 3 / 9))
    assert agreement([["win"]]) is None


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["win", "loss", "win"], "win"),
        (["win", "loss"], "tie"),
        (["error", "loss"], "loss"),
        (["error", "error"], "error"),
        (["win", "loss", "tie"], "tie"),
    ],
)
def test_majority(outcomes, verdict):
    assert majority(outcomes) == verdict


def test_the_mean_rating_is_over_questions():
    rated = [
        Rating(Case(key, "math", ("?",) * turn), float(value))
        for key, turn, value in ((1, 1, 8), (1, 2, 4), (2, 1, 10))
    ]
    found = single_statistics(
        [*rated, Rating(Case(2, "math", ("?", "?")), None, "error", why="no verdict on the last line")]
    )
    assert (found["mean"], found["rated"], found["errors"], found["n"]) == (8.0, 3, 1, 4)
    assert found["by_turn"]["2"] == {"mean": 4.0, "rated": 1}
    assert found["interval"][0] <= 8.0 <= found["interval"][1]


def test_the_preference_rates_of_wildchat(shared_data):
    """Table 4 of WildChat-50M prints 40 and 22.5 for these two judged models: 32 and 18 of 80 questions."""
    import csv

    with (shared_data / "wildchat50m/combined_preferences.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    scores = {name: {row["question_id"]: float(row[f"score_{name}"]) for row in rows} for name in ("qwen", "llama")}
    found = preferences(scores)
    shares = sorted(
        round(100 * found[one][other]["higher"] / 80, 1) for one, other in (("qwen", "llama"), ("llama", "qwen"))
    )
    assert shares == [22.5, 40.0]


def test_a_judge_of_identical_answers():
    games = [("tie", "tie")] * 18 + [("win", "loss")] + [("loss", "win")]
    comparisons = [
        Comparison(Case(key, "", ("?",)), "tie", games=(Game(True, one), Game(False, other)))
        for key, (one, other) in enumerate(games)
    ]
    assert self_test(statistics_of(comparisons)) == {"pairs": 20, "ties": 18, "first": 1, "errors": 0, "sound": True}
    assert not self_test(statistics_of(comparisons[2:]))["sound"]
