"""Tells requests whose task a translation would change, such as `fix this grammar`, before a record is translated."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from translate.tasks.given_text import Span, echoes, given_text
from translate.tasks.rules import Action, Rule, words_of

HEAD, TAIL = 600, 400
"""Characters at the beginning and end of a turn where a request is looked for; docs/task-changes.md says how they were measured."""
_CONTEXT = 200
_STRICTEST: tuple[Action, ...] = ("skip", "keep", "around")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ \t>]{0,12}(`{3,}|~{3,})")


@dataclass(frozen=True)
class TaskChange:
    """A request that a translation would change."""

    rule: str
    action: Action
    quoted: tuple[str, ...]
    """Action around: the exact substrings, of the request and of its answers, that must stay (`given_text.literals`)."""
    evidence: str
    """The words the request was told by."""


def classify(text: str, rules: Sequence[Rule], answers: Sequence[str] = ()) -> TaskChange | None:
    """Tell whether a translation would change what a user's turn asks for; the first rule that hits wins.

    `answers` are the replies to the turn. Action `around` becomes `skip` where the turn names no text to leave alone,
    or where an answer that should give that text back, mended, cannot be told from what may be translated.
    """
    seen = _without_code(text).replace("’", "'")
    windows = _windows(len(seen))
    words = frozenset().union(*(words_of(seen[start:end]) for start, end in windows))
    for rule in rules:
        if rule.action == "translate" or rule.cues.isdisjoint(words):
            continue
        match = next(_hits(rule, seen, windows), None)
        if match is not None:
            quoted = _around(text, rule, match, answers) if rule.action == "around" else ()
            action = "skip" if rule.action == "around" and not quoted else rule.action
            return TaskChange(rule.name, action, quoted, " ".join(text[slice(*match.span())].split()))
    return None


def strictest(changes: Iterable[TaskChange | None]) -> TaskChange | None:
    """Join what was found in the turns of one record: skip before keep before around; several `around` leave all their texts alone."""
    found = [change for change in changes if change is not None]
    first = min(found, key=lambda change: _STRICTEST.index(change.action), default=None)
    if first is None or first.action != "around":
        return first
    return dataclasses.replace(first, quoted=tuple(dict.fromkeys(text for change in found for text in change.quoted)))


def _windows(length: int) -> tuple[Span, ...]:
    return ((0, length),) if length <= HEAD + TAIL else ((0, HEAD), (length - TAIL, length))


def _hits(rule: Rule, text: str, windows: Sequence[Span]) -> Iterator[re.Match[str]]:
    for start, end in windows:
        for pattern in rule.patterns:
            for match in pattern.finditer(text, start, end):
                if not _taken_back(rule, text, match.span()):
                    yield match


def _taken_back(rule: Rule, text: str, hit: Span) -> bool:
    """Look for the rule's exceptions in the line of a hit."""
    start = max(text.rfind("\n", 0, hit[0]) + 1, hit[0] - _CONTEXT)
    end = text.find("\n", hit[1], hit[1] + _CONTEXT)
    end = hit[1] + _CONTEXT if end < 0 else end
    return any(pattern.search(text, start, end) for pattern in rule.unless)


def _around(text: str, rule: Rule, match: re.Match[str], answers: Sequence[str]) -> tuple[str, ...]:
    lead = len(match.group()) - len(match.group().lstrip())  # the blanks before a sentence belong to no line
    quoted = given_text(text, (match.start() + lead, match.end()))
    if "quoted" in match.re.groupindex and match["quoted"] and not quoted:
        quoted = (text[slice(*match.span("quoted"))].strip("'’"),)
    if not rule.echo or not quoted:
        return quoted
    mended = [echoes(answer, quoted) for answer in answers]
    return tuple(dict.fromkeys((*quoted, *(part for parts in mended for part in parts)))) if all(mended) else ()


def _without_code(text: str) -> str:
    """Blank out fenced code, every character by a blank, so that places stay where they are."""
    if "```" not in text and "~~~" not in text:
        return text
    lines, fence = [], ""
    for line in _LINE.findall(text):
        mark = _FENCE.match(line)
        inside = bool(fence)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
            fence = ""
        lines.append(" " * (len(line) - 1) + line[-1] if inside or mark else line)
    return "".join(lines)
