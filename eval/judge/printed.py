"""The judge's statistics as text for a terminal, and single comparisons for reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval.judge.cases import Comparison
from eval.judge.gate import FEWEST_LETTERS
from eval.judge.statistics import SOUND_SHARE
from eval.statistics import LEVEL
from kielo.text_table import clean, listed

_LONGEST_TEXT = 1200  # characters of an answer or judgement that are printed


def pairwise_lines(found: Mapping[str, Any], ours: str, theirs: str, adjusted_p: float | None = None) -> Iterator[str]:
    """Write the statistics of one model against another; `adjusted_p` is p among all that is printed, by Holm."""
    yield f"{clean(ours)} against {clean(theirs)}: {found['n']} comparisons of {found['questions']} questions"
    yield from listed(_pairwise_rows(found, adjusted_p))


def _pairwise_rows(found: Mapping[str, Any], adjusted_p: float | None) -> Iterator[tuple[str, str]]:
    yield "wins, losses, ties", f"{found['wins']}, {found['losses']}, {found['ties']}"
    lost = ", ".join(f"{why} {count}" for why, count in found["reasons"].items())
    yield "errors, missing, excluded", f"{found['errors']}, {found['missing']}, {found['excluded']}"
    if lost:
        yield "without a judge's verdict", lost
    yield "win rate, a tie half", f"{_share(found['win_rate'])} {_between(found['interval'])}, over questions"
    yield "win rate of decided pairs", f"{_share(found['decided_win_rate'])} {_between(found['wilson'])}, Wilson"
    p = found["p"] if adjusted_p is None else adjusted_p
    among = "" if adjusted_p is None else f", {_p(p)} after Holm's correction"
    tests = f"{_p(found['p'])} by question (permutation){among}, {_p(found['sign_p'])} by pair (sign test)"
    yield "p", f"{tests}: {verdict(found, p)}"
    if found["both_orders"]:
        yield "same verdict in both orders", f"{_share(found['consistency'])} of {found['both_orders']} pairs"
    if found["decided_games"]:
        yield "won by the first shown", f"{_share(found['first_position'])} of {found['decided_games']} decided games"
    yield from _length_rows(found)
    yield from _part_rows(found["by_turn"], "turn ")
    yield from _part_rows(found["by_category"], "")


def verdict(found: Mapping[str, Any], p: float | None) -> str:
    """Say whether a win rate is one half or not."""
    if found["too_few"] or p is None:
        return "too few to tell"
    if p >= LEVEL or found["win_rate"] == 0.5:
        return "no difference shown"
    return "better" if found["win_rate"] > 0.5 else "worse"


def _length_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    lengths, controlled = found["lengths"], found["length_controlled"]
    if lengths["ours"]:
        ours, theirs = lengths["ours"], lengths["theirs"]
        yield "characters, mean", f"{ours['mean']:.0f} against {theirs['mean']:.0f}"
        yield "characters, median", f"{ours['median']:.0f} against {theirs['median']:.0f}"
    if lengths["longer_of"]:
        yield "won by the longer", f"{_share(lengths['longer_share'])} of {lengths['longer_of']} decided pairs"
    if controlled:
        yield "win rate at equal length", f"{_share(controlled['win_rate'])} {_between(controlled['interval'])}"
    style = found["style"]
    for name in style["ours"]:
        if style["ours"][name] or style["theirs"][name]:
            yield f"{name.replace('_', ' ')}, mean", f"{style['ours'][name]:.2f} against {style['theirs'][name]:.2f}"


def _part_rows(parts: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    if len(parts) < 2:
        return
    for name, part in parts.items():
        rest = part["n"] - part["wins"] - part["losses"] - part["ties"]
        beside = f", {rest} without a verdict" if rest else ""
        line = f"{_share(part['win_rate'])}: {part['wins']}, {part['losses']}, {part['ties']}{beside}"
        yield f"{prefix}{name}", line


_SIDES = {"ours": "our answers", "theirs": "their answers", "answers": "the answers"}


def gate_lines(gate: Mapping[str, Any]) -> Iterator[str]:
    """Write what the language gate saw and decided."""
    for side, named in _SIDES.items():
        if gate.get(side):
            seen = ", ".join(f"{name} {count}" for name, count in gate[side].items() if count)
            yield f"  language of {named}: {seen}"
    if "wins" in gate:
        decided = ", ".join(f"{gate[name]} {name}" for name in ("wins", "losses", "ties", "excluded"))
        yield f"  decided by the language gate ({gate['policy']}; answers of {FEWEST_LETTERS} letters or more): {decided}"


def single_lines(found: Mapping[str, Any], name: str) -> Iterator[str]:
    """Write the statistics of one model's ratings."""
    yield f"{clean(name)}: {found['n']} answers to rate"
    yield from listed(_single_rows(found))


def _single_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if found["mean"] is not None:
        low, high = found["interval"]
        yield "mean rating", f"{found['mean']:.2f} [{low:.2f}, {high:.2f}] of {found['questions']} questions"
    counts = (f"{found[name]} {name}" for name in ("rated", "errors", "missing", "excluded"))
    yield "answers", ", ".join(counts)
    if found["of_fewer_judges"]:
        yield "rated by some judges alone", str(found["of_fewer_judges"])
    lost = ", ".join(f"{why} {count}" for why, count in found["reasons"].items())
    if lost:
        yield "without a judge's rating", lost
    for prefix, parts in (("turn ", found["by_turn"]), ("", found["by_category"])):
        if len(parts) > 1:
            for part, held in parts.items():
                mean = "-" if held["mean"] is None else f"{held['mean']:.2f}"
                yield f"{prefix}{part}", f"{mean} of {held['rated']}"


def self_test_lines(found: Mapping[str, Any], judge: str) -> Iterator[str]:
    """Write what a judge made of identical answers."""
    yield f"{clean(judge)} on {found['pairs'] + found['errors']} pairs of identical answers"
    preferred = found["pairs"] - found["ties"]
    yield from listed((
        ("found the same", str(found["ties"])),
        ("preferred the first shown", str(found["first"])),
        ("preferred the second shown", str(preferred - found["first"])),
        ("errors", str(found["errors"])),
        ("self-test", "passed" if found["sound"] else f"failed: fewer than {SOUND_SHARE:.0%} found the same"),
    ))  # fmt: skip


def agreement_line(found: Mapping[str, Any]) -> str:
    """Write how far several judges agree."""
    kappa = "Cohen's kappa" if found["judges"] == 2 else "Fleiss' kappa"
    value = found["cohen"] if found["judges"] == 2 else found["fleiss"]
    written = "-" if value is None else f"{value:.2f}"
    return f"{found['judges']} judges agree on {_share(found['same'])} of {found['comparisons']} comparisons, {kappa} {written}"


def comparison_lines(each: Comparison) -> Iterator[str]:
    """Write one comparison out for reading: question, both answers, and the judge's words."""
    yield f"--- {each.outcome}: question {clean(str(each.case.key))}, turn {each.case.turn} ({clean(each.case.category)})"
    texts = [("user", each.case.turns[-1] if each.case.turns else ""), ("ours", each.ours), ("theirs", each.theirs)]
    for name, text in texts:
        if text:
            yield f"{name}: {_cut(text)}"
    orders = {True: "judge (ours first)", False: "judge (ours second)", None: "judge"}
    for game in each.games:
        if game.judgement:
            yield f"{orders[game.ours_first]}: {_end_of(game.judgement)}"


def _cut(text: str) -> str:
    shown = _clean_lines(text[:_LONGEST_TEXT])
    return f"{shown} ... ({len(text)} characters)" if len(text) > _LONGEST_TEXT else shown


def _end_of(judgement: str) -> str:
    """Keep the end of a long judgement: the verdict and its reason stand there."""
    shown = _clean_lines(judgement[-_LONGEST_TEXT:])
    return f"({len(judgement)} characters) ... {shown}" if len(judgement) > _LONGEST_TEXT else shown


def _clean_lines(text: str) -> str:
    return "\n".join(clean(line) for line in text.splitlines())


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _between(pair: Sequence[float] | None) -> str:
    return "" if pair is None else f"[{100 * pair[0]:.1f}, {100 * pair[1]:.1f}]"


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1e}" if value < 0.001 else f"{value:.3f}"
