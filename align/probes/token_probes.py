"""Probes of the tokens of a training: what is trained, decoded; that answers end; that pairs differ. Read from the rows themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from align.prepare import Prepared
from align.probes.findings import Finding
from align.tokens.masks import IGNORED

_ROWS_EACH = 200  # of every language, spread over all rows
_SHOWN = 160  # characters of a decoded text
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def probe_tokens(dataset: Any, prepared: Prepared, tokenizer: Any) -> Iterator[Finding]:
    """Look at rows of every language in the tokens of a training."""
    rows = sample(dataset)
    if prepared.kind == "sft":
        yield trained(rows, prepared.loss_on, tokenizer)
        yield ends(rows, tokenizer, prepared.stop_token_id)
    else:
        yield pairs(rows, prepared.accept, tokenizer)
        yield pair_ends(rows, tokenizer, prepared.stop_token_id)


def sample(dataset: Any, each: int = _ROWS_EACH) -> Rows:
    """Take rows of every language, evenly spread."""
    places: dict[str, list[int]] = {}
    languages = dataset.select_columns(["language"]).with_format("arrow")[:]["language"].to_pylist()
    for place, language in enumerate(languages):
        places.setdefault(language, []).append(place)
    spread = {code: found[:: max(1, len(found) // each)][:each] for code, found in places.items()}
    return {code: [dataset[place] for place in found] for code, found in spread.items()}


def trained(rows: Rows, loss_on: str, tokenizer: Any) -> Finding:
    """Look at how much is trained: with a mask neither nothing nor everything, without one everything."""
    shares = {code: _share(found) for code, found in rows.items()}
    shown = ", ".join(f"{share:.0%} of the tokens in {code}" for code, share in shares.items())
    wrong = [code for code, share in shares.items() if (share < 1 if loss_on == "all" else not 0 < share < 1)]
    examples = {code: _parts(found[0], tokenizer) for code, found in rows.items()}
    if not wrong:
        return Finding("what is trained", True, f"{shown} (loss_on: {loss_on}).", "\n".join(examples.values()))
    wanted = "every token" if loss_on == "all" else "the answers and nothing else"
    return Finding(
        "what is trained", False, f"loss_on: {loss_on} trains {wanted}, but {shown} are trained.", examples[wrong[0]]
    )


def _share(rows: Sequence[Mapping[str, Any]]) -> float:
    """Tell the share of trained tokens; the first token of a row never is."""
    labels: list[int] = [label for row in rows for label in row["labels"][1:]]
    return sum(label != IGNORED for label in labels) / max(1, len(labels))


def _parts(row: Mapping[str, Any], tokenizer: Any) -> str:
    """Decode a row's masked and trained tokens."""
    pairs = list(zip(row["input_ids"], row["labels"], strict=True))
    masked = tokenizer.decode([token for token, label in pairs if label == IGNORED])
    seen = tokenizer.decode([token for token, label in pairs if label != IGNORED])
    return f"{row['id']} ({row['language']}): masked {_short(masked)}, trained {_short(seen)}"


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]} ... {text[-_SHOWN // 2 :]}")


def ends(rows: Rows, tokenizer: Any, stop: int) -> Finding:
    """Look whether a model learns to stop: a row trains an end of turn, unless it was cut before the first one."""

    def ended(row: Mapping[str, Any]) -> bool:
        return stop in row["labels"]

    return _ends(rows, ended, lambda row: row["input_ids"], tokenizer, stop)


def pair_ends(rows: Rows, tokenizer: Any, stop: int) -> Finding:
    """Look whether the answers of pairs end; a pair whose longer answer was cut has one that does not."""
    return _ends(
        rows, lambda row: stop in (row["chosen_ids"][-1], row["rejected_ids"][-1]), lambda row: row["chosen_ids"], tokenizer, stop
    )  # fmt: skip


def _ends(
    rows: Rows, ended: Callable[[Mapping[str, Any]], bool], tokens: Callable[[Mapping[str, Any]], Sequence[int]],
    tokenizer: Any, stop: int,
) -> Finding:  # fmt: skip
    shares = {code: sum(map(ended, found)) / len(found) for code, found in rows.items()}
    written = tokenizer.convert_ids_to_tokens(stop)
    shown = ", ".join(f"{share:.0%} of the rows in {code}" for code, share in shares.items())
    never = next((code for code, share in shares.items() if not share), None)
    if never is None:
        return Finding("end of turn", True, f"{written} is trained in {shown}.")
    row = rows[never][0]
    return Finding(
        "end of turn", False,
        f"{written} is trained in {shown}, so a model would not learn to stop; raise max_length, or end answers with it.",
        f"{row['id']} ends with {_short(tokenizer.decode(tokens(row)[-40:]))}",
    )  # fmt: skip


def pairs(rows: Rows, accept: Sequence[str], tokenizer: Any) -> Finding:
    """Look whether pairs can teach anything: a prompt, and two answers that differ."""
    total = sum(map(len, rows.values()))
    shown = ", ".join(f"{len(found) / total:.0%} {code}" for code, found in rows.items())
    for row in (row for found in rows.values() for row in found):
        fault = _fault(row, accept)
        if fault is not None:
            example = f"{row['id']} ({row['language']}): chosen {_short(tokenizer.decode(row['chosen_ids']))}"
            return Finding("preference pairs", False, f"{fault}.", example)
    row = next(iter(rows.values()))[0]
    names = ("prompt_ids", "chosen_ids", "rejected_ids")
    parts = "; ".join(f"{name.partition('_')[0]} {_short(tokenizer.decode(row[name]))}" for name in names)
    sentence = f"{total:,} pairs looked at ({shown}): each has a prompt and two answers that differ."
    return Finding("preference pairs", True, sentence, f"{row['id']} ({row['language']}): {parts}")


def _fault(row: Mapping[str, Any], accept: Sequence[str]) -> str | None:
    if not row["prompt_ids"]:
        return "a pair has no prompt that both answers follow"
    if not row["chosen_ids"] or not row["rejected_ids"]:
        return "an answer of a pair has no token"
    if row["chosen_ids"] == row["rejected_ids"] and "identical" not in accept:
        return "the chosen answer of a pair is the rejected one, as they are trained"
    return None
