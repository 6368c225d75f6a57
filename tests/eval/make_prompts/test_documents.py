"""Documents come from strangers: markup, tracks to people and endless texts stay out, and everything left out is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.make_prompts.documents import MOST_CHARACTERS, Documents, read_documents
from eval.make_prompts.pool import EXCERPT, Pool, excerpt
from kielo.errors import SourceError
from kielo.languages.pack import language

PROSE = (
    "Järvi sijaitsee kaupungin pohjoispuolella, ja sen rannalla on vanha mylly. Kesällä siellä uivat sekä lapset että "
    "aikuiset. Talvella järven jäällä hiihdetään ja pilkitään, kunnes kevät sulattaa jään. Silloin mylly avataan kävijöille."
)


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read(path: Path) -> Documents:
    return read_documents(path, language("fi"))


def test_markup_headings_and_lists_go_and_are_counted(tmp_path: Path) -> None:
    text = (
        f"== Maantiede ==\n{PROSE}<ref>Lähde</ref>\n<b>Mylly</b> on [[mylly|myllyjen]] joukossa [3] ''vanhin'', "
        "ja sen omistaa kunta, joka on vuokrannut sen museolle.\n* Lähteet\n{{malline}}"
    )
    found = read(write(tmp_path / "d.jsonl", {"text": text, "title": "Järvi", "id": 7}))
    assert found.documents[0].paragraphs == (
        PROSE,
        "Mylly on myllyjen joukossa vanhin, ja sen omistaa kunta, joka on vuokrannut sen museolle.",
    )
    assert found.documents[0].id == "d.jsonl:7"
    assert found.lines_left_out == {"a heading, list or fragment": 2}


@pytest.mark.parametrize(
    "line",
    [
        "Lisätietoja saa kirjoittamalla osoitteeseen matti.meikalainen@example.org, jos asia kiinnostaa.",
        "Soita numeroon 040 123 4567 tai käy paikan päällä, jos haluat varata myllyn juhliin kesällä.",
    ],
)
def test_lines_that_lead_to_a_person_stay_out(tmp_path: Path, line: str) -> None:
    found = read(write(tmp_path / "d.jsonl", {"text": f"{PROSE}\n{line}"}))
    assert found.documents[0].text == PROSE
    assert found.lines_left_out == {"an e-mail address or telephone number": 1}


def test_every_refused_document_has_a_reason(tmp_path: Path) -> None:
    english = "The lake lies to the north of the town, and there is an old mill on its shore. " * 4
    path = write(
        tmp_path / "d.jsonl", {"text": PROSE}, {"text": PROSE}, {"text": english}, {"text": ""}, {"title": "Järvi"},
        {"text": "Järvi on kaunis, ja sen rannalla on mylly, jossa on museo."},
    )  # fmt: skip
    found = read(path)
    assert len(found.documents) == 1
    assert found.refused == {"not in Finnish": 1, "there twice": 1, "without prose": 3}


def test_licence_of_the_row_goes_before_the_general_one(tmp_path: Path) -> None:
    rows = {"text": PROSE, "license": "CC0\nInjected: yes"}, {"text": PROSE + " Kevät on lyhyt."}
    found = read_documents(write(tmp_path / "d.jsonl", *rows), language("fi"), "CC-BY-4.0")
    assert [each.licence for each in found.documents] == ["CC0 Injected: yes", "CC-BY-4.0"]


def test_plain_text_has_a_document_per_block_and_no_titles(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_text(f"{PROSE[:100]}\n{PROSE[101:]}\n\n{PROSE} Niin on ollut aina.\n", "utf-8")
    assert [each.id for each in read(path).documents] == ["d.txt:text 1", "d.txt:text 2"]
    assert all(each.title is None for each in read(path).documents)


@pytest.mark.parametrize("title", ["<script>", "a" * 100, "x@example.org", "{text}", "[nimi]", "*"])
def test_a_title_with_markup_is_none(tmp_path: Path, title: str) -> None:
    found = read(write(tmp_path / "d.jsonl", {"text": PROSE, "title": title}))
    assert found.documents[0].title is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": 3}\n', r"d.jsonl, line 1: `text` must be a text; this is a int"),
        ('{"text": "a", "title": ["b"]}\n', "line 1: `title` must be a text; this is a list"),
        ("[1]\n", "line 1: a JSON object is needed"),
        ('{"text": "Lyhyt."}\n', "no document can be used .1 without prose."),
        ("", "no document can be used .it holds none."),
    ],
)
def test_what_is_no_document_is_said(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "d.jsonl").write_text(content, "utf-8")
    with pytest.raises(SourceError, match=said):
        read(tmp_path / "d.jsonl")


def test_missing_and_foreign_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "none.txt")
    (tmp_path / "latin.txt").write_bytes(PROSE.encode("latin-1"))
    with pytest.raises(SourceError, match="not UTF-8 at byte 1"):
        read(tmp_path / "latin.txt")


@pytest.mark.parametrize("piece", ["<ref>", "<!--", "{{", "[[", "a", "(,", "0", "'"])
def test_a_text_made_to_keep_the_machine_busy_does_not(tmp_path: Path, piece: str) -> None:
    text = f"{PROSE}\n{piece * MOST_CHARACTERS}."
    found = read(write(tmp_path / "d.jsonl", {"text": text}))  # without bounds: minutes to hours
    assert f"all after the first {MOST_CHARACTERS:,} characters of a document" in found.lines_left_out


def test_own_words_mark_their_document(finnish: Documents) -> None:
    pool = Pool(language("fi"), finnish.documents)
    words = {each.title: pool.own_words(each) for each in finnish.documents}
    assert "solukalvon" in words["Toimintapotentiaali"]
    assert "henkivartija" in words["Herttuattaren henkivartija"]
    common = {"joka", "että", "sekä", "hänen", "vuonna", "kuitenkin"}
    assert not common & {word for of_one in words.values() for word in of_one}


def test_an_excerpt_is_whole_sentences_of_the_beginning(finnish: Documents) -> None:
    for document in finnish.documents:
        shown = excerpt(document, "fi")
        assert len(shown) <= EXCERPT
        assert document.text.replace("\n\n", " ").startswith(shown.replace("\n\n", " "))
