"""Tables for the terminal: columns stay aligned, and nothing in them steers it."""

from __future__ import annotations

from kielo.text_table import aligned, counted, listed, text_table


def test_columns_stand_under_one_another_to_the_side_that_is_asked_for() -> None:
    rows = [("name", "rows", "by"), ("a long name", "7", "x"), ("b", "1,234", "y")]
    assert aligned(rows) == ["name          rows  by", "a long name      7   x", "b            1,234   y"]
    assert aligned(rows, {0, 2}) == ["name          rows  by", "a long name      7  x", "b            1,234  y"]
    assert text_table(rows) == "name         rows   by\na long name  7      x\nb            1,234  y"
    assert listed([("rows", "7")]) == ["  rows  7"]


def test_columns_move_together_only_where_a_line_would_be_too_long() -> None:
    rows = [("a", "bb"), ("ccc", "d")]
    assert aligned(rows, 2, at_most=7) == ["a    bb", "ccc  d"]
    assert aligned(rows, 2, at_most=6) == ["a   bb", "ccc d"]


def test_what_would_steer_a_terminal_is_taken_out() -> None:
    assert aligned([("a\x1b[2Jb\nc", "é")], 2) == ["a [2Jb c  é"]


def test_counts_have_their_share() -> None:
    assert (counted(292, 783), counted(0, 0)) == ("292/783  37.29%", "0/0 -")
