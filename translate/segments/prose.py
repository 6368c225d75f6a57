"""Human language or code: what indented blocks, comments and strings are, judged by their look."""

from __future__ import annotations

import re
from collections.abc import Sequence

from translate.protect import protect
from translate.protected_patterns import URL

MOST_CODE = 0.1
"""Share of lines that look like code in a block of prose."""

_CODE = re.compile(
    r"""
      [;{}]\s*\Z | \A\s*[{}<$@] | \A\s*[)\]]
    | \w\((?!e?s\)) | \w\)?\.\w+\( | \w\[\w | \(\)
    | [=!+*/<>&|-]= | \s=\s | =["'\w] | => | -> | :: | && | \|\|
    | \b[a-z]\w*_\w | \b\w+/\w+/ | \A\s*//  | /\* | \\[ntr"']
    | \A\s*\#\s*(?:include|define|!) | \A\s*--?\w[\w-]*(?:\s|=|\Z)
    | \A\s*(?:import|from|def|class|return|const|let|var|function|public|private|static|void|int|elif|else:|try:|except|package
        |use|using|echo|sudo|cd|npm|npx|pip|git|docker|mkdir|curl|apt|brew)\b(?![,.])
    | \A\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|JOIN|GROUP|ORDER|RUN|CMD|COPY|WORKDIR)\s
    | \A\s*(?:if|for|while|with|switch)\b.*[:({]\s*\Z
    """,
    re.VERBOSE,
)
_MARKER = re.compile(r"\s*(?:[-*+•]|\(?\w{1,3}[.)]|\#{1,6})?\s*[\"'“*_]*")
_SENTENCE_END = re.compile(r"[.!?:][\"'”’)*_]*\s*\Z")
_PLAIN_WORD = re.compile(r"(?<![\w.@/\\-])[^\W\d_]{2,}(?![\w(./=\\-])")
_OF_CODE = re.compile(r"[{}$`<>\[\]|_^]")
_DIRECTIVE = re.compile(
    r"(?:eslint|prettier|noqa|type:|pylint|mypy|pragma|@|ts-|istanbul|nolint|fmt:|region|endregion|coding|vim:|usr/|global )",
    re.IGNORECASE,
)
_TELLING = 300
"""Characters at a line's start that tell enough."""


def looks_like_code(line: str) -> bool:
    """Tell whether a line holds what programs have and prose has not: calls, assignments, operators, names_like_this."""
    line = line[:_TELLING]
    return _CODE.search(URL.sub("", line) if "://" in line else line) is not None


def reads_as_prose(lines: Sequence[str]) -> bool:
    """Tell whether an indented block is prose, as the lists of chat assistants often are: 6 of 10 such blocks in OASST.

    Most lines begin as sentences and names do, or end as sentences do, and hardly one looks like code.
    """
    lines = [line for line in lines if any(map(str.isalpha, line))]
    if not lines or sum(map(looks_like_code, lines)) > MOST_CODE * len(lines):
        return False
    return sum(map(_begins_or_ends_as_a_sentence, lines)) * 2 > len(lines)


def _begins_or_ends_as_a_sentence(line: str) -> bool:
    marker = _MARKER.match(line)
    first = line[marker.end() if marker else 0 :][:1]
    return (first.isalpha() and not first.islower()) or _SENTENCE_END.search(line[-9:]) is not None


def is_told(string: str) -> bool:
    """Tell whether a string is meant for people: a sentence, or several plain words, and nothing that programs read."""
    bare = protect(string).bare.replace("\\", "")
    words = bare.split()
    plain = _PLAIN_WORD.findall(bare)
    shouted = bare.upper() == bare != bare.lower()
    if len(plain) < 2 or shouted or _OF_CODE.search(bare) or looks_like_code(bare):
        return False
    ended = bare.rstrip()[-1:] in ".!?:…,"
    first = next(filter(str.isalpha, bare))
    if ended or not first.islower():
        return len(plain) >= (2 if ended else 3) and len(plain) * 2 >= len(words)
    return len(plain) >= 4 and len(plain) == len(words)


def is_remark(comment: str) -> bool:
    """Tell whether a comment is words rather than code that is commented out, or an order to a tool."""
    if _DIRECTIVE.match(comment):
        return False
    plain = len(_PLAIN_WORD.findall(protect(comment).bare))
    if looks_like_code(comment):
        return plain >= 4 and comment[0].isupper() and not comment.endswith((";", "{", "}", ")", ":"))
    return plain >= 2 or (plain == 1 and comment[0].isupper())
