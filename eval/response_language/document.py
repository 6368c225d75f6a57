"""The languages of a model's answers as a scores file holds them: the paper's figure, the case-folded one, and the line verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from eval.response_language.identifiers import Identifier
from eval.response_language.readable import readable
from eval.response_language.verdicts import VERDICTS, LineVerdict, line_verdict
from kielo.languages.detection import detect_language, known_codes
from kielo.languages.pack import Language

NONE = "none"
"""The class of texts that langdetect finds nothing to judge in."""


def langdetect_code(text: str, fold: bool = False) -> str | None:
    """Give langdetect's code (seeded) for an answer as it is, or case-folded and without code; None: nothing to judge by."""
    return detect_language(readable(text).lower() if fold else text)


def language_document(
    texts: Mapping[Any, str | None], target: Language, source: Language | None, identifier: Identifier
) -> dict[str, Any] | None:
    """Count the languages of answers by prompt key; None where neither langdetect nor the identifier knows the target.

    `langdetect` and `folded` are None where langdetect does not know it, `lines` where the identifier does not.
    """
    if source and source.code == target.code:
        source = None
    known = target.langdetect in known_codes()
    told = identifier.label(target) is not None
    if not known and not told:
        return None
    answers = {str(key): text or "" for key, text in texts.items()}
    plain = {key: langdetect_code(text) for key, text in answers.items()} if known else {}
    folded = {key: langdetect_code(text, fold=True) for key, text in answers.items()} if known else {}
    lines = {key: line_verdict(text, target, source, identifier) for key, text in answers.items()} if told else {}
    return {
        "target": target.code, "source": source.code if source else None, "total": len(answers),
        "langdetect": _by_code(plain.values(), target.langdetect) if known else None,
        "folded": _by_code(folded.values(), target.langdetect) if known else None,
        "lines": _by_verdict(lines.values(), identifier.name) if told else None,
        "by_prompt": {
            key: {"langdetect": plain.get(key), "folded": folded.get(key), **_line(lines.get(key))} for key in answers
        },
    }  # fmt: skip


def _by_code(codes: Iterable[str | None], asked: str | None) -> dict[str, Any]:
    counts = Counter(code or NONE for code in codes)
    by_code = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return {"asked": asked, "in_target": counts[asked or NONE], "by_code": by_code}


def _by_verdict(found: Iterable[LineVerdict], identifier: str) -> dict[str, Any]:
    counts = Counter(each.verdict for each in found)
    return {"identifier": identifier, **{verdict: counts[verdict] for verdict in VERDICTS}}


def _line(found: LineVerdict | None) -> dict[str, Any]:
    if found is None:
        return {"lines": None, "evidence": None}
    return {"lines": found.verdict, "evidence": found.evidence}
