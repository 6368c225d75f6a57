"""Writes what is generated from the schemas of recipes and cluster profiles: JSON Schemas for editors, tables in docs/ for people.

Run it after any change of kielo/schema/ or kielo/cluster/profiles/: `python -m kielo.reference.recipe`
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kielo.cluster.profiles.profile import profile_schema
from kielo.cluster.profiles.reading import PROFILES
from kielo.provenance import CHECKOUT
from kielo.schema import json_schema

SCHEMA, REFERENCE = CHECKOUT / "recipes" / "recipe.schema.json", CHECKOUT / "docs" / "recipe.md"
PROFILE_SCHEMA, PROFILE_REFERENCE = PROFILES / "profile.schema.json", CHECKOUT / "docs" / "profile.md"
_TOP = """# What a recipe can say

Generated from `kielo/schema/` by `python -m kielo.reference.recipe`; a test keeps it fresh. For completion in an editor, put
`# yaml-language-server: $schema=recipe.schema.json` on the first line of a recipe.
"""
_PROFILE_TOP = """# What a cluster profile can say

Generated from `kielo/cluster/profiles/parts.py` by `python -m kielo.reference.recipe`; a test keeps it fresh. [clusters.md](clusters.md) says
how to write one. For completion in an editor, put `# yaml-language-server: $schema=profile.schema.json` (with the path to
`slurm/profile.schema.json`) on the first line.

`based_on: lumi`, or a file beside this one, lays a profile over another: keys that it writes go before, mappings are laid over one
another key by key, lists are replaced.
"""


def schema_text() -> str:
    """Make the text of recipes/recipe.schema.json."""
    return _json(json_schema())


def reference_text() -> str:
    """Make the text of docs/recipe.md: one table per part of a recipe."""
    return _TOP + _tables("the recipe", json_schema())


def profile_schema_text() -> str:
    """Make the text of slurm/profile.schema.json; nothing is needed in it, for a profile may be based on another."""
    schema = profile_schema()
    for part in (schema, *schema["$defs"].values()):
        part.pop("required", None)
    based_on = {
        "based_on": {"type": "string", "description": "a profile, or a file beside this one, to lay this one over"}
    }
    return _json({**schema, "properties": {**based_on, **schema["properties"]}, "title": "Kielo cluster profile"})


def profile_reference_text() -> str:
    """Make the text of docs/profile.md: one table per part of a profile."""
    return _PROFILE_TOP + _tables("the profile", profile_schema())


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _tables(name: str, schema: dict[str, Any]) -> str:
    return "".join("".join(_table(each, part)) for each, part in {name: schema, **schema["$defs"]}.items())


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
    PROFILE_SCHEMA.write_text(profile_schema_text(), "utf-8")
    PROFILE_REFERENCE.write_text(profile_reference_text(), "utf-8")
