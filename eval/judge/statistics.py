"""What a set of comparisons says: wins, losses and ties with all that was lost beside them, intervals over questions, and signs of bias."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from eval.judge.cases import POINTS, Comparison, Game, Key, Outcome
from eval.judge.lengths import length_controlled, length_report
from eval.judge.style import mean_style
from eval.statistics import FEWEST, Interval, clustered_interval, paired, sign_test, wilson

SOUND_SHARE = 0.9
"""Ties that a judge must find among identical answers."""
_BUCKETS = {
    "win": "wins",
    "loss": "losses",
    "tie": "ties",
    "error": "errors",
    "missing": "missing",
    "excluded": "excluded",
}
assert set(_BUCKETS) == set(get_args(Outcome))


def pairwise_statistics(comparisons: Sequence[Comparison], by_judge: Sequence[Sequence[Comparison]]) -> dict[str, Any]:
    """Make the document of a model against the baseline; `comparisons` hold the verdict of the majority of `by_judge`.

    `n` is the sum of wins, losses, ties, errors, missing and excluded. The win rate counts a tie half and leaves out
    what has no verdict. Its interval and `p` take questions, not turns, for independent: `p` swaps the two models
    question by question, which for one turn a question is the exact sign test. `wilson` and `sign_p` take every
    decided pair for itself.
    """
    judged = [each for each in comparisons if each.by == "judge" and each.outcome in POINTS]
    ours = scores_by_question(comparisons)
    theirs = {key: (out_of - score, out_of) for key, (score, out_of) in ours.items()}
    test = paired(ours, theirs)
    counts = count(comparisons)
    wins, losses = counts["wins"], counts["losses"]
    return {
        **counts, "reasons": reasons(comparisons), "questions": len(ours), "too_few": len(ours) < FEWEST,
        "win_rate": _win_rate(comparisons), "interval": interval(clustered_interval(ours)) if ours else None,
        "decided_win_rate": wins / (wins + losses) if wins + losses else None,
        "wilson": interval(wilson(wins, wins + losses)) if wins + losses else None,
        "p": test.p if test else None, "sign_p": sign_test(wins, losses) if wins + losses else None,
        **position(by_judge),
        "by_turn": _parts(comparisons, lambda each: str(each.case.turn)),
        "by_category": _parts(comparisons, lambda each: each.case.category),
        "lengths": length_report(judged), "length_controlled": length_controlled(judged),
        "style": {"ours": mean_style([each.ours for each in judged]), "theirs": mean_style([each.theirs for each in judged])},
    }  # fmt: skip


def scores_by_question(comparisons: Iterable[Comparison]) -> dict[Key, tuple[float, float]]:
    """Add up a question's turns: (wins and half its ties, verdicts)."""
    found: dict[Key, tuple[float, float]] = {}
    for each in comparisons:
        if each.outcome in POINTS:
            score, out_of = found.get(each.case.key, (0.0, 0.0))
            found[each.case.key] = score + POINTS[each.outcome], out_of + 1
    return found


def count(comparisons: Iterable[Comparison]) -> dict[str, int]:
    """Count the comparisons by what became of them, and all of them."""
    counted = Counter(_BUCKETS[each.outcome] for each in comparisons)
    return {"n": counted.total(), **{bucket: counted[bucket] for bucket in _BUCKETS.values()}}


def reasons(found: Iterable[Any]) -> dict[str, int]:
    """Count why comparisons or ratings have no verdict of a judge."""
    return dict(sorted(Counter(each.why for each in found if each.why).items()))


def position(by_judge: Iterable[Iterable[Comparison]]) -> dict[str, Any]:
    """Measure how far verdicts depend on which answer stands first.

    `consistency`: the share of pairs with the same verdict in both orders. `first_position`: the share of verdicts for
    one side that went to the answer shown first; one half where the place does not matter.
    """
    games = [each.games for comparisons in by_judge for each in comparisons if each.by == "judge" and each.games]
    both = [(one.result, other.result) for one, other in _in_both_orders(games)]
    placed = [game for pair in games for game in pair if game.ours_first is not None and game.result in ("win", "loss")]
    first = sum((game.result == "win") == game.ours_first for game in placed)
    return {
        "consistency": sum(one == other for one, other in both) / len(both) if both else None, "both_orders": len(both),
        "first_position": first / len(placed) if placed else None, "decided_games": len(placed),
    }  # fmt: skip


def self_test(found: Mapping[str, Any]) -> dict[str, Any]:
    """Read the statistics of answers compared with themselves: how often the judge saw that they are the same.

    Both orders are one prompt then, so that each pair is one verdict, and one for either answer is a preference for its place.
    """
    pairs, decided = found["both_orders"], found["decided_games"] // 2
    ties = pairs - decided
    return {
        "pairs": pairs, "ties": ties, "first": round(decided * (found["first_position"] or 0.0)), "errors": found["errors"],
        "sound": pairs > 0 and ties >= SOUND_SHARE * (pairs + found["errors"]),
    }  # fmt: skip


def _in_both_orders(games: Iterable[Sequence[Game]]) -> list[tuple[Game, Game]]:
    return [(pair[0], pair[1]) for pair in games if len(pair) == 2 and all(each.result != "error" for each in pair)]


def _parts(comparisons: Sequence[Comparison], part: Callable[[Comparison], str]) -> dict[str, Any]:
    names = dict.fromkeys(part(each) for each in comparisons)
    found = {}
    for name in names:
        held = [each for each in comparisons if part(each) == name]
        found[name] = {**count(held), "win_rate": _win_rate(held)}
    return found


def _win_rate(comparisons: Iterable[Comparison]) -> float | None:
    scores = [POINTS[each.outcome] for each in comparisons if each.outcome in POINTS]
    return sum(scores) / len(scores) if scores else None


def interval(found: Interval) -> list[float]:
    """Write an interval as JSON holds it."""
    return [found.low, found.high]
