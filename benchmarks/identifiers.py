"""Measures how well languages are told apart: `python -m benchmarks.identifiers` prints the tables of docs/response-language.md.

Text: FLORES-200 devtest in 13 languages. First the identifiers alone, then the line verdict on whole, short and mixed answers.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence

from benchmarks.language_texts import CODES, Texts, first_words, pack, read
from benchmarks.line_verdicts import (
    ceiling_table,
    held_out_table,
    length_table,
    mixture_table,
    neighbour_table,
    whole_table,
)
from eval.response_language import open_identifier
from kielo.languages.detection import detect_language


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--identifiers", nargs="+", default=["langdetect", "py3langid", "lingua"], metavar="NAME")
    parser.add_argument("--sentences", type=int, default=200, help="of each language, for the identifiers alone")
    options = parser.parse_args()
    texts = {code: read(code) for code in CODES}
    for name in options.identifiers:
        print(confusions(name, texts, options.sentences))
    verdicts = open_identifier("py3langid")
    for table in (whole_table, length_table, mixture_table, neighbour_table, held_out_table, ceiling_table):
        print(table(texts, verdicts))


def confusions(name: str, texts: Texts, sentences: int) -> str:
    """Print how many sentences are called what they are, and what the others are called most."""
    identifier = open_identifier(name)

    def best(text: str) -> str:
        look = identifier.look(text, ())
        return look.best if look else "-"

    def raw(text: str) -> str:
        return detect_language(text) or "-"

    ways: list[tuple[str, Callable[[str], str]]] = [("", best)]
    if name == "langdetect":  # the paper asks it as it is; folded is how we ask it
        ways = [(" as it is", raw), (" case-folded", best)]
    lines = []
    for way, label in ways:
        lines += [f"\n{name}{way}, {sentences} sentences of each language: right %, and the wrong label given most", ""]
        lines += ["language  sentence  3 words    UPPER   sentences called"]
        for code in CODES:
            lines.append(_confusion_row(code, identifier.label(pack(code)), texts[code][:sentences], label))
    return "\n".join(lines)


def _confusion_row(code: str, own: str | None, sentences: Sequence[str], label: Callable[[str], str]) -> str:
    forms = (sentences, list(map(first_words, sentences)), list(map(str.upper, sentences)))
    found = [Counter(map(label, form)) for form in forms]
    shares = "  ".join(f"{100 * counts[own or ''] / len(sentences):8.1f}" for counts in found)
    wrong = [f"{name} {count}" for name, count in found[0].most_common(4) if name != own][:2]
    wrong += [f"UPPER: {name} {count}" for name, count in found[2].most_common(2) if name != own][:1]
    return f"{CODES[code]:8}  {shares}   {', '.join(wrong)}{'' if own else ' (unknown to it)'}"


if __name__ == "__main__":
    main()
