"""OpenAssistant messages (OASST1, OASST2): rows in any order become trees, and trees become conversations or ranked pairs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from kielo.errors import SourceError, at
from kielo.records import Conversation, Message, PreferencePair, Role
from kielo.row_values import Row, whole

_ROLES: Mapping[str, Role] = {"prompter": "user", "assistant": "assistant"}
_UNRANKED = float("inf")


@dataclass(frozen=True)
class Node:
    """One message of a tree."""

    id: str
    parent: str | None
    role: Role
    text: str
    rank: float
    withheld: str | None
    """Why the message is not to be learnt from, if so: `message deleted`, ..."""


Trees = Mapping[str | None, Sequence[Node]]
"""Parent id -> its replies in row order; the prompts that start the trees are under None."""


def tree_messages(rows: Sequence[tuple[int, Row]], file: str) -> list[tuple[int, Row]]:
    """Flatten rows of the nested format, `{"message_tree_id", "prompt": {"text", "replies": [...]}}`, into message rows."""
    flat: list[tuple[int, Row]] = []
    for line, row in rows:
        waiting: list[tuple[str | None, Any]] = [(None, row.get("prompt"))]
        while waiting:
            parent, message = waiting.pop(0)
            if not isinstance(message, Mapping) or not isinstance(message.get("replies", []), list):
                raise SourceError(
                    f"{at(file, line)}: a message of this tree is no object with 'replies'; mend the row."
                )
            flat.append((line, {**message, "parent_id": parent}))
            waiting += [(message.get("message_id"), reply) for reply in message.get("replies", [])]
    return flat


def oasst_messages(rows: Sequence[tuple[int, Row]], file: str, language: str, dropped: Counter[str]) -> Trees:
    """Sort messages under their parents; those out of reach of a tree's first prompt are counted in `dropped`.

    Raises:
        SourceError: a message has no id, text or role of its own.
    """
    nodes: dict[str, Node] = {}
    for line, row in rows:
        node = _node(row, at(file, line), language)
        if node.id in nodes:
            raise SourceError(f"{at(file, line)}: message_id '{node.id}' is there twice; remove one.")
        nodes[node.id] = node
    trees: defaultdict[str | None, list[Node]] = defaultdict(list)
    for node in nodes.values():
        trees[node.parent].append(node)
    reached = sum(1 for _ in _walk(trees))
    dropped["message without its parent"] += len(nodes) - reached
    return trees


def _node(row: Row, place: str, language: str) -> Node:
    identity, parent, role, text, rank = (row.get(name) for name in ("message_id", "parent_id", "role", "text", "rank"))
    if not isinstance(identity, str) or not isinstance(parent, str | None):
        raise SourceError(f"{place}: 'message_id' must be a text and 'parent_id' a text or null; mend the row.")
    if not isinstance(role, str) or role not in _ROLES:
        raise SourceError(f"{place}: role {role!r:.40} is unknown; OASST knows {' and '.join(_ROLES)}.")
    if not isinstance(text, str):
        raise SourceError(
            f"{place}: 'text' is missing; name its column in the recipe, such as `fields: {{text: text_en}}`."
        )
    order = (
        float(rank) if isinstance(rank, int | float) and rank == rank else _UNRANKED
    )  # tables write absent ranks as NaN
    return Node(identity, parent, _ROLES[role], whole(text, "text", place), order, _withheld(row, text, language))


def _withheld(row: Row, text: str, language: str) -> str | None:
    if row.get("lang", language) != language:
        return "message in another language"
    if row.get("review_result") is False:
        return "message failed review"
    if not text.strip():
        return "message without text"
    return "message deleted" if row.get("deleted") else None


def _walk(trees: Trees) -> Iterator[Node]:
    """Yield parents before their replies, tree by tree; a circle of parents is never entered."""
    for root in trees.get(None, ()):
        waiting = [root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(trees.get(node.id, ()))


def oasst_conversations(trees: Trees, language: str, dropped: Counter[str]) -> Iterator[Conversation]:
    """Follow the best-ranked answer at every level of each tree, and of its follow-up prompts the one that leads furthest."""
    turns: dict[str, tuple[Node, ...]] = {}  # the path from a node down to its last assistant turn
    for node in reversed(list(_walk(trees))):
        turns[node.id] = _best_path(node, [turns[reply.id] for reply in trees.get(node.id, ()) if turns[reply.id]])
        if node.withheld:
            dropped[node.withheld] += 1
    for root in trees.get(None, ()):
        path = turns[root.id]
        if path:
            dropped["message beside the best path"] += _size(trees, root) - len(path)
            yield Conversation("", language, tuple(Message(node.role, node.text) for node in path))
        else:
            dropped["tree without an assistant reply"] += 1


def _best_path(node: Node, below: list[tuple[Node, ...]]) -> tuple[Node, ...]:
    """Join a node to the best path below it; empty where no assistant turn would end it."""
    below = [path for path in below if path[0].role != node.role]
    if node.withheld or (node.role == "user" and not below):
        return ()
    if node.role == "user":
        return (node, *min(below, key=lambda path: path[0].rank))
    return (node, *max(below, key=len, default=()))


def _size(trees: Trees, root: Node) -> int:
    return sum(1 for node in _walk({**trees, None: [root]}) if not node.withheld)


def oasst_preferences(trees: Trees, language: str, dropped: Counter[str]) -> Iterator[PreferencePair]:
    """Pair the ranked answers to every prompt, the better-ranked one chosen.

    A deleted answer that people ranked stays: its rank is what the pair is about.
    """
    paths: dict[str, tuple[Node, ...]] = {}
    for node in _walk(trees):
        before = paths.get(node.parent or "", ())
        usable = node.withheld is None and (not node.parent or bool(before))
        paths[node.id] = (*before, node) if usable else ()
        if node.withheld:
            dropped[node.withheld] += 1
        if node.role == "user" and usable:
            prompt = tuple(Message(turn.role, turn.text) for turn in paths[node.id])
            yield from _pairs(trees.get(node.id, ()), prompt, language, dropped)


def _pairs(
    replies: Sequence[Node], prompt: tuple[Message, ...], language: str, dropped: Counter[str]
) -> Iterator[PreferencePair]:
    answers = [reply for reply in replies if reply.role == "assistant" and reply.withheld in (None, "message deleted")]
    ranked = sorted((answer for answer in answers if answer.rank != _UNRANKED), key=lambda answer: answer.rank)
    dropped["answer without a rank"] += len(answers) - len(ranked)
    dropped["message deleted"] -= sum(answer.withheld is not None for answer in ranked)
    for better, worse in combinations(ranked, 2):
        if better.rank == worse.rank:
            dropped["tie"] += 1
        else:
            yield PreferencePair("", language, prompt, better.text, worse.text)
