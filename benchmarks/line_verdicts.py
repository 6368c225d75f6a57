"""Measures the line verdict on whole, short and mixed answers, and what the paper's language column can reach at most."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.language_texts import (
    CODES,
    DATA,
    DOCUMENT,
    PARAGRAPH,
    Texts,
    batches,
    beginning,
    first_words,
    headed,
    mixtures,
    pack,
    switched,
    titled,
)
from eval.response_language import VERDICTS, Identifier, langdetect_code, line_verdict
from eval.response_language.verdicts import Verdict

_NEIGHBOURS = (("fin", "est"), ("est", "fin"), ("swe", "dan"), ("dan", "nob"), ("nob", "dan"), ("nob", "nno"), ("isl", "fao"), ("fao", "isl"))  # fmt: skip
_CAPITALS = "change_case:english_capital"


def whole_table(texts: Texts, identifier: Identifier) -> str:
    """Print the verdicts on answers in one language: asked in each language with English as source."""
    lines = [
        "\nline verdict on answers in one language: target when it is the target, source when it is English, %",
        "",
        "language  paragraph    UPPER  sentence  3 words | English paragraph   sentence  3 words",
    ]
    for code in CODES:
        if code != "eng":
            shares = [_right(code, form, "target", identifier) for form in _forms(texts[code], upper=True)]
            english = [_right(code, form, "source", identifier) for form in _forms(texts["eng"], upper=False)]
            cells = "  ".join(f"{share:7.1f}" for share in shares)
            lines.append(f"{CODES[code]:8}    {cells} |           {'  '.join(f'{share:7.1f}' for share in english)}")
    return "\n".join(lines)


def _forms(sentences: Sequence[str], upper: bool) -> Iterator[list[str]]:
    paragraphs = list(batches(sentences, PARAGRAPH))
    yield paragraphs
    if upper:
        yield [paragraph.upper() for paragraph in paragraphs]
    yield list(sentences)
    yield list(map(first_words, sentences))


def _right(code: str, answers: Sequence[str], wanted: Verdict, identifier: Identifier) -> float:
    found = (line_verdict(text, pack(code), pack("eng"), identifier).verdict for text in answers)
    return 100 * sum(verdict == wanted for verdict in found) / len(answers)


def length_table(texts: Texts, identifier: Identifier) -> str:
    """Print the verdicts on the first letters of sentences: how few are enough."""
    lines = [
        "\nline verdict on the beginning of sentences (whole words, at least so many letters), %: right / none / wrong",
        "",
        f"letters {'fi':>22} {'et':>22} {'da':>22} {'en (target fi)':>22}",
    ]
    for least in (4, 6, 8, 10, 12, 15, 20, 30):
        cells = [_lengths(code, code, "target", texts, least, identifier) for code in ("fin", "est", "dan")]
        cells.append(_lengths("eng", "fin", "source", texts, least, identifier))
        lines.append(f"{least:7} " + " ".join(f"{cell:>22}" for cell in cells))
    return "\n".join(lines)


def _lengths(code: str, target: str, wanted: Verdict, texts: Texts, least: int, identifier: Identifier) -> str:
    found = Counter(
        line_verdict(beginning(text, least), pack(target), pack("eng"), identifier).verdict for text in texts[code]
    )
    total = found.total()
    right, none = found[wanted], found["none"]
    return f"{100 * right / total:.1f} / {100 * none / total:.1f} / {100 * (total - right - none) / total:.1f}"


def mixture_table(texts: Texts, identifier: Identifier) -> str:
    """Print the verdicts on Finnish answers of which a known part is English."""
    rows = [(f"{count} of {DOCUMENT} sentences English", list(mixtures(texts, count))) for count in range(DOCUMENT + 1)]
    rows += [
        ("1 of 2 sentences English", list(mixtures(texts, 1, 2))),
        ("1 of 3 sentences English", list(mixtures(texts, 1, 3))),
        ("English heading, 3 Finnish sentences", list(headed(texts))),
        ("a quoted English title in every sentence", list(titled(texts))),
        ("every sentence changes in its middle", list(switched(texts))),
    ]
    lines = ["\nline verdict on mixtures, target Finnish, source English, %", ""]
    lines += [f"{'answers':42}{'letters English':>16}" + "".join(f"{verdict:>8}" for verdict in VERDICTS)]
    for title, answers in rows:
        found = Counter(line_verdict(text, pack("fin"), pack("eng"), identifier).verdict for text, _ in answers)
        share = sum(share for _, share in answers) / len(answers)
        cells = "".join(f"{100 * found[verdict] / len(answers):8.1f}" for verdict in VERDICTS)
        lines.append(f"{title:42}{100 * share:15.0f}%{cells}")
    return "\n".join(lines)


def neighbour_table(texts: Texts, identifier: Identifier) -> str:
    """Print the verdicts on answers in a language close to the one asked for."""
    lines = ["\nline verdict on answers in a neighbouring language, source English, %", ""]
    lines += [
        "asked  answered   paragraphs: " + " ".join(f"{verdict:>7}" for verdict in VERDICTS) + "   sentences: other"
    ]
    for asked, answered in _NEIGHBOURS:
        forms = list(batches(texts[answered], PARAGRAPH)), texts[answered]
        found = [
            Counter(line_verdict(text, pack(asked), pack("eng"), identifier).verdict for text in form) for form in forms
        ]
        cells = " ".join(f"{100 * found[0][verdict] / found[0].total():7.1f}" for verdict in VERDICTS)
        alone = 100 * found[1]["other"] / found[1].total()
        lines.append(f"{CODES[asked]:5}  {CODES[answered]:8}               {cells}   {alone:16.1f}")
    return "\n".join(lines)


def held_out_table(_: Texts, identifier: Identifier) -> str:
    """Print the verdicts on texts that no threshold was set on: chat messages with code and lists, news, short sentences."""
    lines = ["\nline verdict on texts that no threshold was set on, target Finnish, source English, %", ""]
    lines += [f"{'texts':44}{'number':>8}" + "".join(f"{verdict:>8}" for verdict in VERDICTS)]
    for title, answers in _held_out():
        found = Counter(line_verdict(text, pack("fin"), pack("eng"), identifier).verdict for text in answers)
        cells = "".join(f"{100 * found[verdict] / len(answers):8.1f}" for verdict in VERDICTS)
        lines.append(f"{title:44}{len(answers):8}{cells}")
    return "\n".join(lines)


def _held_out() -> Iterator[tuple[str, list[str]]]:
    with gzip.open(DATA / "oasst/oasst1_validation_en_fi.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for name, field in (("Finnish", "text_fi"), ("English", "text_en")):
        answers = [row[field] for row in rows if row["role"] == "assistant"]
        yield f"OASST1 answers, {name}", answers
        yield f"OASST1 answers, {name}, in capitals", [text.upper() for text in answers]
    for corpus in ("newstest2017", "tatoeba-test-v2021-08-07"):
        for name, code in (("Finnish", "fin"), ("English", "eng")):
            with gzip.open(DATA / f"parallel/{corpus}.{code}.gz", "rt", encoding="utf-8") as lines:
                yield f"{corpus.partition('-')[0]} sentences, {name}", [line.strip() for line in lines]


def ceiling_table(texts: Texts, identifier: Identifier) -> str:
    """Print what the language column gives to a model without a fault: a Finnish paragraph for each of the paper's 510 prompts."""
    prompts = [row for row in _prompts() if "language:response_language" not in row["instruction_id_list"]]
    rows = {
        "Finnish, whatever the prompt": (False, False),
        "Finnish, in the case the prompt asks for": (True, False),
        "the same, in English where a case prompt says so": (True, True),
    }
    lines = [f"\nanswers to {len(prompts)} prompts, each a FLORES paragraph: how many count as Finnish", ""]
    lines += [f"{'the answers are':50}{'langdetect':>18}{'case-folded':>18}{'line verdict':>18}"]
    for title, (cased, english) in rows.items():
        answers = list(_answers(prompts, texts, cased, english))
        counts = (
            sum(langdetect_code(text) == "fi" for text in answers),
            sum(langdetect_code(text, fold=True) == "fi" for text in answers),
            sum(line_verdict(text, pack("fin"), pack("eng"), identifier).verdict == "target" for text in answers),
        )
        lines.append(f"{title:50}" + "".join(f"{count:9} = {100 * count / len(prompts):5.2f}%" for count in counts))
    obeyed = ", ".join(f"{count}" for count in sorted(_in_capitals(prompts)))
    return "\n".join(
        (*lines, "", f"all-capitals prompts of 25 that seven real models answer in capitals (English): {obeyed}")
    )


def _prompts() -> list[dict[str, Any]]:
    with (DATA / "ifeval" / "input_data.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _answers(prompts: Sequence[dict[str, Any]], texts: Texts, cased: bool, english: bool) -> Iterator[str]:
    """Answer each prompt with a paragraph; `english` where a case prompt names English, as 39 of the 64 do."""
    paragraphs = {code: list(batches(texts[code], PARAGRAPH)) for code in ("fin", "eng")}
    for number, row in enumerate(prompts):
        ids = row["instruction_id_list"]
        asked = "english" in row["prompt"].lower() and any(name.startswith("change_case:english") for name in ids)
        text = paragraphs["eng" if english and asked else "fin"][number % len(paragraphs["fin"])]
        if cased and _CAPITALS in ids:
            text = text.upper()
        yield text.lower() if cased and "change_case:english_lowercase" in ids else text


def _in_capitals(prompts: Sequence[dict[str, Any]]) -> Iterator[int]:
    """Count, by model, the answers to all-capitals prompts whose letters are capitals but for one in twenty."""
    asked = {row["prompt"] for row in prompts if _CAPITALS in row["instruction_id_list"]}
    for path in sorted((DATA / "ifeval" / "responses").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        answers = [[char for char in row["response"] or "" if char.isalpha()] for row in rows if row["prompt"] in asked]
        yield sum(bool(letters) and sum(map(str.isupper, letters)) >= 0.95 * len(letters) for letters in answers)
