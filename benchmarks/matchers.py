"""Measures which Finnish forms of a keyword fair mode's matchers find, and what else they take for one: `python -m benchmarks.matchers`.

The judge is libvoikko (with its dictionary), so it must be installed: a word is a form of a keyword if that is one of its
dictionary forms. Every dictionary form of a noun, adjective, verb or place name that a text holds is a keyword in turn.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.ifeval.matchers import LEMMATISERS, open_matcher
from eval.ifeval.rules import LanguageRules
from kielo.languages.pack import language

_DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data"))
_CLASSES = {"nimisana": "nouns", "laatusana": "adjectives", "teonsana": "verbs", "paikannimi": "place names"}
Found = Callable[[str, Sequence[str]], set[str]]


def main() -> int:
    """Print recall by word class and precision of every matcher, on two collections of texts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--letters", type=int, default=1_500_000, help="most letters of a collection")
    letters = parser.parse_args().letters
    print(f"| texts | matcher | {' | '.join(_CLASSES.values())} | all | precision |")
    print("|---|---|" + "---:|" * (len(_CLASSES) + 2))
    for name, text in (("FLORES-200", _flores()), ("Finnish Wikipedia", _wikipedia())):
        words = Counter(word.lower() for word in re.findall(r"[^\W\d_]{3,}", text[:letters]))
        forms, classes = _dictionary_forms(words)
        for label, found in _matchers().items():
            print(f"| {name} | {label} | {_measured(found, words, forms, classes)} |")
    return 0


def _flores() -> str:
    with gzip.open(_DATA / "flores200/fin.devtest.gz", "rt", encoding="utf-8") as lines:
        return lines.read()


def _wikipedia() -> str:
    with gzip.open(_DATA / "native_fi/wikipedia-fi-validation-sample.jsonl.gz", "rt", encoding="utf-8") as lines:
        return " ".join(json.loads(line)["text"] for line in lines)


def _dictionary_forms(words: Mapping[str, int]) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """Give the dictionary forms of every word, and the class of every dictionary form that is a keyword."""
    from libvoikko import Voikko

    analyser: Any = Voikko("fi")
    forms: dict[str, frozenset[str]] = {}
    classes: dict[str, str] = {}
    for word in words:
        found = analyser.analyze(word)
        forms[word] = frozenset(each["BASEFORM"].lower() for each in found)
        classes |= {each["BASEFORM"].lower(): each["CLASS"] for each in found if each["CLASS"] in _CLASSES}
    return forms, classes


def _matchers() -> dict[str, Found]:
    rules = LanguageRules.from_pack("fi", language("fi").ifeval)
    pack = open_matcher(rules)
    assert rules.matcher.kind not in LEMMATISERS, "the judge would judge itself"
    return {
        "exact form": lambda keyword, words: {word for word in words if word == keyword},
        "compat: anywhere in a word": lambda keyword, words: {word for word in words if keyword in word},
        "fair: the pack's prefix": lambda keyword, words: {word for word in words if pack(keyword, word)},
    }


def _measured(
    found: Found, words: Mapping[str, int], forms: Mapping[str, frozenset[str]], classes: Mapping[str, str]
) -> str:
    """Count tokens: of a keyword's forms those found (by class, and in all), of what was found the keyword's forms."""
    by_start: dict[str, list[str]] = defaultdict(list)
    for word in words:
        by_start[word[:2]].append(word)
    true: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    taken = 0
    for keyword, name in classes.items():
        near = by_start[keyword[:2]]
        matched = found(keyword, near)
        own = {word for word in near if keyword in forms[word]}
        true[name] += sum(words[word] for word in own)
        hits[name] += sum(words[word] for word in own & matched)
        taken += sum(words[word] for word in matched)
    shares = [hits[name] / true[name] for name in _CLASSES] + [hits.total() / true.total(), hits.total() / taken]
    return " | ".join(f"{100 * share:.1f}" for share in shares)


if __name__ == "__main__":
    raise SystemExit(main())
