"""The figures: what they draw, and their files, which stand alone as SVG and as PDF."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import replace
from math import log10
from pathlib import Path

import pytest

from eval.report.collect import Run, collect
from eval.report.document import Figure, Report
from eval.report.language_chart import draw_languages
from eval.report.pdf import write_pdf
from eval.report.size_chart import _log_ticks, _round_ticks, conversations, draw_judged_sizes, draw_sizes
from eval.report.standalone import resolved, write_standalone
from eval.report.standing import families
from eval.report.svg import CORNERS, SERIES, mark
from tests.eval.fixture_run import RECIPE, build

SVG = "{http://www.w3.org/2000/svg}"


def figure_of(report: Report, name: str) -> Figure:
    (found,) = (figure for figure in report.figures if figure.name == name)
    return found


def texts(figure: Figure) -> list[str]:
    return [element.text or "" for element in resolved(figure).iter(f"{SVG}text")]


def test_the_report_has_the_papers_figures_and_those_against_size(report: Report) -> None:
    assert [figure.name for figure in report.figures] == [
        "mixes", "sizes", "languages", "categories", "sizes-rating-mt-bench-fi", "sizes-wins-mt-bench-fi",
    ]  # fmt: skip


def test_a_figure_file_needs_no_style_sheet(report: Report) -> None:
    for figure in report.figures:
        root = ElementTree.fromstring(write_standalone(figure))
        assert not root.findall(f".//{SVG}style") and "var(" not in write_standalone(figure)
        assert not [element for element in root.iter() if "class" in element.attrib or "style" in element.attrib]
        drawn = [element for element in root.iter() if element.tag.removeprefix(SVG) not in ("svg", "title")]
        assert all(element.get("fill") or element.get("stroke") for element in drawn)
        assert root[0].get("fill") == "#ffffff" and root[0].get("width") == "100%"


def test_particular_rules_win_and_variables_are_filled(report: Report) -> None:
    line = next(element for element in resolved(figure_of(report, "mixes")) if element.get("stroke-dasharray"))
    assert (line.get("stroke"), line.get("fill"), line.get("stroke-dasharray")) == ("#00765a", "none", "7 4")
    names = [one for one in resolved(figure_of(report, "mixes")).iter(f"{SVG}text") if one.get("font-weight")]
    assert {name.get("fill") for name in names} == {"#0063a6", "#c2500a", "#00765a"} and names[0].get(
        "font-size"
    ) == "13"


def test_a_pdf_is_one_page_with_its_words_and_embedded_fonts(report: Report) -> None:
    for figure in report.figures:
        made = write_pdf(figure)
        assert made.startswith(b"%PDF-") and made == write_pdf(figure)
        assert made.count(b"/Type /Page\n") + made.count(b"/Type /Page ") == 1
        assert b"/FontFile2" in made and b"BitstreamVera" in made
        assert not re.search(rb"/(CreationDate|ModDate) \(D:20(0[1-9]|[1-9])", made)


def test_every_sign_of_a_figure_is_in_the_fonts_of_the_pdf(report: Report) -> None:
    from reportlab.pdfbase.pdfmetrics import getFont

    write_pdf(report.figures[0])
    known = set(getFont("Vera").face.charToGlyph)
    signs = {sign for figure in report.figures for words in texts(figure) for sign in words} - {"\u202f"}
    assert not {sign for sign in signs if ord(sign) not in known} and ord("\u00a0") in known


def test_markup_in_a_caption_stays_text() -> None:
    figure = Figure("x", '"><script>&', '<text x="1" y="1" class="muted" text-anchor="start">a&lt;b</text>', 10, 10)
    root = ElementTree.fromstring(write_standalone(figure))
    assert root.get("aria-label") == '"><script>&' and root[1].text == "a<b"


def test_markers_differ_in_shape() -> None:
    shapes = [re.sub(r'class="[^"]*"', "", mark(role, 50, 50, "")) for role in SERIES]
    assert len(set(shapes)) == len(SERIES) and set(SERIES) < set(CORNERS)


def test_a_score_stands_over_the_size_of_its_mix_on_a_logarithmic_axis(run: Run, report: Report) -> None:
    assert families(run, run.models) == {
        "en-fi-Xpct": [f"sft/en-fi-{percent}pct" for percent in (0, 10, 20, 40, 60, 80, 100)]
    }
    assert [conversations(run, f"sft/en-fi-{percent}pct") for percent in (0, 100)] == [4399, 8798]
    marks = list(resolved(figure_of(report, "sizes")).iter(f"{SVG}circle"))
    first, second, last = (float(marks[at].get("cx", "")) for at in (0, 1, 6))
    assert (second - first) / (last - first) == pytest.approx(log10(4839 / 4399) / log10(2), abs=0.002)
    assert marks[0][0].text == "en-fi-0pct, 4\u202f399 conversations: 33.7%"


def test_several_families_are_several_lines_and_unmeasured_ones_none(run: Run, tmp_path: Path) -> None:
    family = "    en-fi-Xpct: {shares: {en: 1.0, fi: X}"
    text = RECIPE.replace(family, f"    half-Xpct: {{shares: {{en: 0.5, fi: X}}, X: [0, 0.5]}}\n{family}")
    built = build(tmp_path / "run", text, prompts=20)
    figure = draw_sizes(collect(built.recipe, built.place.inputs))
    assert figure is not None
    lines = {line.get("stroke"): line.get("stroke-dasharray") for line in resolved(figure).iter(f"{SVG}polyline")}
    assert len(lines) == 2 and len(set(lines.values())) == 2
    assert [words.rpartition(" ")[0] for words in texts(figure) if "Xpct" in words] != ["en-fi-Xpct"]
    assert draw_sizes(replace(run, evaluations=())) is None and draw_judged_sizes(replace(run, judged={})) == []


@pytest.mark.parametrize(
    ("values", "ticks"),
    [([25.3, 40.4], [25, 30, 35, 40, 45]), ([5.0, 6.5], [5, 5.5, 6, 6.5]), ([50, 50], [50, 51])],
)
def test_axes_have_round_ticks(values: list[float], ticks: list[float]) -> None:
    found = _round_ticks(values)
    assert found[0] <= min(values) and found[-1] >= max(values)
    if len(set(values)) > 1:
        assert found == ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(4399, 8798, [5000, 6000, 7000, 8000]), (100, 50_000, [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]), (4100, 4900, [4100, 4900])],
)  # fmt: skip
def test_a_logarithmic_axis_is_marked_at_round_numbers(low: int, high: int, ticks: list[int]) -> None:
    assert [round(10**place) for place, _ in _log_ticks([log10(low), log10(high)])] == ticks


def test_the_bars_of_languages_add_up(run: Run) -> None:
    figure = draw_languages(run)
    assert figure is not None
    titles = [one.text or "" for one in resolved(figure).iter(f"{SVG}title")]
    ours = [title for title in titles if title.startswith("en-fi-0pct, ")]
    assert [title.split(", ")[1].split(":")[0] for title in ours] == ["Finnish", "mixed", "English", "other"]
    assert sum(int(title.split(": ")[1].split()[0]) for title in ours) == 510


def test_a_pdf_holds_every_word_of_the_figure(report: Report) -> None:
    figure = figure_of(report, "categories")
    encoded = re.search(rb"/ASCII85Decode.{0,80}?stream\r?\n(.*?)~>", write_pdf(figure), re.S)
    assert encoded is not None
    assert zlib.decompress(base64.a85decode(encoded[1])).count(b"BT") == len(texts(figure))
