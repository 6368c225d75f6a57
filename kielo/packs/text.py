"""What a native text says of its language: letters, script, quotation marks, length beside English, and who takes it for what."""

from __future__ import annotations

import gzip
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from kielo.errors import MissingExtraError, SourceError
from kielo.languages.pack import Language
from kielo.languages.scripts import script_of

LEAST_LINES = 20
"""A text of fewer lines says too little of a language."""
LEAST_SHARE = 0.02
"""Of 100 letters: what is rarer stands in foreign names."""
_ASKED = 200
"""Lines that identifiers are asked about, evenly taken."""
_PAIRS = ("“”", "””", "„“", "„”", "«»", "»«", "»»", "「」", "『』")


@dataclass(frozen=True)
class Text:
    """Lines of a native text, blank ones left out, and the English ones that they translate, where those were given."""

    file: Path
    lines: Sequence[str]
    english: Sequence[str] = ()


@dataclass(frozen=True)
class Told:
    """How an identifier took lines of a text: the share it took for their language, and what it took most others for."""

    share: float
    mistaken_for: str | None


def read_text(file: Path, english: Path | None = None) -> Text:
    """Read a text, a sentence a line, plain or gzipped; `english` has the same sentences, line by line.

    Raises:
        SourceError: a file cannot be read, is no UTF-8, is too short, or the two are not of one length.
    """
    lines = _lines(file)
    if english is None:
        kept = [line for line in lines if line.strip()]
        if len(kept) < LEAST_LINES:
            raise SourceError(f"{file}: {len(kept)} lines; a language shows in {LEAST_LINES} or more, a sentence each.")
        return Text(file, kept)
    others = _lines(english)
    if len(others) != len(lines):
        raise SourceError(
            f"{english}: {len(others)} lines beside {len(lines)} of {file}; line n of one must translate line n of the other."
        )
    both = [(own, other) for own, other in zip(lines, others, strict=True) if own.strip() and other.strip()]
    if len(both) < LEAST_LINES:
        raise SourceError(f"{file}: {len(both)} pairs; a language shows in {LEAST_LINES} or more.")
    return Text(file, [own for own, _ in both], [other for _, other in both])


def letter_shares(text: Text) -> Mapping[str, float]:
    """Count the small letters of the usual script, each its share of 100 letters, in the order of Unicode; rare ones are left out."""
    script = usual_script(text)
    joined = unicodedata.normalize("NFC", " ".join(text.lines)).lower()
    counts = Counter(char for char in joined if script_of(char) == script)
    total = sum(counts.values())
    shares = {letter: round(100 * count / total, 2) for letter, count in sorted(counts.items())}
    return {letter: share for letter, share in shares.items() if share >= LEAST_SHARE}


def usual_script(text: Text) -> str:
    """Name the script most letters are of, as Unicode names it.

    Raises:
        SourceError: the text holds no letters.
    """
    counts = script_counts(" ".join(text.lines))
    if not counts:
        raise SourceError(f"{text.file}: no letters; give a text of the language.")
    return counts.most_common(1)[0][0]


def script_counts(text: str) -> Counter[str]:
    """Count letters by their script."""
    return Counter(script for char in text if (script := script_of(char)))


def caseless(name: str) -> bool:
    """Tell whether a name's script has no capitals; Georgian's are for titles alone, and begin no word."""
    return name.title() == name.lower()


def quotation_marks(text: Text) -> Mapping[str, int]:
    """Count in how many lines each pair of quotation marks stands around something; straight ones tell nothing."""
    return {pair: count for pair in _PAIRS if (count := sum(_quotes(line, pair) for line in text.lines))}


def length_ratio(text: Text) -> float | None:
    """Give the median over lines of characters per character of English; None without the English lines."""
    if not text.english:
        return None
    return round(median(len(own) / len(other) for own, other in zip(text.lines, text.english, strict=True)), 2)


def told(text: Text, pack: Language) -> Mapping[str, Told]:
    """Ask about lines of a text every identifier that knows the language and needs no file of its own."""
    from eval.response_language.identifiers import open_identifier

    found = {}
    for name in ("py3langid", "langdetect", "lingua"):
        try:
            identifier = open_identifier(name)
        except MissingExtraError:
            continue
        label = identifier.label(pack)
        if label is not None:
            bests = Counter(
                look.best if (look := identifier.look(line, [label])) else "nothing" for line in _some(text)
            )
            found[name] = Told(
                round(bests.pop(label, 0) / len(_some(text)), 3), next(iter(bests.most_common(1)), (None,))[0]
            )
    return found


def _some(text: Text) -> Sequence[str]:
    """Take lines evenly from a text."""
    return text.lines[:: max(1, len(text.lines) // _ASKED)][:_ASKED]


def _quotes(line: str, pair: str) -> bool:
    opening, closing = pair[0], pair[1]
    start = line.find(opening)
    other = [mark for mark in "“”„«»「」『』" if mark not in pair and mark in line]
    return start >= 0 and line.find(closing, start + 1) > start and not other


def _lines(file: Path) -> list[str]:
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        # by line ends alone: a sentence may hold other breaks of Unicode's, and line n must stay line n
        return content.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n").split("\n")
    except OSError as error:  # a broken gzip file is one, too
        raise SourceError(
            f"{file}: cannot be read ({error.strerror or error}); name a text file, plain or gzipped."
        ) from error
    except (EOFError, zlib.error) as error:
        raise SourceError(f"{file}: the gzip file ends early or is damaged; fetch it again.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{file}: not UTF-8 at byte {error.start}; save the text as UTF-8.") from error
