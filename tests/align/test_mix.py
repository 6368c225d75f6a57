"""Mixes: the paper's arithmetic, nested and repeated rows, paired ids, blends of sources, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align import mix
from kielo.errors import SourceError
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Conversation, Message, read_records, write_records

ROOT = Path(__file__).resolve().parents[2]
PAPER_ENGLISH, PAPER_FINNISH = 4692, 4399
RECIPE = """\
language: fi
model: pocket
seed: {seed}
translate:
  prompt: {{shots: 3, shots_file: pocket}}
  datasets:
{datasets}
sft:
  mixes:
    {mixes}
"""
RE_WILD = {"wildchat": 246_750, "tulu-wild": 99_800, "magpie": 20_000}
"""The blend's sizes (WildChat-50M, table 1); the sets' names here are ours."""


def row(number: int, language: str, dataset: str = "oasst2") -> Conversation:
    turns = (Message("user", f"q{number}"), Message("assistant", f"a {language}\u2028{number}"))
    return Conversation(f"{dataset}/{number:05d}", language, turns)


@pytest.fixture
def place(write_recipe: Callable[..., Path], tmp_path: Path) -> Callable[..., Workplace]:
    """Make the workplace of a recipe's one mix: `rows` says how many rows a data set has in English and Finnish."""

    def make(written: str, rows: dict[str, tuple[int, int]] | None = None, seed: int = 0) -> Workplace:
        rows = {"oasst2": (40, 40)} if rows is None else rows
        datasets = "".join(f"    {name}: {{kind: conversations, pocket: oasst2}}\n" for name in rows)
        recipe = load(write_recipe(text=RECIPE.format(seed=seed, datasets=datasets, mixes=written)))
        (step,) = (step for step in make_plan(recipe) if step.kind == "mix")
        for name, (english, finnish) in rows.items():
            write_records(tmp_path / f"source/{name}/rows.jsonl", [row(i, "en", name) for i in range(english)])
            translated = [row(i, "fi", name) for i in range(finnish)]
            kept = [row(finnish, "en", name)]  # a row whose task a translation would have changed
            write_records(tmp_path / f"translate/{name}/accepted.jsonl", [*translated, *kept])
        return Workplace(step, recipe, tmp_path / "mix", {name: tmp_path / name for name in step.inputs})

    return make


def select(here: Workplace, rows: list[tuple[str, str]]) -> None:
    """Write what the step `select` of a mix leaves: (id, language) in the order picked."""
    folder = here.inputs[here.step.inputs[0]]
    folder.mkdir(parents=True)
    lines = [json.dumps({"id": number, "language": code}) for number, code in rows]
    (folder / mix.SELECTED).write_text("\n".join(lines))


def written(here: Workplace) -> list[Conversation]:
    return [row for row in read_records("conversations", here.folder / "train.jsonl") if isinstance(row, Conversation)]


def ids(here: Workplace, language: str) -> set[str]:
    return {each.id for each in written(here) if each.language == language}


@pytest.mark.parametrize(
    ("percent", "finnish"), [(0, 0), (10, 440), (20, 880), (40, 1760), (60, 2639), (80, 3519), (100, 4399)]
)
def test_the_papers_arithmetic(place: Any, percent: int, finnish: int) -> None:
    here = place(
        f"en-fi-{percent}pct: {{shares: {{en: 1.0, fi: {percent / 100}}}}}", {"oasst2": (PAPER_ENGLISH, PAPER_FINNISH)}
    )
    outcome = mix.run(here)
    assert outcome.counts["rows"] == len(written(here)) == PAPER_ENGLISH + finnish
    assert outcome.counts["languages"]["en"] == {"rows": 4692, "available": 4692, "repeated": 0}
    if finnish:
        assert outcome.counts["languages"]["fi"] == {"rows": finnish, "available": PAPER_FINNISH, "repeated": 0}
    assert ("translate/oasst2" in here.step.inputs) == bool(finnish), "a language of which nothing is taken is not read"


def test_rows_are_paired_shuffled_and_copied_unchanged(place: Any) -> None:
    here = place("m: {shares: {en: 0.5, fi: 0.5}}")
    mix.run(here)
    assert ids(here, "en") == ids(here, "fi") and len(ids(here, "en")) == 20, "the same source rows in both languages"
    languages = [each.language for each in written(here)]
    assert languages != sorted(languages) and languages != sorted(languages, reverse=True), "not in blocks"
    assert all(each == row(int(each.id[-5:]), each.language) for each in written(here))
    before = (here.folder / "train.jsonl").read_bytes()
    mix.run(here)
    assert (here.folder / "train.jsonl").read_bytes() == before
    mix.run(place("m: {shares: {en: 0.5, fi: 0.5}}", seed=1))
    assert (here.folder / "train.jsonl").read_bytes() != before


MAKE = """\
import sys
from pathlib import Path
from align import mix
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
recipe, root = load(Path(sys.argv[1])), Path(sys.argv[2])
(step,) = (step for step in make_plan(recipe) if step.kind == "mix")
mix.run(Workplace(step, recipe, root / sys.argv[3], {name: root / name for name in step.inputs}))
"""


def test_the_bytes_depend_on_no_process(place: Any, tmp_path: Path) -> None:
    here = place("m: {shares: {en: 1.0, fi: 0.4}}", {"oasst2": (120, 110)})
    made = []
    for hash_seed, processes in (("0", "1"), ("1", "8")):
        environment = {"PYTHONHASHSEED": hash_seed, "WORLD_SIZE": processes, "RANK": "0", "LOCAL_RANK": "0"}
        arguments = [sys.executable, "-c", MAKE, str(here.recipe.file), str(tmp_path), f"mix-{processes}"]
        subprocess.run(arguments, check=True, cwd=ROOT, env={**os.environ, **environment})
        made.append((tmp_path / f"mix-{processes}" / "train.jsonl").read_bytes())
    assert made[0] == made[1]
    known = hashlib.sha256("".join(json.loads(line)["id"] for line in made[0].splitlines()).encode()).hexdigest()
    assert known[:12] == "901a8aa42797", "another order: every mix that was ever made would be another one"


lines = st.sets(st.integers(0, 500), min_size=1).map(
    lambda numbers: [mix.Line(Path("f"), number, f"oasst2/{number:05d}", "fi") for number in sorted(numbers)]
)


@given(lines, st.floats(0, 3), st.floats(0, 3), st.integers(0, 5))
def test_a_smaller_share_lies_within_a_larger(rows: list[mix.Line], one: float, other: float, seed: int) -> None:
    fewer, more = sorted(mix.share_of(share, len(rows)) for share in (one, other))
    small, large = (mix.take(rows, count, seed) for count in (fewer, more))
    assert (len(small), len(large)) == (fewer, more) and small == large[:fewer]
    assert len({line.own_id for line in large}) == more
    times = Counter(line.id for line in large).values()
    assert not times or max(times) - min(times) <= (1 if len(times) == len(rows) else 0), "copies are spread evenly"


@given(lines, st.integers(0, 5))
def test_added_rows_do_not_reorder_the_others(rows: list[mix.Line], seed: int) -> None:
    fewer = mix.take(rows[:-1], len(rows) - 1, seed)
    assert [line for line in mix.take(rows, len(rows), seed) if line != rows[-1]] == fewer


def test_shares_above_one_repeat_rows_and_keep_them_paired(place: Any) -> None:
    here = place("m: {shares: {en: 1.0, fi: 2.5}}")
    outcome = mix.run(here)
    assert outcome.counts["languages"]["fi"] == {"rows": 100, "available": 40, "repeated": 60}
    assert len(written(here)) == len({(each.id, each.language) for each in written(here)}) == 140
    half = {each.removesuffix("#3") for each in ids(here, "fi") if each.endswith("#3")}
    assert len(half) == 20 and {each.replace("#3", "") for each in half} <= ids(here, "en")
    texts = Counter(each.messages for each in written(here) if each.language == "fi")
    assert Counter(texts.values()) == {3: 20, 2: 20}, "two whole copies, and the first half once more"
    mix.run(place("m: {shares: {en: 1.0, fi: 0.5}}"))
    assert ids(here, "fi") == half, "what is repeated once more is what a half would have been"


def test_rows_are_counted_and_repeated_when_asked(place: Any) -> None:
    here = place("m: {rows: {en: 7, fi: 90}, upsample: true}")
    outcome = mix.run(here)
    assert outcome.counts["languages"] == {
        "en": {"rows": 7, "available": 40, "repeated": 0}, "fi": {"rows": 90, "available": 40, "repeated": 50},
    }  # fmt: skip
    assert len(written(here)) == 97 and {each.partition("#")[2] for each in ids(here, "fi")} == {"", "2", "3"}


def test_a_blend_takes_its_own_amount_of_every_source(place: Any) -> None:
    """RE-WILD in thousandths, from sets a little larger than what is taken."""
    thousandth = {name: round(rows / 1000) for name, rows in RE_WILD.items()}
    sources = ", ".join(f"{name}: {{rows: {{en: {rows}}}}}" for name, rows in thousandth.items())
    here = place(f"re-wild: {{sources: {{{sources}}}}}", {name: (rows + 5, 0) for name, rows in thousandth.items()})
    outcome = mix.run(here)
    assert sum(RE_WILD.values()) == 366_550 and outcome.counts["rows"] == 367
    assert {name: of["en"] for name, of in outcome.counts["sources"].items()} == {
        name: {"rows": rows, "available": rows + 5, "repeated": 0} for name, rows in thousandth.items()
    }
    assert Counter(each.id.partition("/")[0] for each in written(here)) == thousandth
    assert set(here.step.inputs) == {f"source/{name}" for name in RE_WILD}


def test_a_blend_can_mix_shares_rows_and_languages(place: Any) -> None:
    blend = "m: {sources: {a: {shares: {en: 0.5, fi: 1.5}}, b: {rows: {fi: 3}}}}"
    here = place(blend, {"a": (10, 8), "b": (9, 9), "c": (5, 5)})
    counts = mix.run(here).counts
    assert counts["sources"] == {
        "a": {"en": {"rows": 5, "available": 10, "repeated": 0}, "fi": {"rows": 12, "available": 8, "repeated": 4}},
        "b": {"fi": {"rows": 3, "available": 9, "repeated": 0}},
    }
    assert counts["languages"]["fi"] == {"rows": 15, "available": 17, "repeated": 4} and counts["rows"] == 20


def test_data_sets_without_sources_are_one_pool(place: Any) -> None:
    counts = mix.run(place("m: {shares: {en: 0.5}}", {"a": (10, 0), "b": (30, 0)})).counts
    assert counts["rows"] == 20
    assert sum(of["en"]["rows"] for of in counts["sources"].values()) == 20


@pytest.mark.parametrize(
    ("written", "rows", "says"),
    [
        ("m: {shares: {en: 1.0, fi: 0.1}}", (5, 3), "mix m: a share of 0.1 of 3 'fi' rows of oasst2 is none; raise"),
        ("m: {shares: {en: 1.0, fi: 1.0}}", (5, 0), "a share of 1 of 0 'fi' rows"),
        ("m: {shares: {en: 1.0, fi: 1.5}}", (5, 0), "a share of 1.5 of 0 'fi' rows"),
        ("m: {rows: {en: 6}}", (5, 0), r"6 'en' rows of oasst2 are asked for and there are 5; .*\(upsample: true\)"),
        ("m: {rows: {fi: 6}, upsample: true}", (5, 0), "6 'fi' rows .* there are 0; look into the .*rejected.jsonl"),
        ("X: {shares: {en: X}, X: [0]}", (5, 5), "mix 0: no rows at all"),
    ],
)
def test_what_is_not_there_is_said(place: Any, written: str, rows: tuple[int, int], says: str) -> None:
    with pytest.raises(SourceError, match=says):
        mix.run(place(written, {"oasst2": rows}))


def test_an_id_may_occur_once_in_a_language(place: Any) -> None:
    here = place("m: {shares: {en: 1.0, fi: 1.0}}")
    write_records(here.inputs["translate/oasst2"] / "accepted.jsonl", [row(1, "fi"), row(1, "fi")])
    with pytest.raises(SourceError, match="id 'oasst2/00001' occurs twice in language 'fi'"):
        mix.run(here)


def test_a_damaged_row_is_named_with_its_line(place: Any) -> None:
    here = place("m: {shares: {en: 1.0}}")
    file = here.inputs["source/oasst2"] / "rows.jsonl"
    file.write_text(file.read_text("utf-8") + '{"id": "oasst2/1", "language": "en"}\n', "utf-8")
    with pytest.raises(SourceError, match=r"rows\.jsonl, line 41: not a row of conversations"):
        mix.run(here)
    assert not (here.folder / "train.jsonl").exists()


def test_a_mix_takes_the_selected_rows_of_the_selected_languages_and_all_others(place):
    here = place("few: {shares: {en: 1.0, fi: 1.0}, select: {method: random, size: 3, languages: [fi]}}")
    chosen = [f"oasst2/{number:05d}" for number in (30, 2, 17)]
    select(here, [(each, "fi") for each in chosen])
    outcome = mix.run(here)
    assert {each.id for each in written(here) if each.language == "fi"} == set(chosen)
    assert outcome.counts["languages"] == {
        "en": {"rows": 40, "available": 40, "repeated": 0}, "fi": {"rows": 3, "available": 3, "repeated": 0},
    }  # fmt: skip


def test_shares_and_rows_are_of_the_selected_ones(place):
    here = place("few: {shares: {en: 0.5}, rows: {fi: 2}, select: {method: random, size: 8}}")
    select(here, [(f"oasst2/{number:05d}", code) for number in range(4) for code in ("en", "fi")])
    mix.run(here)
    assert Counter(each.language for each in written(here)) == {"en": 2, "fi": 2}
    assert {each.id for each in written(here)} <= {f"oasst2/{number:05d}" for number in range(4)}


def test_a_language_of_which_nothing_was_selected_has_no_rows(place):
    here = place("few: {shares: {en: 1.0, fi: 1.0}, select: {method: mig, size: 2}}")
    select(here, [("oasst2/00001", "en"), ("oasst2/00002", "en")])
    mix.run(here)
    assert {each.language for each in written(here)} == {"en"}
