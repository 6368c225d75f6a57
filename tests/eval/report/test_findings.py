"""The report's first sentences: built from the numbers, both ways, and never a difference without what a test says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from eval.report.collect import Run, collect
from eval.report.document import MARKS
from eval.report.findings import findings
from tests.eval.fixture_run import Built, build


def plain(sentences: tuple[str, ...]) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in sentences]


def test_the_first_finding_follows_the_numbers_both_ways(tmp_path: Path) -> None:
    built = build(tmp_path / "run")
    said = findings(collect(built.recipe, built.place.inputs))[0]
    assert (
        said
        == "Finnish answers to Finnish prompts: 47.5% (242 of 510) with no Finnish data in the mix (`en-fi-0pct`), at least 90.0% (459 of 510) in every one of the 6 mixes with Finnish data (lowest in `en-fi-10pct`)."
    )
    path = built.folder / "eval/sft/en-fi-20pct/ifeval-fi/scores.json"
    scores = json.loads(path.read_text("utf-8"))
    scores["response_language"]["langdetect"]["in_target"] = 100
    path.write_text(json.dumps(scores), "utf-8")
    said = findings(collect(built.recipe, built.place.inputs))[0]
    assert "do not raise this in every mix: from 19.6% (100 of 510) in `en-fi-20pct` to 96.3%" in said


def test_every_difference_has_its_verdict(run: Run) -> None:
    said = plain(findings(run))
    differences = [sentence for sentence in said if re.search(r"[+−]\d+\.\d points", sentence)]
    assert len(differences) == 5
    for sentence in differences:
        assert re.search(
            r"points \[.*\].* on 510 prompts, (higher|lower|no difference shown) \(p [<=] \d\.\d{3} after Holm\)",
            sentence,
        )


def test_few_prompts_are_not_called_a_finding(tmp_path: Path) -> None:
    built = build(tmp_path / "run", prompts=8)
    said = " ".join(plain(findings(collect(built.recipe, built.place.inputs))))
    assert "too few to tell" in said
    assert not re.search(r"points [^.]*, (higher|lower) \(p", said)


def test_the_modes_are_told_apart_where_they_differ(run: Run, tmp_path: Path) -> None:
    (sentence,) = (said for said in findings(run) if "fair mode passes" in said)
    fair, compat = map(int, re.findall(r"(?:passes|fails) (\d+) that", sentence))
    listed = [each for one in run.evaluations for row in one.scores.counted for each in row.differences]
    assert (fair, compat) == (sum(each.fair for each in listed), sum(each.compat for each in listed))
    built = build(tmp_path / "run", prompts=40)
    for path in built.folder.glob("eval/*/*/ifeval-fi/scores.json"):
        scores = json.loads(path.read_text("utf-8"))
        for row in scores["prompts"]:
            row["fair"], row["differences"] = {name: row["compat"][name] for name in ("strict", "loose")}, []
        path.write_text(json.dumps(scores), "utf-8")
    assert not any("fair mode" in said for said in findings(collect(built.recipe, built.place.inputs)))


def test_a_model_whose_interval_reaches_the_floor_is_named(run: Run) -> None:
    (echo,) = (said for said in findings(run) if "repeating the prompt itself" in said)
    assert "`en-fi-0pct` in Finnish at 33.7%" in echo and re.search(r"and \d+ more of 24\.$", echo)
    assert not any("a constant “lol”" in said for said in findings(run))


def test_the_judges_finding_says_what_its_test_says(run: Run) -> None:
    (sentence,) = (said for said in findings(run) if "judged" in said)
    assert sentence.startswith("mt-bench in Finnish, judged: `dpo-en` wins ")
    assert any(f"baseline, {verdict}." in sentence for verdict in MARKS)


def test_a_gain_below_zero_is_not_called_a_gain(tmp_path: Path) -> None:
    built = build(tmp_path / "run", prompts=60)
    for name in ("prompt-masking", "neftune"):
        lower(built, f"eval/sft/{name}/ifeval-fi")
    for name in ("dpo-en", "dpo-fi", "dpo-both"):
        lower(built, f"eval/dpo/{name}/ifeval-fi")
    said = " ".join(plain(findings(collect(built.recipe, built.place.inputs))))
    assert "In Finnish, none of the 5 further runs gains on its start; nearest is" in said


def lower(built: Built, step: str) -> None:
    """Fail every verdict of a model."""
    path = built.folder / step / "scores.json"
    scores = json.loads(path.read_text("utf-8"))
    for row in scores["prompts"]:
        for mode in ("compat", "fair"):
            for way in ("strict", "loose"):
                row[mode][way] = [False] * len(row[mode][way])
    path.write_text(json.dumps(scores), "utf-8")
