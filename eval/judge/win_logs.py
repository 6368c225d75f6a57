"""Win/lose logs of evaluation scripts: `Winner: NAME` lines and a part `Final Results`; one of `judgement_files.py`.

Such logs follow no standard, so that whatever can be read of one is held against the rest of it, and what cannot is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.judge.cases import Case, Comparison, Game, Outcome
from eval.judge.stored import Stored, side
from kielo.errors import SourceError
from kielo.questions import NO_CATEGORY

_WINNER = re.compile(r"^[\W_]*winner[\W_]*?[:=]\s*(.+)$", re.IGNORECASE)
_RESULTS = re.compile(r"^[\W_]*(?:\S+ ){0,3}final results?\b", re.IGNORECASE)
_COUNT = re.compile(
    r"^[\W_]*(?P<name>[^:=]*?\w[^:=]*?)(?:\s+(?:wins|won|win))?\s*[:=]\s*(?P<count>\d{1,9})(?![\d.]*%)(?!\d|\.\d)",
    re.IGNORECASE,
)
_ROWS = re.compile(
    r"\bloaded\D{0,40}(\d{1,9})|\b(\d{1,9}) (?:rows|examples|questions|prompts|samples)\b.{0,20}\bloaded\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^[\W_]*(?P<name>[^\W\d_][^:\n]{0,60}?)[*_]*:[*_]*\s?(?P<text>.*)$")
_ASKED = re.compile(r"\b(?:question|prompt|instruction|user)\b", re.IGNORECASE)
_TIES, _ERRORS = (
    frozenset({"tie", "ties", "draw", "draws", "neither", "both", "equal"}),
    frozenset({"error", "errors", "invalid", "skipped", "failed"}),
)
_SUMS = frozenset({"total", "comparisons", "total comparisons", "all", "n", "total evaluated", "evaluated"})
_LONGEST_LINE = 200
"""Characters of a heading or a count; longer lines are text, and would keep the expressions above busy for hours."""
_MOST = 100_000
_NAMELESS, _LOST, _UNKNOWN = (
    "counted by the log's results alone",
    "loaded, and in no result of the log",
    "the winner named is neither model",
)


@dataclass(frozen=True)
class _Entry:
    winner: str
    lines: tuple[str, ...]
    """What the log holds of this comparison beside the winner."""


def read_log(text: str, path: Path, ours: str | None) -> list[Stored]:
    """Read a log; without `ours` it is seen from the model with more wins.

    Raises:
        SourceError: it names no two models that win, or more comparisons than are read.
        UsageError: `ours` is neither of them.
    """
    lines = text.splitlines()
    entries, results = _entries(lines), _results(lines)
    first, second = _models(entries, results, path)
    wins = _wins(entries, results, (first, second))
    default = first if wins[first] > wins[second] else second
    us, them = side(first, second, default, ours, path)
    loaded = max((int(one or other) for line in lines for one, other in _ROWS.findall(line)), default=0)
    most = max([loaded, *results.values()])
    if most > _MOST:
        raise SourceError(f"{path}: tells of {most:,} comparisons; mend the number, up to {_MOST:,} are read.")
    compared, notes = _comparisons(entries, results, us, them)
    lost = max(0, loaded - len(compared))
    start = len(compared) + 1
    compared += [Comparison(_case(start + number), "missing", "nobody", _LOST) for number in range(lost)]
    notes.append("The log tells of one order a pair at most, so nothing is known of consistency.")
    return [Stored("win/lose log", us, them, "judge", tuple(compared), tuple(notes))]


def _entries(lines: Sequence[str]) -> list[_Entry]:
    """Cut the log at its winners; a log that begins with one tells of each comparison after its winner, else before."""
    places = [place for place, line in enumerate(lines) if _WINNER.match(line)]
    ends = next((place for place, line in enumerate(lines) if _is_heading(line)), len(lines))
    places = [place for place in places if place < ends]
    if not places:
        return []
    leading = any(_ASKED.search(line) for line in lines[: places[0]])
    edges = [-1, *places] if leading else [*places, ends]
    return [
        _Entry(_name(lines[place]), tuple(lines[edges[number] + 1 : edges[number + 1]]))
        for number, place in enumerate(places)
    ]


def _name(line: str) -> str:
    found = _WINNER.match(line)
    return found.group(1).strip(" \t*_`\"'.") if found else ""


def _results(lines: Sequence[str]) -> dict[str, int]:
    """Read the counts under the last heading `Final Results`, down to the first line that is none."""
    starts = [place for place, line in enumerate(lines) if _is_heading(line)]
    found: dict[str, int] = {}
    for line in lines[starts[-1] + 1 :] if starts else ():
        counted = _COUNT.match(line) if len(line) <= _LONGEST_LINE else None
        if counted:
            found[counted["name"].strip(" \t*_`\"'")] = int(counted["count"])
        elif found and line.strip():
            break
    return {name: count for name, count in found.items() if name.casefold() not in _SUMS}


def _is_heading(line: str) -> bool:
    return len(line) <= _LONGEST_LINE and _RESULTS.match(line) is not None


def _models(entries: Sequence[_Entry], results: Mapping[str, int], path: Path) -> tuple[str, str]:
    """Name the two models: those of the results, else the two that win most often."""
    named = [name for name in results if name.casefold() not in _TIES | _ERRORS]
    if not named:
        won = Counter(entry.winner for entry in entries if entry.winner.casefold() not in _TIES | _ERRORS)
        named = [name for name, _ in won.most_common(2)]
    if len(named) != 2:
        raise SourceError(
            f"{path}: a log of two models is needed, with `Winner: NAME` lines or a part `Final Results` (NAME: COUNT); "
            f"this one names {', '.join(named) if named else 'none'}."
        )
    return named[0], named[1]


def _wins(entries: Sequence[_Entry], results: Mapping[str, int], names: tuple[str, str]) -> dict[str, int]:
    written = Counter(_outcome(entry.winner, *names) for entry in entries)
    return {
        names[0]: max(results.get(names[0], 0), written["win"]),
        names[1]: max(results.get(names[1], 0), written["loss"]),
    }


def _comparisons(
    entries: Sequence[_Entry], results: Mapping[str, int], us: str, them: str
) -> tuple[list[Comparison], list[str]]:
    """Make a comparison of every entry, and of every count of the results that no entry tells of."""
    found = [_comparison(number, entry, us, them) for number, entry in enumerate(entries, 1)]
    written, notes = Counter(each.outcome for each in found), []
    for outcome, counted in _counted(results, us, them).items():
        more = counted - written[outcome]
        if more > 0:
            found += [_untold(len(found) + 1 + number, outcome) for number in range(more)]
            notes.append(f"{more} comparisons ({outcome}) are {_NAMELESS}.")
        elif more < 0:
            notes.append(
                f"The log's results count {counted} ({outcome}), its Winner lines {written[outcome]}: the lines count."
            )
    return found, notes


def _counted(results: Mapping[str, int], us: str, them: str) -> dict[Outcome, int]:
    found: Counter[Outcome] = Counter()
    for name, count in results.items():
        found[_outcome(name, us, them)] += count
    return dict(found)


def _outcome(name: str, us: str, them: str) -> Outcome:
    names: dict[str, Outcome] = {us.casefold(): "win", them.casefold(): "loss"}
    plain = name.casefold()
    return names.get(plain, "tie" if plain in _TIES else "error")


def _untold(number: int, outcome: Outcome) -> Comparison:
    if outcome == "error":
        return Comparison(_case(number), outcome, "judge", "the log says error")
    return Comparison(_case(number), outcome)


def _comparison(number: int, entry: _Entry, us: str, them: str) -> Comparison:
    outcome = _outcome(entry.winner, us, them)
    texts = _labelled(entry.lines)
    ours, theirs = (_text_of(texts, name) for name in (us, them))
    asked = next((text for label, text in texts if _ASKED.search(label)), "")
    games = (Game(None, outcome),) if outcome in ("win", "loss", "tie") else ()
    return Comparison(
        _case(number, asked), outcome, "judge", _UNKNOWN if outcome == "error" else "", games, ours, theirs
    )


def _text_of(texts: Sequence[tuple[str, str]], name: str) -> str | None:
    return next((text for label, text in texts if name.casefold() in label.casefold()), None)


def _labelled(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Read `Label: text` parts, each as long as no other label follows."""
    found: list[tuple[str, str]] = []
    for line in lines:
        label = _LABEL.match(line)
        if label:
            found.append((label["name"], label["text"]))
        elif found:
            found[-1] = found[-1][0], f"{found[-1][1]}\n{line}"
    return [(name, text.strip()) for name, text in found]


def _case(number: int, asked: str = "") -> Case:
    return Case(number, NO_CATEGORY, (asked,))
