"""Which sbatch calls bring what is missing, and what each waits for."""

from __future__ import annotations

import pytest

from kielo.cluster.jobs.job import After, Task
from kielo.cluster.queue.chain import conditions, doomed, requests
from kielo.cluster.queue.manifest import Entry, Manifest, Submission
from kielo.cluster.queue.standing import ElementStanding, Look, State

LETTERS: dict[str, State] = {
    "d": "done", "r": "running", "w": "waiting", "f": "failed", "l": "lost", ".": "not submitted",
}  # fmt: skip


def _entry(name: str, elements: int, after: tuple[After, ...] = (), at_once: int | None = None) -> Entry:
    tasks = tuple((Task(f"{name}/{number}"),) for number in range(elements))
    return Entry(name, f"{name}.sbatch", "train", "small", tasks, after, at_once)


def _look(*jobs: tuple[Entry, str]) -> Look:
    """Jobs with the states of their elements as letters; job n has been submitted as number 100 + n if any of it was."""
    entries, elements = [], {}
    for place, (entry, letters) in enumerate(jobs):
        number = str(100 + place)
        made = () if set(letters) == {"."} else (Submission(number, None, "then"),)
        entries.append(Entry(**{**vars(entry), "submissions": made}))
        for index, letter in enumerate(letters):
            name = f"{number}_{index}" if entry.is_array else number
            elements[entry.name, index] = ElementStanding(LETTERS[letter], name if made else None)
    return Look(Manifest("cafe", "r", "p", tuple(entries)), elements, {})


def _asked(look: Look) -> list[tuple[str, tuple[int, ...] | None, str]]:
    return [
        (each.entry.name, each.elements, "".join(f"#{piece}" if isinstance(piece, int) else piece for piece in conditions(each.dependencies)))
        for each in requests(look)
    ]  # fmt: skip


def test_a_first_submit_is_one_call_for_each_job() -> None:
    all_of_it = After("data")
    jobs = (_entry("data", 1), _entry("sft", 3, (all_of_it,)), _entry("scores", 3, (After("sft", matching=True),)))
    report = _entry("report", 1, (all_of_it, After("scores")))
    assert _asked(_look((jobs[0], "."), (jobs[1], "..."), (jobs[2], "..."), (report, "."))) == [
        ("data", None, ""),
        ("sft", None, "afterok:#0"),
        ("scores", None, "aftercorr:#1"),
        ("report", None, "afterok:#0:#2"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("dddd", "....", [("b", None, "")]),
        ("drrf", "d...", [("a", (3,), ""), ("b", (1, 2), "aftercorr:100"), ("b", (3,), "aftercorr:#0")]),
        ("dfdf", "d.d.", [("a", (1, 3), ""), ("b", (1, 3), "aftercorr:#0")]),
        ("dfrd", "dwwd", [("a", (1,), "")]),
    ],
)
def test_each_element_follows_its_own(first: str, second: str, expected: list[object]) -> None:
    look = _look((_entry("a", 4), first), (_entry("b", 4, (After("a", matching=True),)), second))
    assert _asked(look) == expected


@pytest.mark.parametrize(
    ("states", "condition"),
    [
        ("....", "afterok:#0"),
        ("rrww", "afterok:100"),
        ("rfww", "afterok:100_0:100_2:100_3:#0"),
        ("drdd", "afterok:100_1"),
        ("lddd", "afterok:#0"),
    ],
)
def test_a_job_waits_for_all_that_is_not_done(states: str, condition: str) -> None:
    look = _look((_entry("a", 4), states), (_entry("merge", 1, (After("a"),)), "."))
    assert _asked(look)[-1] == ("merge", None, condition)


def test_a_job_waits_for_some_elements() -> None:
    look = _look((_entry("a", 4), "r..r"), (_entry("merge", 1, (After("a", (0, 1)),)), "."))
    assert _asked(look)[-1] == ("merge", None, "afterok:100_0:#0_1")


def test_what_waits_for_something_lost_is_doomed_with_all_that_follows() -> None:
    b, c = _entry("b", 2, (After("a", matching=True),)), _entry("c", 1, (After("b"),))
    look = _look((_entry("a", 2), "fr"), (b, "ww"), (c, "w"))
    assert doomed(look) == ["101_0", "102"]
    assert _asked(look.given_up(doomed(look))) == [
        ("a", (0,), ""),
        ("b", (0,), "aftercorr:#0"),
        ("c", None, "afterok:#1:101_1"),
    ]


def test_options_name_the_elements_and_keep_the_throttle() -> None:
    look = _look((_entry("a", 9, at_once=2), "d...d.d.."))
    (request,) = requests(look)
    assert request.options(look.manifest) == ["--comment=kielo:cafe/a/1-3,5,7-8", "--array=1-3,5,7-8%2"]


def test_a_call_names_no_more_elements_than_a_comment_holds() -> None:
    shards = _entry("shards", 1000)
    found = requests(_look((shards, "d." * 500)))
    assert sorted(number for each in found for number in each.elements or ()) == list(range(1, 1000, 2))
    manifest = Manifest("cafecafe", "r", "p", (shards,))
    assert all(len(manifest.comment(shards, each.elements)) < 1000 for each in found)
