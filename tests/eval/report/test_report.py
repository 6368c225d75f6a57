"""The report step on a made-up run: what it says, what it leaves out, and that nothing from data becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.ifeval.paper import cell
from eval.ifeval.stage import score_responses
from eval.report import stage
from eval.report.collect import collect
from eval.report.document import Figure, Table
from eval.report.further import further_sections
from eval.report.standing import telling_models, widest_family
from eval.report.tables import mixes_table
from eval.statistics import holm
from kielo.errors import KieloError
from kielo.languages.pack import language
from kielo.plan import Outcome
from kielo.records import Prompt, Response, write_json, write_records
from kielo.run_folder import RunFolder
from tests.eval.fixture_run import RECIPE, Built, build


@pytest.fixture(scope="module")
def built(finished, written) -> Built:
    return finished


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
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_the_page_is_one_well_formed_file_that_loads_nothing(built):
    outline = Outline(read(built, "index.html"))
    names = {tag for tag, _ in outline.tags}
    assert not names & {"link", "iframe", "img", "object"}
    loaded = [
        value
        for _, attributes in outline.tags
        for name, value in attributes.items()
        if name in ("src", "href", "srcset") and not (value or "").startswith("#")
    ]
    assert not loaded
    assert outline.headings == [
        "Findings", "Instruction following", "Fair mode", "Language of the answers", "By instruction category",
        "Open questions", "Translation", "Examples", "Training", "Wall time", "Provenance",
        "Answers, prompt by prompt", "Files for papers",
    ]  # fmt: skip


def test_model_output_cannot_become_markup(built):
    page, markdown = read(built, "index.html"), read(built, "report.md")
    assert "&lt;script&gt;alert(" in page and "<script>" not in page
    assert "Koira juoksi &lt;b&gt;pois&lt;/b&gt;." in page and "<b>" not in page
    outside_fences = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", markdown)
    assert "<script" in markdown and "<script" not in outside_fences
    assert "<b>" not in outside_fences
    assert "\n````text\n<script>" in markdown, "an answer with ``` needs a longer fence"


def test_tables_hold_the_scores_of_their_models(built):
    page = read(built, "index.html")
    scores = json.loads((built.folder / "eval/sft/en-fi-40pct/ifeval-fi/scores.json").read_text("utf-8"))
    subset = scores["modes"]["compat"]["paper_subset"]
    k, n = subset["inst_strict"], subset["instructions"]
    row = re.search(r'<tr><th scope="row">en-fi-40pct</th>.*?</tr>', page).group()
    assert f">{cell(k, n)}&nbsp;<" in row and f"<small>{k}/{n}, " in row
    assert ">96.27&nbsp;<" in row and "<small>491/510, " in row
    assert "| en-fi-40pct |" in read(built, "report.md")


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
    scores = score_responses(prompts, answers, language("fi"), language("en"), "sentencex")
    named = {"model": "sft/en-fi-100pct", "benchmark": "ifeval", **scores}
    write_json(built.folder / "eval/sft/en-fi-100pct/ifeval-fi/scores.json", named)
    write_records(built.folder / "responses/sft/en-fi-100pct/ifeval-fi.jsonl", answers)
    stage.run(built.place)
    row = re.search(r"(?m)^\| en-fi-100pct <sub>the baseline</sub> \| \d.*$", read(built, "report.md")).group()
    assert "50.00 <sub>1/2, " in row and "100.00 <sub>2/2, " in row


def test_prompts_that_ask_for_a_response_language_are_left_out(tmp_path):
    built = build(tmp_path / "run", prompts=10)
    path = built.folder / "eval/sft/en-fi-0pct/ifeval-en/scores.json"
    scores = json.loads(path.read_text("utf-8"))
    before = collect(built.recipe, built.place.inputs).evaluations[0].accuracy()
    both = {"strict": [True, True], "loose": [True, True], "unstable": [False, False]}
    asked = {
        "key": 1, "instruction_id_list": ["language:response_language", "punctuation:no_comma"],
        "compat": both, "fair": both, "language": "target", "differences": [],
    }  # fmt: skip
    path.write_text(json.dumps({**scores, "prompts": [asked, *scores["prompts"]]}), "utf-8")
    after = collect(built.recipe, built.place.inputs).evaluations[0]
    assert (
        after.accuracy() == before
        and after.by_type() == collect(built.recipe, built.place.inputs).evaluations[0].by_type()
    )
    assert len(after.scores.counted) == 10


def test_equal_records_give_equal_bytes(built, tmp_path):
    again = build(tmp_path / "again")
    outcome = stage.run(again.place)
    for name in outcome.outputs:
        assert (again.folder / "report" / name).read_bytes() == (built.folder / "report" / name).read_bytes(), name


def test_the_close_look_is_at_the_ends_of_the_mixes_and_the_best_run(built):
    run = collect(built.recipe, built.place.inputs)
    assert telling_models(run)[:2] == ["sft/en-fi-0pct", "sft/en-fi-100pct"] and len(telling_models(run)) == 3
    assert widest_family(run)[0] == "sft/en-fi-0pct" and len(widest_family(run)) == 7


def test_the_terminal_gets_the_tables(built):
    text = stage.summary(built.folder / "report")
    assert text.startswith("Table 1. Data mixes\nModel")
    assert re.search(r"(?m)^dpo-both +\d\d\.\d\d [▲▼○] +\d\d\.\d\d [▲▼○] +95\.49 ○$", text)
    assert re.search(r"(?m)^dpo-both +en-fi-100pct( +[+−]?\d+\.\d [▲▼○]){3}$", text)
    assert "Table 2. Other runs, fair mode" in text and "Judge: mt-bench in Finnish" in text
    assert "▲ higher" in text and max(map(len, text.splitlines()[:-1])) < 90
    assert not text.endswith("\n")


def without(text: str, start: str, end: str) -> str:
    """Cut a part out of a recipe, from one line's beginning up to another's."""
    first, last = text.index(start), text.index(end)
    return text[:first] + text[last:]


NO_DPO = without(RECIPE, "dpo:\n", "eval:\n")
NO_JUDGE = without(NO_DPO, "  judge:\n", "  translation: held-out\n")
ONE_MIX = without(NO_JUDGE, "  runs:\n", "eval:\n").replace(
    "en-fi-Xpct: {shares: {en: 1.0, fi: X}, X: [0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0]}", "both: {shares: {en: 1.0, fi: 1.0}}"
)
NO_IFEVAL = NO_DPO.replace("  ifeval: {languages: [en, fi]}\n", "")
NO_EVAL = NO_DPO[: NO_DPO.index("eval:\n")]
FINNISH_ONLY = ONE_MIX.replace("languages: [en, fi]", "languages: [fi]")


@pytest.mark.parametrize(("text", "absent"), [
    (NO_DPO, []),
    (NO_JUDGE, ["Judge: ", "Ratings: ", "sizes-rating"]),
    (NO_IFEVAL, ["Table 1", "## Fair", "## By instruction", "figures/sizes.svg", "Every measure"]),
    (ONE_MIX, ["Table 2", "figures/mixes.svg", "figures/sizes", "▲", "Every pair"]),
    (FINNISH_ONLY, ["Table 2", "figures/mixes.svg", "English accuracy"]),
    (NO_EVAL, ["Table 1", "Table 2", "figures/", "## Findings", "## Instruction", "## By instruction", "## Examples", "## Fair", "## Open"]),
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
    assert ("Judge: mt-bench" in markdown) == ("sizes-wins" in markdown) == ("  judge:" in text)


def test_further_sets_have_tables_of_their_own(tmp_path):
    questions = "    mt-bench: {kind: questions"
    text = RECIPE.replace(questions, f"    native: {{kind: ifeval, hub: example/native, language: fi}}\n{questions}")
    text = text.replace("ifeval: {languages: [en, fi]}", "ifeval: {languages: [en, fi], also: [native]}")
    built, plain = build(tmp_path / "run", text, prompts=20), build(tmp_path / "plain", prompts=20)
    outputs = stage.run(built.place).outputs
    stage.run(plain.place)
    run = collect(built.recipe, built.place.inputs)
    assert len(run.further) == 12 and len(run.evaluations) == 24
    assert "## Instruction following: native" in read(built, "report.md") and "tables/accuracy-on-native.csv" in outputs
    assert (
        "figures/native-languages.svg" in outputs
        and "tables/native-languages-of-the-answers-to-finnish-prompts.csv" in outputs
    )
    assert read(built, "tables/native-data-mixes-fair-mode.csv") != read(built, "tables/native-data-mixes.csv")
    assert read(built, "tables/table-1-data-mixes.csv") == read(plain, "tables/table-1-data-mixes.csv")


def test_a_step_that_is_not_complete_is_named(tmp_path):
    built = build(tmp_path / "run", prompts=30)
    (built.folder / "eval/dpo/dpo-en/ifeval-fi/step.json").unlink()
    stage.run(built.place)
    assert "eval/dpo/dpo-en/ifeval-fi is not complete" in read(built, "index.html")


def test_a_language_that_no_identifier_knows_is_said_not_drawn(tmp_path):
    built = build(tmp_path / "run", prompts=30)
    for path in built.folder.glob("eval/*/*/ifeval-fi/scores.json"):
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "response_language": None}), "utf-8")
    outputs = stage.run(built.place).outputs
    markdown = read(built, "report.md")
    assert "no identifier at hand knows Finnish" in markdown and "| Answers in Finnish" not in markdown
    assert "figures/languages.svg" not in outputs


def test_a_language_that_langdetect_alone_does_not_know_keeps_its_lines(tmp_path):
    built = build(tmp_path / "run", prompts=30)
    for path in built.folder.glob("eval/*/*/ifeval-fi/scores.json"):
        scores = json.loads(path.read_text("utf-8"))
        scores["response_language"] |= {"langdetect": None, "folded": None}
        path.write_text(json.dumps(scores), "utf-8")
    outputs = stage.run(built.place).outputs
    markdown = read(built, "report.md")
    assert "langdetect does not know the language" in markdown and "| Answers in Finnish" not in markdown
    assert "figures/languages.svg" in outputs


def test_a_damaged_scores_file_is_named(tmp_path):
    built = build(tmp_path / "run", prompts=10)
    damaged = built.folder / "eval/sft/neftune/ifeval-fi/scores.json"
    damaged.write_text('{"model":', "utf-8")
    with pytest.raises(KieloError, match=re.escape(str(damaged))):
        stage.run(built.place)


def test_the_recipe_cannot_inject_either(tmp_path: Path):
    text = RECIPE.replace(
        "description: The paper's mixes, ablations and preference runs.",
        'description: "<img src=x onerror=alert(1)> [link](http://x) | *star*"',
    )
    built = build(tmp_path / "run", text, prompts=10)
    stage.run(built.place)
    assert "<img" not in read(built, "index.html")
    assert "\\[link\\](http://x) \\| \\*star\\*" in read(built, "report.md") and "<img" not in read(built, "report.md")


def test_a_further_set_is_tested_against_the_same_baselines_and_corrected_by_itself(tmp_path):
    questions = "    mt-bench: {kind: questions"
    text = RECIPE.replace(questions, f"    native: {{kind: ifeval, hub: example/native, language: fi}}\n{questions}")
    text = text.replace("ifeval: {languages: [en, fi]}", "ifeval: {languages: [en, fi], also: [native]}")
    built = build(tmp_path / "run", text, prompts=40)
    run = collect(built.recipe, built.place.inputs)
    (section,) = further_sections(run)
    tables = {block.title: block for block in section.blocks if isinstance(block, Table)}
    mixes, main = tables["native: Data mixes"], mixes_table(run)
    assert main and [row[0] for row in mixes.rows] == [row[0] for row in main.rows]
    assert mixes.columns == ("Model", "Finnish accuracy, %", "Answers in Finnish, %")
    marked = [dict(cell.numbers) for row in mixes.rows for cell in row if cell.verdict]
    assert len(marked) == 12 and [each["p_holm"] for each in marked] == holm([float(each["p"]) for each in marked])
    assert f"Holm's correction over the {len(marked)} tests of this table" in mixes.note
    assert {"native: Other runs", "native: Gains on the start", "native: What the modes judge differently"} <= set(
        tables
    )
    names = [block.name for block in section.blocks if isinstance(block, Table | Figure)]
    assert len(names) == len(set(names))
