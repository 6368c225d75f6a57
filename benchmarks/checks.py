"""Measures what the translation checks catch and what they refuse wrongly: `python -m benchmarks.checks` writes docs/checks.md and the
figures that cards of published data sets cite.

Faults of many kinds are injected into real translations (OASST, English to Finnish by DeepL). The conversations are split by
the hash of their tree's id; the introduction it writes says which figures are held out and which are not.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NotRequired, TypedDict

from kielo.languages.pack import language
from kielo.records import write_json
from tests.translate.faults import FAULTS, Row, World, inject
from translate.checks import Checker, Direction, Item, make_checker
from translate.checks.paper import COMPRESSION, more_words
from translate.checks.profiles import PROFILES, Profile
from translate.publish.measured import MEASURED

_DATA = Path(os.environ.get("KIELO_SHARED_DATA", "../shared/data"))
_REVIEWED = Path("tests/translate/clean_reviewed.tsv")
_INTRODUCTION = Path("benchmarks/checks_introduction.md")
_PER_KIND = 400
_OTHER_LENGTH = 1.5
_REVIEWED_SET = "OASST held-out, as published"
_ON = "the held-out half of OASST1's validation messages and their Finnish translations by DeepL"


class Fault(TypedDict):
    """Texts with one kind of fault in them, and how many of them each contender rejects."""

    texts: int
    caught: dict[str, int]


class Clean(TypedDict):
    """Real translations, how many of them each contender rejects, and the default profile without reason."""

    texts: int
    rejected: dict[str, int]
    without_reason: NotRequired[int]


@dataclass(frozen=True)
class Contender:
    """A way to judge translations; `calibrated` fits it to the items of a run."""

    name: str
    calibrated: Callable[[Sequence[Item]], Callable[[Item], frozenset[str]]]
    """Gives for an item the names of what rejects it; empty: accepted."""


def main() -> int:
    """Run the benchmark; the exit status says whether the default profile meets its aim on the held-out half."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/checks.md"))
    options = parser.parse_args()
    rows, world = oasst("held"), worlds("est")
    runs = [(contender, contender.calibrated([item(row) for row in rows])) for contender in contenders()]
    faults = {name: inject(name, rows, world)[:_PER_KIND] for name in FAULTS}
    recalled, rejected = recall_figures(runs, faults), clean_figures(rows)
    write_json(MEASURED, {"languages": ["en", "fi"], "on": _ON, "faults": recalled, "real": rejected})
    (recall, met), (clean, few) = recall_table(recalled), clean_table(rejected)
    parts = [_INTRODUCTION.read_text("utf-8"), recall, clean, check_table(rows, faults), speed(rows)]
    options.output.write_text("\n".join(parts), "utf-8")
    print("\n".join(parts[1:]))
    return 0 if met and few else 1


def contenders() -> Iterator[Contender]:
    """Yield the profiles, the other reading of the paper's rule, and the plain filter of published pipelines."""
    direction = Direction(language("en"), language("fi"))
    for name in ("default", "strict", "paper"):
        yield Contender(name, partial(_run, make_checker(direction, name)))
    longer = Profile("paper-2.5", (partial(more_words, limit=2.5), *PROFILES["paper"].checks[1:]), False, False)
    checker = make_checker(direction, "paper")
    yield Contender("paper, 2.5x", partial(_run, Checker(direction, longer, None, "none", checker.usual)))
    yield Contender("gzip + 1.5", lambda items: gzip_and_length)


def _run(checker: Checker, items: Sequence[Item]) -> Callable[[Item], frozenset[str]]:
    fitted = checker.calibrated(items)
    return lambda each: frozenset(finding.check for finding in fitted.findings(each) if finding.fatal)


def gzip_and_length(each: Item) -> frozenset[str]:
    """Judge as translation_dispatcher's postprocess.py does: gzip below 0.3, or more than 1.5 times the characters."""
    text = each.translation
    found = set()
    if len(gzip.compress(text.encode("utf-8", "replace"))) < COMPRESSION * len(text):
        found.add("gzip")
    if len(text) > _OTHER_LENGTH * len(each.source):
        found.add("length")
    return frozenset(found)


def half_of(tree: str) -> str:
    """Tell to which half a conversation tree belongs."""
    return "held" if hashlib.sha256(tree.encode()).digest()[0] % 2 else "tuning"


def oasst(half: str, data: Path = _DATA) -> list[Row]:
    """Read the messages of one half, prompts with their best answer in the target language."""
    with gzip.open(data / "oasst" / "oasst1_validation_en_fi.jsonl.gz", "rt", encoding="utf-8") as stream:
        messages = [json.loads(line) for line in stream]
    kept = [message for message in messages if half_of(message["message_tree_id"]) == half]
    answers: dict[str, str] = {}
    for message in kept:
        if message["role"] == "assistant" and message["parent_id"] and message["rank"] in (0, None):
            answers.setdefault(message["parent_id"], message["text_fi"])
    return [
        Row(
            message["message_id"],
            message["text_en"],
            message["text_fi"],
            answers.get(message["message_id"], "") if message["role"] == "prompter" else "",
        )
        for message in kept
    ]


def sentences(name: str, data: Path = _DATA) -> list[str]:
    """Read a file of one sentence a line."""
    with gzip.open(data / f"{name}.gz", "rt", encoding="utf-8") as stream:
        return stream.read().rstrip("\n").split("\n")


def worlds(sibling: str, data: Path = _DATA) -> World:
    """Give the faults what they draw on."""
    english, other, finnish = (sentences(f"flores200/{code}.devtest", data) for code in ("eng", sibling, "fin"))
    return World(oasst("held", data), english, other, finnish)


def item(row: Row) -> Item:
    """Give the item of a row as it is."""
    return Item(row.source, row.translation)


def recall_figures(
    runs: Sequence[tuple[Contender, Callable[[Item], frozenset[str]]]],
    faults: Mapping[str, Sequence[tuple[Row, str]]],
) -> dict[str, Fault]:
    """Count by kind of fault how many texts there are, and how many each contender rejects."""
    return {
        fault: {
            "texts": len(made),
            "caught": {
                contender.name: sum(bool(judge(Item(row.source, text))) for row, text in made)
                for contender, judge in runs
            },
        }
        for fault, made in faults.items()
    }


def recall_table(figures: Mapping[str, Fault]) -> tuple[str, bool]:
    """Write the share of each kind of fault that is rejected, by contender; tell whether `default` reaches 95% of all."""
    names = list(next(iter(figures.values()))["caught"])
    lines = [
        "## Recall on the held-out half",
        "",
        f"| fault | n | {' | '.join(names)} |",
        "|---|---:|" + "---:|" * len(names),
    ]
    shares = {fault: {name: of["caught"][name] / of["texts"] for name in names} for fault, of in figures.items()}
    for fault, of in figures.items():
        lines.append(f"| {fault} | {of['texts']} | {' | '.join(f'{shares[fault][name]:.1%}' for name in names)} |")
    count = sum(of["texts"] for of in figures.values())
    totals = {name: sum(of["caught"][name] for of in figures.values()) for name in names}
    lines.append(f"| **all faults** | {count} | {' | '.join(f'**{totals[name] / count:.1%}**' for name in names)} |")
    means = " | ".join(f"{sum(each[name] for each in shares.values()) / len(shares):.1%}" for name in names)
    lines.append(f"| mean over kinds | {len(figures)} | {means} |")
    return "\n".join(lines) + "\n", totals["default"] >= 0.95 * count


def clean_sets() -> Iterator[tuple[str, list[Row]]]:
    """Yield the names and rows of real translations by other hands."""
    for name, before, after in (
        ("FLORES-200 devtest", "flores200/eng.devtest", "flores200/fin.devtest"),
        ("newstest2017", "parallel/newstest2017.eng", "parallel/newstest2017.fin"),
        ("Tatoeba", "parallel/tatoeba-test-v2021-08-07.eng", "parallel/tatoeba-test-v2021-08-07.fin"),
    ):
        pairs = zip(sentences(before), sentences(after), strict=True)
        yield name, [Row(str(number), source, target) for number, (source, target) in enumerate(pairs)]


def clean_figures(rows: Sequence[Row]) -> dict[str, Clean]:
    """Count by set of real translations how many each contender rejects, and in the reviewed one how many without reason."""
    defects, figures = reviewed(), {}
    for name, texts in ((_REVIEWED_SET, list(rows)), *clean_sets()):
        rejected = {}
        for contender in contenders():
            judge = contender.calibrated([item(row) for row in texts])
            rejected[contender.name] = [row.id for row in texts if judge(item(row))]
        figures[name] = Clean(texts=len(texts), rejected={each: len(ids) for each, ids in rejected.items()})
        if name == _REVIEWED_SET:
            wrong = [each for each in rejected["default"] if defects.get(each) != "defect"]
            figures[name]["without_reason"] = len(wrong)
    return figures


def clean_table(figures: Mapping[str, Clean]) -> tuple[str, bool]:
    """Write the share of real translations that is rejected; tell whether `default` rejects at most 1% without reason."""
    names = list(next(iter(figures.values()))["rejected"])
    lines = [
        "## Real translations rejected",
        "",
        f"| set | n | {' | '.join(names)} |",
        "|---|---:|" + "---:|" * len(names),
    ]
    most = 0.0
    for name, of in figures.items():
        count = of["texts"]
        cells = " | ".join(f"{of['rejected'][each] / count:.2%}" for each in names)
        lines.append(f"| {name} | {count} | {cells} |")
        wrong = of.get("without_reason", of["rejected"]["default"])
        if "without_reason" in of:
            cells = " | ".join([f"{wrong / count:.2%}", *["-"] * (len(names) - 1)])
            lines.append(f"| the same, without the rows that a reader found damaged | {count} | {cells} |")
        most = max(most, wrong / count)
    return "\n".join(lines) + "\n", most <= 0.01


def reviewed(path: Path = _REVIEWED) -> dict[str, str]:
    """Read what a reader found in the rows that the default profile rejects: `defect`, or `fine`."""
    lines = path.read_text("utf-8").splitlines()[1:]
    return {cells[0]: cells[1] for cells in (line.split("\t") for line in lines)}


def check_table(rows: Sequence[Row], faults: Mapping[str, Sequence[tuple[Row, str]]]) -> str:
    """Write for each check of `default` how often it spoke, and which faults it sees best."""
    checker = make_checker(Direction(language("en"), language("fi"))).calibrated([item(row) for row in rows])
    clean = Counter(each.check for row in rows for each in checker.evidence(item(row)) if each.weight > 0)
    seen = {
        fault: Counter(
            check
            for row, text in made
            for check in {each.check for each in checker.evidence(Item(row.source, text)) if each.weight > 0}
        )
        for fault, made in faults.items()
    }
    lines = [
        "## Check by check (default, held-out half)",
        "",
        "| check | real rows it speaks of | faults it sees best |",
        "|---|---:|---|",
    ]
    for check in sorted({check for counts in seen.values() for check in counts} | set(clean)):
        best = sorted(((seen[fault][check] / len(faults[fault]), fault) for fault in faults), reverse=True)[:3]
        says = ", ".join(f"{fault} {share:.0%}" for share, fault in best if share >= 0.05)
        lines.append(f"| {check} | {clean[check] / len(rows):.1%} | {says} |")
    return "\n".join(lines) + "\n"


def speed(rows: Sequence[Row]) -> str:
    """Measure messages per second of processor time, the best of five rounds."""
    lines = ["## Speed", "", "| profile `default` | messages per second, one core |", "|---|---:|"]
    direction = Direction(language("en"), language("fi"))
    whole = make_checker(direction).calibrated([item(row) for row in rows])
    for name, checker in (("with language identification", whole), ("without", replace(whole, identifier=None))):
        best = min(_seconds(checker, rows) for _ in range(5))
        lines.append(f"| {name} | {len(rows) / best:,.0f} |")
    return "\n".join(lines) + "\n"


def _seconds(checker: Checker, rows: Sequence[Row]) -> float:
    start = time.process_time()
    for row in rows:
        checker.findings(item(row))
    return time.process_time() - start


if __name__ == "__main__":
    raise SystemExit(main())
