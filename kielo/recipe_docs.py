"""Writes what is generated from the recipe's schema: recipes/recipe.schema.json for editors and docs/recipe.md for people.

Run it after any change of kielo/recipe.py: `python -m kielo.recipe_docs`
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kielo.provenance import CHECKOUT
from kielo.schema import json_schema

SCHEMA, REFERENCE = CHECKOUT / "recipes" / "recipe.schema.json", CHECKOUT / "docs" / "recipe.md"
_TOP = """# What a recipe can say

Generated from `kielo/recipe.py` by `python -m kielo.recipe_docs`; a test keeps it fresh. For completion in an editor, put
`# yaml-language-server: $schema=recipe.schema.json` on the first line of a recipe.
"""


def schema_text() -> str:
    """Make the text of recipes/recipe.schema.json."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def reference_text() -> str:
    """Make the text of docs/recipe.md: one table per part of a recipe."""
    schema = json_schema()
    parts = {"the recipe": schema, **schema["$defs"]}
    return _TOP + "".join("".join(_table(name, part)) for name, part in parts.items())


def _table(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {name}\n\n{part.get('description', '')}\n\n| key | value | default | what it says |\n|---|---|---|---|\n"
    for key, node in part["properties"].items():
        default = "**needed**" if key in part.get("required", ()) else _cell(_default(node))
        yield f"| `{key}` | {_cell(_kind(node))} | {default} | {_cell(node.get('description', ''))} |\n"


def _default(node: dict[str, Any]) -> str:
    value = node.get("default")
    return (
        ""
        if value is None or value == ""
        else "(its own defaults)"
        if isinstance(value, dict) and value
        else f"`{json.dumps(value)}`"
    )


def _kind(node: dict[str, Any]) -> str:
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_kind(option) for option in node["anyOf"]))
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if node.get("type") == "array":
        return f"list of {_kind(node['items'])}" if "items" in node else "list"
    if node.get("type") == "object":
        inner = node.get("additionalProperties")
        return f"name -> {_kind(inner)}" if isinstance(inner, dict) else "mapping"
    return str(node.get("type", "any"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), "utf-8")
    REFERENCE.write_text(reference_text(), "utf-8")
