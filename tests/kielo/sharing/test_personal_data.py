"""What is found in texts and masked, what is let pass, and the false alarms on real data."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kielo.errors import UsageError
from kielo.sharing.personal_data import KINDS, PLACEHOLDERS, Census, find, masked, masked_row, parse_kinds, told

# Put together here, so that no file of ours holds what looks like a key.
FOUND = {
    "emails": ["maija.meikalainen@posti.fi", "a.b+c@mail.uni-koeln.de", "x_1@kirjasto.co.uk", "мария@почта.рф"],
    "phones": ["+358 40 741 2983", "+44 (0)20 7946 2018", "+3725123986", "(631) 481-4867", "631-481-4867", "puh. 09 2314 6601", "Phone: 045 871 2334", "+358\u00a040\u00a0741\u20112983"],
    "keys": [
        "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3g", "sk-proj-" + "Ab12Cd34Ef56Gh78Ij90Kl", "ghp_" + "0123456789abcdefABCDEF0123456789abcd",
        "AKIA" + "Q3EGRT5YU7IO9PAS", "AIza" + "SyD3fG5hJ7kL9qW1eR3tY5uI7oP9aS1dF3g", "xoxb-" + "2345678901-abcdefGHIJ",
        "12345678-9abc-def0-1234-56789abcdef0" + ":fx", "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3" + ".SflKxwRJSMeKKF2QT4",
    ],
    "ibans": ["FI21 1234 5600 0007 85", "DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "FI21\u00a01234\u00a05600\u00a00007\u00a085"],
}  # fmt: skip
LET_PASS = [
    "user@example.com", "jane@sub.example.org", "you@yourdomain.com", "icon@2x.png", "git@v1.2", "@handle", "a @ b.com",
    "555-123-4567", "(212) 555-0147", "+1 555 555 5555", "2023-05-17", "10.0.0.255", "192.168.100.200", "3.14159265358979",
    "1234567890", "1 000 000 000", "978-3-16-148410-0", "2+2=4", "1995-2003", "sk-" + "x" * 40, "AKIA" + "IOSFODNN7EXAMPLE",
    "hf_...", "FI22 1234 5600 0007 85", "DE00 0000 0000 0000 0000 00", "550e8400-e29b-41d4-a716-446655440000", "Phone: 12345",
    "call 1-800-GOT-JUNK", "+0123456789012", "section 4.3.2.1.0.9.8.7", "0x1F4A9C", "+999 12345678",
    "git@github.com:a/b.git", "y = A@np.linalg.inv(B)", "0.0072973525693", "sk-fading-circle-animation-delay", "fax: 2023-05-17", "tel 17.5.2023",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_found_and_masked_in_a_sentence(kind, text) -> None:
    sentence = f"Kirjoita tähän: {text}, kiitos."
    assert [(each.kind, sentence[each.start : each.stop].strip()) for each in find(sentence)] == [
        (kind, text.rpartition(": ")[2].removeprefix("puh. "))
    ]
    shown, counts = masked(sentence, KINDS)
    assert PLACEHOLDERS[kind] in shown
    assert counts == {kind: 1}
    assert masked(sentence, ())[0] == sentence


@pytest.mark.parametrize("text", LET_PASS)
def test_let_pass(text) -> None:
    assert find(f"See {text} for more.") == []


@pytest.mark.parametrize(
    "text", ["p. 040 741 2983", "puhelinnumeroni on 040 741 2983", "Mobil: 070-174 05 66", "Tel. (09) 2314 6601"]
)
def test_a_national_number_is_found_behind_a_word_that_announces_it(text) -> None:
    assert [text[each.start : each.stop] for each in find(text)] == [text[text.index("0") - ("(" in text) :]]


def test_an_address_with_brackets_behind_it_is_no_call() -> None:
    assert masked("maija@posti.fi(work), m@kirjasto.com(home)", KINDS)[0] == "<EMAIL>(work), <EMAIL>(home)"


def test_a_private_key_goes_as_a_whole() -> None:
    key = "-----BEGIN " + "RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq3\n" * 3 + "-----END " + "RSA PRIVATE KEY-----"
    assert masked(f"cat id_rsa\n{key}\ndone", KINDS)[0] == "cat id_rsa\n<KEY>\ndone"


def test_rows_are_masked_however_deep_and_ids_stay() -> None:
    row = {"id": "a@posti.fi", "kwargs": [{"end_phrase": "a@posti.fi", "n": 3}], "turns": ["b@posti.fi", None]}
    shown, counts = masked_row(row, ("emails",))
    assert shown == {"id": "a@posti.fi", "kwargs": [{"end_phrase": "<EMAIL>", "n": 3}], "turns": ["<EMAIL>", None]}
    census = Census()
    census.add("a/1", counts)
    census.add("a/2", {})
    assert told(census, ("emails",)) == ["emails: 2 in 1 rows, masked as <EMAIL>: a/1"]
    assert "LEFT AS THEY ARE" in told(census, ())[0]


@given(st.text(alphabet="+@.-() 0123456789abchfskFI_\n", max_size=120))
def test_masking_leaves_nothing_to_find_and_the_rest_as_it_was(text) -> None:
    shown, counts = masked(text, KINDS)
    assert sum(counts.values()) == len(find(text))
    for placeholder in PLACEHOLDERS.values():
        shown = shown.replace(placeholder, "\0")
    assert shown.count("\0") == sum(counts.values())
    kept = [part for part in shown.split("\0") if part]
    position = 0
    for part in kept:
        position = text.index(part, position) + len(part)


def test_kinds_are_read_from_the_command_line() -> None:
    assert parse_kinds("keys, emails") == ("emails", "keys")
    assert parse_kinds("none") == ()
    with pytest.raises(UsageError, match="'names' is no kind"):
        parse_kinds("emails,names")


def test_real_conversations_and_articles_raise_no_false_alarm(shared_data) -> None:
    def rows(name: str) -> list[dict]:
        with gzip.open(shared_data / name, "rt", encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]

    messages = rows("oasst/oasst1_validation_en_fi.jsonl.gz")
    for language in ("text_en", "text_fi"):
        found = [row[language][each.start : each.stop] for row in messages for each in find(row[language])]
        assert [each.rpartition("@")[2] for each in found] == ["gmail.com"], "the one address that stands in the data"
    assert not any(masked_row(tree, ())[1] for tree in rows("oasst/en_100_tree.jsonl.gz"))
    assert [
        each for row in rows("native_fi/wikipedia-fi-validation-sample.jsonl.gz") for each in find(row["text"])
    ] == []
