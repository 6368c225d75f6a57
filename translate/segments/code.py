"""Code blocks opened: comments and strings that are human language become segments, by the tokens of Pygments' lexers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from translate.segments import html
from translate.segments.bodies import bodies
from translate.segments.document import Stretch
from translate.segments.fences import Fence
from translate.segments.prose import is_remark, is_told, reads_as_prose

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST_CODE = 12_000
"""Characters; longer blocks are data rather than examples, and stay."""

_STALLING = re.compile(r"\s{200}|[^\n]{2000}|(?:[\w.$<>?\[\]]++\s++){200}")
"""Blanks, a line, words without punctuation so long that some lexers (C, Java) take seconds: no program has them."""

_ALIASES = {"jsx": "javascript", "tsx": "typescript", "node": "javascript", "jsonc": "json", "golang": "go"}
_MARKUP = frozenset({"html", "xml", "svg", "vue", "xhtml"})
_PROSE = frozenset({"", "text", "txt", "plaintext", "plain", "markdown", "md"})
_WITH_STRINGS = frozenset("Python JavaScript TypeScript Java C C++ C# Go Rust PHP Ruby Kotlin Swift JSON".split())
_WITH_COMMENTS = _WITH_STRINGS | frozenset("Bash SQL MySQL CSS SCSS YAML S Lua TOML Docker".split())
"""By the names of Pygments; strings of the others are patterns, commands, conditions."""

_COMMENT_SIGNS = re.compile(r"\s*(?:/\*+!?|//+!?|\*+(?!/)|\#+|--+|<!--|%+|;+|=begin|=end)?\s*")
_COMMENT_ENDS = re.compile(r"\s*(?:\*+/|-->|\#+)?\s*\Z")
_LITERAL = re.compile(r"(?:[fuFU]|\$)?(?P<quote>\"\"\"|'''|[\"'`])(?P<body>.*)(?P=quote)", re.DOTALL)
_PIECE = re.compile(r"(?P<piece>(?:[^\\\r\n]|\\[^nrt\r\n])+)|\\.?|[\r\n]+", re.DOTALL)
_LINE = re.compile(r"[^\r\n]+")
_OTHER_ESCAPE = re.compile(r"\\[^\"']")
_COMPARED = frozenset("== != === !== < > <= >= in is case when eq ne like import from require =>".split())
_KEY_SIGNS = (":", "=>", "==", "!=")
_NOT_FOR_PEOPLE = re.compile(
    r"[\"']?(?:re|compile|match|search|findall|sub|split|replace|query\w*|select\w*|getElement\w*|open|require|str[pf]time"
    r"|getenv|execute\w*|cursor|system|run|Popen|exec\w*|eval|test|matches|import\w*|find\w*|font\w*|className|class|href"
    r"|src|id|style)[\"']?\Z"
)
_NAME_END = re.compile(r"[\w)\]]\Z")


@dataclass(frozen=True)
class _Run:
    """Neighbouring tokens of one sort: a comment, a string literal with what is interpolated, or code."""

    sort: str
    start: int
    text: str


def stretches(text: str, fence: Fence) -> Iterator[Stretch]:
    """Find the human language in code, by the language its info string names; none in one this does not know."""
    lines, name = fence.lines, fence.language
    start, stop = (lines[0].start, lines[-1].stop) if lines else (0, 0)
    if stop - start > LONGEST_CODE or _STALLING.search(text, start, stop):
        return
    if any(text[line.start : line.begin].strip() for line in lines):
        return  # in a quote, the signs of its lines stand between those of the code
    if name in _PROSE:
        if reads_as_prose([text[line.begin : line.stop] for line in lines]):
            for line in lines:
                yield from (Stretch(*span, "text") for span in bodies(text, line.begin, line.stop))
    elif name in _MARKUP:
        yield from _markup(text, start, stop)
    elif lexer := _lexer(_ALIASES.get(name, name)):
        yield from _program(text, start, stop, lexer)


@lru_cache(maxsize=256)  # info strings are the data's
def _lexer(name: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(name, **({"startinline": True} if name == "php" else {}))
    except ClassNotFound:
        return None
    return lexer if lexer.name in _WITH_COMMENTS else None


def _markup(text: str, start: int, stop: int) -> Iterator[Stretch]:
    found: list[Stretch] = []
    for left, right in html.comments(text, start, stop):
        found += (Stretch(*span, "comment") for span in _lines_of_comment(text, left, right))
    begin = start
    for cut, end in (*html.cuts(text, start, stop), (stop, stop)):
        for left, right in _lines(text, begin, cut):
            for span in bodies(text, left, right):
                if inner := html.phrase(text, *span):
                    found.append(Stretch(*inner, "html"))
        begin = end
    yield from sorted(found)


def _program(text: str, start: int, stop: int, lexer: Lexer) -> Iterator[Stretch]:
    runs = [run for run in _runs(text[start:stop], lexer) if run.sort != "code" or run.text.strip()]
    with_strings = lexer.name in _WITH_STRINGS
    before = ["", ""]
    for number, run in enumerate(runs):
        place = start + run.start
        if run.sort == "comment":
            for span in _lines_of_comment(text, place, place + len(run.text)):
                yield Stretch(*span, "comment")
            continue
        if run.sort == "string" and with_strings and _is_value(before, runs[number + 1 : number + 2]):
            yield from _string(text, place, run.text)
        before = [before[1], run.text.strip()]


def _runs(code: str, lexer: Lexer) -> Iterator[_Run]:
    """Join the tokens of each comment and each string literal; what is interpolated belongs to the literal."""
    from pygments.token import Comment, String

    sort, begin, end, depth = "", 0, 0, 0
    kept_strings = (String.Regex, String.Symbol, String.Char, String.Heredoc)
    orders = (Comment.Hashbang, Comment.Preproc, Comment.PreprocFile)
    # lexers end a last line comment at its line end
    for start, kind, value in (*lexer.get_tokens_unprocessed(code + "\n"), (len(code) + 1, None, "")):
        if kind is None:
            now = "end"
        elif kind in String.Interpol or depth:
            depth = max(0, depth + value.count("{") - value.count("}"))
            now = "string"
        elif kind in String and not any(kind in each for each in kept_strings):
            now = "string"
        elif kind in Comment and not any(kind in each for each in orders):
            now = "comment"
        else:
            now = "code"
        if now == "code" or now != sort:
            if sort:
                yield _Run(sort, begin, code[begin:end])
            sort, begin = now, start
        end = start + len(value)


def _is_value(before: Sequence[str], after: Sequence[_Run]) -> bool:
    """Tell whether a string is no key, no index, no side of a comparison, and no pattern or name handed to a function."""
    name, sign = before
    if sign in _COMPARED or (after and after[0].text.strip().startswith(_KEY_SIGNS)):
        return False
    if sign == "[" and _NAME_END.search(name):
        return False
    return not (sign in ("(", "=", ":") and _NOT_FOR_PEOPLE.match(name))


def _string(text: str, place: int, literal: str) -> Iterator[Stretch]:
    written = _LITERAL.fullmatch(literal)
    if written is None:
        return
    quote, begin = written["quote"], place + written.start("body")
    if len(quote) == 1 and re.search(rf"(?<!\\){quote}", written["body"]):
        return  # two literals side by side
    for piece in _PIECE.finditer(text, begin, begin + len(written["body"])):
        for left, right in bodies(text, *piece.span()) if piece["piece"] else ():
            if not _OTHER_ESCAPE.search(text, left, right) and is_told(text[left:right]):
                yield Stretch(left, right, "string")


def _lines_of_comment(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    for left, right in _lines(text, start, stop):
        signs = _COMMENT_SIGNS.match(text, left, right)
        begin = signs.end() if signs else left
        end = _COMMENT_ENDS.search(text, max(begin, right - 80), right)
        for span in bodies(text, begin, end.start() if end else right):
            if is_remark(text[slice(*span)]):
                yield span


def _lines(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    for match in _LINE.finditer(text, start, stop):
        yield match.span()
