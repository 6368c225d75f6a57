"""The report step on a made-up run: what it says, what it leaves out, and that nothing from data becomes markup."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.ifeval.paper import cell
from eval.report import stage
from eval.report.collect import collect
from eval.report.content import telling_models, widest_family
from eval.report.findings import findings
from eval.stage import score_responses
from kielo.errors import KieloError
from kielo.languages import language
from kielo.plan import Outcome
from kielo.records import Prompt, Response, write_json, write_records
from kielo.run_folder import RunFolder
from tests.eval.fixture_run import RECIPE, Built, build


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    built = build(tmp_path_factory.mktemp("run"))
    stage.run(built.place)
    return built


def read(built: Built, name: str) -> str:
    return (built.folder / "report" / name).read_text("utf-8")


class Outline(HTMLParser):
    """Collects tags and headings, and checks that tags close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[str] = []
        self.feed(page)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_the_page_is_one_well_formed_file_that_loads_and_runs_nothing(built):
    outline = Outline(read(built, "index.html"))
    names = {tag for tag, _ in outline.tags}
    assert not names & {"script", "link", "iframe", "img", "object"}
    loaded = [
        value
        for _, attributes in outline.tags
        for name, value in attributes.items()
        if name in ("src", "href", "srcset") and not (value or "").startswith("#")
    ]
    assert not loaded
    assert not re.search(r"@import|url\(", read(built, "index.html"))
    assert outline.headings == [
        "Findings",
        "Instruction following",
        "By instruction category",
        "Translation",
        "Examples",
        "Training",
        "Wall time",
        "Provenance",
    ]


def test_model_output_cannot_become_markup(built):
    page, markdown = read(built, "index.html"), read(built, "report.md")
    assert "&lt;script&gt;alert(" in page and "<script" not in page
    assert "Koira juoksi &lt;b&gt;pois&lt;/b&gt;." in page and "<b>" not in page
    outside_fences = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", markdown)
    assert "<script" in markdown and "<script" not in outside_fences
    assert "<b>" not in outside_fences
    assert "\n````text\n<script>" in markdown, "an answer with ``` needs a longer fence"


def test_tables_hold_the_scores_of_their_models(built):
    page = read(built, "index.html")
    scores = json.loads((built.folder / "eval/sft/en-fi-40pct/ifeval-fi/scores.json").read_text("utf-8"))
    k, n = scores["paper_subset"]["inst_strict"], scores["paper_subset"]["instructions"]
    row = re.search(r'<tr><th scope="row">en-fi-40pct</th>.*?</tr>', page).group()
    assert f">{cell(k, n)} <small>{k}/{n}</small><" in row
    assert ">96.27 <small>491/510</small><" in row
    assert "| en-fi-40pct |" in read(built, "report.md")


def test_the_languages_of_the_answers_add_up(built):
    row = re.search(r"(?m)^\| en-fi-0pct \| de 67 \|.*$", read(built, "report.md")).group()
    shares = [tuple(map(int, found)) for found in re.findall(r"(\d+)/(\d+)", row)]
    assert shares == [(242, 510), (201, 510), (67, 510)]


def test_the_report_reads_what_a_run_folder_records(tmp_path):
    built = build(tmp_path / "run", prompts=10)
    step = next(step for step in built.plan if step.name == "source/oasst2")
    path = built.folder / step.name / "step.json"
    made_up = json.loads(path.read_text("utf-8"))
    path.unlink()
    run = RunFolder(built.folder)
    run.finish(step, Outcome((), {"records": 4399}), run.begin(step))
    assert set(json.loads(path.read_text("utf-8"))) == set(made_up)
    stage.run(built.place)
    assert "| source/oasst2 | 0.0 s |" in read(built, "report.md")


def test_the_report_reads_what_an_eval_step_writes(tmp_path):
    built = build(tmp_path / "run", prompts=10)
    prompts = [
        Prompt("ifeval/1", "fi", 1000, "Ilman pilkkuja.", ("punctuation:no_comma",), ({},)),
        Prompt("ifeval/2", "fi", 1001, "Otsikko.", ("detectable_format:title",), ({},)),
    ]
    answers = [
        Response(prompt.id, prompt.key, "fi", prompt.text, "Tässä on yksi lause, jossa on pilkku.", "stop")
        for prompt in prompts
    ]
    answers[0] = replace(answers[0], response="Tässä lauseessa ei ole yhtään pilkkua.")
    folder = built.folder / "eval/sft/en-fi-100pct/ifeval-fi"
    write_json(
        folder / "scores.json",
        {
            "model": "sft/en-fi-100pct",
            "benchmark": "ifeval",
            **score_responses(prompts, answers, language("fi"), "compat", "sentencex"),
        },
    )
    write_records(folder / "responses.jsonl", answers)
    stage.run(built.place)
    row = re.search(r"(?m)^\| en-fi-100pct \| \d.*$", read(built, "report.md")).group()
    assert "50.00 <sub>1/2</sub> | 100.00 <sub>2/2</sub>" in row


def test_the_first_finding_follows_the_numbers_both_ways(tmp_path):
    built = build(tmp_path / "run")
    said = findings(collect(built.recipe, built.place.inputs))[0]
    assert (
        said
        == "Finnish answers to Finnish prompts: 47.5% (242 of 510) with no Finnish data in the mix (`en-fi-0pct`), at least 90.0% (459 of 510) in every one of the 6 mixes with Finnish data (lowest in `en-fi-10pct`)."
    )
    path = built.folder / "eval/sft/en-fi-20pct/ifeval-fi/scores.json"
    scores = json.loads(path.read_text("utf-8"))
    scores["response_language"]["in_target"] = 100
    path.write_text(json.dumps(scores), "utf-8")
    said = findings(collect(built.recipe, built.place.inputs))[0]
    assert "do not raise this in every mix: from 19.6% (100 of 510) in `en-fi-20pct` to 96.3%" in said


def test_prompts_that_ask_for_a_response_language_are_left_out(tmp_path):
    built = build(tmp_path / "run", prompts=10)
    path = built.folder / "eval/sft/en-fi-0pct/ifeval-en/scores.json"
    scores = json.loads(path.read_text("utf-8"))
    before = collect(built.recipe, built.place.inputs).evaluations[0].accuracy
    asked = {
        "key": 1,
        "instruction_id_list": ["language:response_language", "punctuation:no_comma"],
        "strict": [True, True],
        "loose": [True, True],
        "unstable": [False, False],
    }
    path.write_text(json.dumps({**scores, "prompts": [asked, *scores["prompts"]]}), "utf-8")
    assert collect(built.recipe, built.place.inputs).evaluations[0].accuracy == before


def test_equal_records_give_equal_bytes(built, tmp_path):
    again = build(tmp_path / "again")
    outcome = stage.run(again.place)
    for name in outcome.outputs:
        assert (again.folder / "report" / name).read_bytes() == (built.folder / "report" / name).read_bytes(), name


def test_figures_are_well_formed_and_stand_alone(built):
    for name in ("mixes", "categories"):
        root = ElementTree.fromstring(read(built, f"figures/{name}.svg"))
        style = root.find("{http://www.w3.org/2000/svg}style")
        assert style is not None and "prefers-color-scheme: dark" in style.text
        assert f"](figures/{name}.svg)" in read(built, "report.md")


def test_the_close_look_is_at_the_ends_of_the_mixes_and_the_best_run(built):
    run = collect(built.recipe, built.place.inputs)
    assert telling_models(run)[:2] == ["sft/en-fi-0pct", "sft/en-fi-100pct"] and len(telling_models(run)) == 3
    assert widest_family(run)[0] == "sft/en-fi-0pct" and len(widest_family(run)) == 7


def test_the_terminal_gets_the_tables(built):
    text = stage.summary(built.folder / "report")
    assert text.startswith("Table 1. Data mixes\nModel")
    assert re.search(r"(?m)^dpo-both +\d\d\.\d\d +\d\d\.\d\d +95\.49$", text)
    assert re.search(r"(?m)^dpo-both +en-fi-100pct +[+−]?\d+\.\d\s±\s\d+\.\d +[+−]?\d+\.\d\s±\s\d+\.\d", text)
    assert not text.endswith("\n")


def without(text: str, start: str, end: str) -> str:
    """Cut a part out of a recipe, from one line's beginning up to another's."""
    first, last = text.index(start), text.index(end)
    return text[:first] + text[last:]


NO_DPO = without(RECIPE, "dpo:\n", "eval:\n")
ONE_MIX = without(NO_DPO, "  runs:\n", "eval:\n").replace(
    "en-fi-Xpct: {shares: {en: 1.0, fi: X}, X: [0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]}", "both: {shares: {en: 1.0, fi: 1.0}}"
)
NO_EVAL = NO_DPO[: NO_DPO.index("eval:\n")]
FINNISH_ONLY = ONE_MIX.replace("languages: [en, fi]", "languages: [fi]")


@pytest.mark.parametrize(("text", "absent"), [
    (NO_DPO, []),
    (ONE_MIX, ["Table 2", "figures/mixes.svg"]),
    (FINNISH_ONLY, ["Table 2", "figures/mixes.svg", "English accuracy"]),
    (NO_EVAL, ["Table 1", "Table 2", "figures/", "## Findings", "## Instruction", "## By instruction", "## Examples"]),
])  # fmt: skip
def test_a_smaller_recipe_gives_a_smaller_report_without_empty_headings(tmp_path, text, absent):
    built = build(tmp_path / "run", text, prompts=40)
    stage.run(built.place)
    markdown = read(built, "report.md")
    for words in absent:
        assert words not in markdown
    assert not re.search(r"^##? .*\n+(##? |\Z)", markdown, re.MULTILINE)
    outline = Outline(read(built, "index.html"))
    assert "Provenance" in outline.headings
    assert (stage.summary(built.folder / "report") == "") == (text is NO_EVAL)


def test_a_step_that_is_not_complete_is_named(tmp_path):
    built = build(tmp_path / "run", prompts=30)
    (built.folder / "eval/dpo/dpo-en/ifeval-fi/step.json").unlink()
    stage.run(built.place)
    assert "eval/dpo/dpo-en/ifeval-fi is not complete" in read(built, "index.html")


def test_a_share_that_cannot_be_measured_is_said_not_drawn(tmp_path):
    built = build(tmp_path / "run", prompts=30)
    for path in built.folder.glob("eval/*/*/ifeval-fi/scores.json"):
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "response_language": None}), "utf-8")
    stage.run(built.place)
    page = read(built, "index.html")
    assert "language detector does not know Finnish" in page and "answers in finnish" not in page.lower()


def test_a_damaged_scores_file_is_named(tmp_path):
    built = build(tmp_path / "run", prompts=10)
    damaged = built.folder / "eval/sft/neftune/ifeval-fi/scores.json"
    damaged.write_text('{"model":', "utf-8")
    with pytest.raises(KieloError, match=re.escape(str(damaged))):
        stage.run(built.place)


def test_few_prompts_are_not_called_a_finding(tmp_path):
    built = build(tmp_path / "run", prompts=8)
    said = " ".join(findings(collect(built.recipe, built.place.inputs)))
    assert "too few to tell" in said and "beyond noise:" not in said.replace("gain beyond noise: 0", "")


def test_the_recipe_cannot_inject_either(tmp_path: Path):
    text = RECIPE.replace(
        "description: The paper's mixes, ablations and preference runs.",
        'description: "<img src=x onerror=alert(1)> [link](http://x) | *star*"',
    )
    built = build(tmp_path / "run", text, prompts=10)
    stage.run(built.place)
    assert "<img" not in read(built, "index.html")
    assert "\\[link\\](http://x) \\| \\*star\\*" in read(built, "report.md") and "<img" not in read(built, "report.md")
