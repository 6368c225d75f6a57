"""Reading verdicts: what is honoured, what is stale, and one sentence for what is malformed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kielo.errors import SourceError
from translate.review.verdicts import COLUMNS, Verdict, read_verdicts

HEADER = "\t".join(COLUMNS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.tsv"


def line(*cells: str) -> str:
    return "\t".join(cells)


def test_a_verdict_is_found_by_id_place_and_source(file: Path) -> None:
    file.write_text(f"{HEADER}\n{line('oasst2/1', 'messages[0]', 'Hi!', 'edit', 'Hei!', 'too formal')}\n")
    verdicts = read_verdicts(file)
    assert verdicts.of("oasst2/1", "messages[0]", "Hi!") == Verdict(
        "oasst2/1", "messages[0]", "Hi!", "edit", "Hei!", "too formal"
    )
    assert verdicts.of("oasst2/1", "messages[0]", "Hi") is None
    assert verdicts.of("oasst2/1", "messages[1]", "Hi!") is None
    assert verdicts.of("oasst2/2", "messages[0]", "Hi!") is None


def test_escapes_give_every_text_back(file: Path) -> None:
    cells = [r"a\\nb", r"\tx\r\n", r"\=SUM(1) \\= \u0000\ud800\u2028", "accept", r"\"Hei\\\", sanoi", r"\-\+\@\'"]
    file.write_text(f"{HEADER}\n{line(*cells)}\n")
    (verdict,) = read_verdicts(file).by_key.values()
    assert verdict.id == "a\\nb"
    assert verdict.where == "\tx\r\n"
    assert verdict.source == "=SUM(1) \\= \0\ud800\u2028"
    assert verdict.translation == '"Hei\\", sanoi'
    assert verdict.comment == "-+@'"


def test_a_spreadsheet_may_quote_cells_end_lines_its_way_and_mark_the_encoding(file: Path) -> None:
    row = line("1", "m", '"She said ""hi"""', "accept", '"Hän ""moi""\nja\tlähti"', '""')
    file.write_bytes(
        ("\ufeff" + f"{HEADER}\n{row}\n\n{line('2', 'm', 's', 'reject', '', '')}").replace("\n", "\r\n").encode()
    )
    verdicts = read_verdicts(file)
    assert [verdict.id for verdict in verdicts.by_key.values()] == ["1", "2"]
    assert verdicts.of("1", "m", 'She said "hi"') == Verdict(
        "1", "m", 'She said "hi"', "accept", 'Hän "moi"\r\nja\tlähti', ""
    )


def test_what_a_verdict_means_for_a_translation() -> None:
    assert Verdict("1", "m", "s", "edit", "uusi").vouched == "uusi"
    assert Verdict("1", "m", "s", "accept", "hyvä").vouched == "hyvä"
    rejected = Verdict("1", "m", "s", "reject", "huono")
    assert rejected.vouched is None
    assert rejected.refuses("huono")
    assert not rejected.refuses("toinen")
    assert Verdict("1", "m", "s", "reject").refuses("mikä tahansa")
    assert not Verdict("1", "m", "s", "accept", "hyvä").refuses("hyvä")


def test_usage_counts_applied_stale_and_unused_within_a_data_set(file: Path) -> None:
    rows = [line(name, "m", "s", "reject", "", "") for name in ("a/1", "a/2", "a/3", "ab/1")]
    file.write_text("\n".join([HEADER, *rows]))
    verdicts = read_verdicts(file).within("a")
    texts = [("a/1", "m", "s"), ("a/2", "m", "changed"), ("a/4", "m", "s")]
    assert verdicts.usage(texts) == {"applied": 1, "stale": 1, "unused": 1}


def test_a_file_of_a_header_alone_holds_no_verdicts(file: Path) -> None:
    file.write_text(HEADER + "\n")
    assert read_verdicts(file).by_key == {}


def table(*cells: str) -> str:
    return f"{HEADER}\n{line(*cells)}\n"


GOOD = line("1", "m", "s", "accept", "t", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the first line must name the columns"),
        (GOOD, "line 1: the first line must name the columns"),
        (table("1", "m", "s", "accept", "t"), "line 2: 5 cells, but 6"),
        (table(GOOD, "more"), "line 2: 7 cells, but 6"),
        (table("1", "m", "s", "maybe", "t", ""), "line 2: 'maybe' is no verdict"),
        (table("1", "m", "s", "edit", " ", ""), "line 2: 'edit' needs the translation"),
        (table("1", "m", "s", "accept", "", ""), "line 2: 'accept' needs the translation"),
        (f"{HEADER}\n\n{GOOD}\n{GOOD}", "line 4: '1' m has a verdict in line 3"),
        (table("1", "m", r"x \(y\)", "accept", "t", ""), r"line 2: unknown escape '\\\('"),
        (table("1", "m", "s", "accept", "t", "end\\"), "line 2: unknown escape"),
        (table("1", "m", '"Hi, he said', "accept", "t", ""), "line 2: a cell begins with a quotation mark"),
    ],
)
def test_malformed_files_give_one_sentence_with_the_line(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(SourceError, match=said) as error:
        read_verdicts(file)
    assert str(file) in str(error.value)


def test_a_missing_file_and_another_encoding_give_one_sentence(file: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot be read \(No such file"):
        read_verdicts(file)
    file.write_bytes("ä".encode("latin-1"))
    with pytest.raises(SourceError, match="not UTF-8 at byte 0"):
        read_verdicts(file)


@pytest.mark.parametrize("unit", ['"', '""', "\\\\", "\t", '"\t', "a"])
def test_long_cells_are_read_or_refused_at_once(file: Path, unit: str) -> None:
    file.write_text(f"{HEADER}\n{line('1', 'm', unit * 100_000, 'accept', 't', '')}\n")
    try:
        assert len(read_verdicts(file).by_key) == 1
    except SourceError as error:
        assert len(str(error)) < 1000
