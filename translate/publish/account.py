"""The account that a card gives of its rows: who translated and answered, what was kept and why not, how it was checked, its limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kielo.sharing.markdown import code, table, text
from translate.publish.facts import Facts, Maker
from translate.publish.measured import recall_sentences


def making(facts: Facts) -> Iterator[str]:
    """Say who translated the rows, with which prompt, and who answered."""
    if facts.makers:
        yield "## How it was translated\n"
        yield "".join(f"- {_made_by(maker)}\n" for maker in facts.makers)
    if facts.answered_by:
        settings = f"temperature {facts.dataset.temperature:g}, the best of {facts.dataset.samples} by the checks"
        yield "## Who answered\n"
        yield f"The prompts were answered anew by {code(facts.answered_by)} ({settings}).\n"
    elif facts.dataset.answers == "regenerate":
        yield "The user's turns were translated, and the same model answered them anew.\n"


def _made_by(maker: Maker) -> str:
    revision = f" at revision {code(maker.revision)}" if maker.revision else ""
    told = f"{text(maker.name)}{revision}: {maker.texts:,} texts"
    if maker.shots is None:
        return told
    shots = maker.shots
    licences = f"under {', '.join(map(text, shots.licences))}" if shots.licences else "whose licence is not known here"
    return f"{told}; prompted in form {code(shots.form)} with {shots.shown} translation pairs out of {text(shots.file)} ({licences})"


def yields(facts: Facts) -> Iterator[str]:
    """Say step by step what was kept, and what was left out for which reason."""
    yield "## What was kept\n"
    rows = []
    for name, record in facts.steps.items():
        counts = record.get("counts", {})
        dropped = counts.get("rejected") or counts.get("dropped") or {}
        given = counts.get("records", 0)
        kept = counts.get("accepted", given)
        reasons = ", ".join(f"{text(reason)} {number:,}" for reason, number in sorted(dropped.items(), key=_most_first))
        rows.append((code(name), f"{reasons or 'none'}", f"{given:,}", f"{kept:,}", f"{_share(kept, given)}"))
    if facts.limit is not None:
        yield f"This is a trial: of the source, only the first {facts.limit:,} records were taken.\n"
    yield table(("step", "rows rejected or left out, by reason", "records", "kept", "share"), rows, numbers=3)
    counts = (facts.translation or {}).get("counts", {})
    if counts.get("failed_checks"):
        at_first = ", ".join(
            f"{text(reason)} {number:,}" for reason, number in sorted(counts["failed_checks"].items(), key=_most_first)
        )
        yield f"Checks that translations failed at first: {at_first}. {counts.get('accepted_without_repair', 0):,} records needed no repair.\n"


def _most_first(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def checks(facts: Facts) -> Iterator[str]:
    """Say how translations were checked, and what these checks were measured to catch."""
    if facts.translation is None:
        return
    profile = facts.translation["fields"]["translate"]["checks"]
    calibration = facts.translation["counts"].get("calibration", {})
    yield "## How it was checked\n"
    yield f"Every text passed the checks of profile {code(profile)}, languages told apart by {code(calibration.get('identifier', 'none'))}.\n"
    yield "\n".join(map(text, recall_sentences(profile, facts.source.code, facts.target.code))) + "\n"


def limits(facts: Facts) -> Iterable[str]:
    """Say what a user of the rows must reckon with."""
    if facts.translation is not None:
        verdicts = facts.translation["counts"].get("verdicts", {})
        read = verdicts.get("applied", 0)
        yield (
            f"{read:,} texts have a reader's verdict; all others were read by no person."
            if read
            else "No person has read the translations."
        )
        yield "The checks do not see a changed meaning, a wrong name or a lost negation, nor a short answer that is about the right thing."
        yield f"Content, examples and manners are those of the {text(facts.source.name)} source, not of places where {text(facts.target.name)} is spoken."
        yield "Rows that a check rejects are missing: code, tables and word play are rarer than in the source."
    if facts.answered_by:
        yield "The answers are a model's: they may be wrong, and sound surer than they should."
    if facts.dataset.kind in ("ifeval", "questions"):
        yield "This is a benchmark: models that were trained on it cannot be measured by it."
    yield "The search for personal data goes by patterns: it misses names, addresses and unusual spellings."
