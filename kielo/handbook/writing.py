"""An imported recipe as files: the YAML, with what it needs from its reader at the top, and the chat template beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from kielo.handbook import Imported
from kielo.handbook.reading import printable
from kielo.records import replacing

_WIDTH = 118


class _Dumper(yaml.SafeDumper):
    """Writes values out, which recipes ask for, and short mappings in one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.Node:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=False)
    node.flow_style = not any(isinstance(each, dict) for each in value.values()) and bool(value)
    return node


_Dumper.add_representer(dict, _mapping)


def as_yaml(imported: Imported, origin: str, template: str | None = None) -> str:
    """Write the recipe; `template` names the file of the chat template where there is one."""
    values = imported.values
    if imported.template is not None:
        values = {**values, "chat_template": template or "chatml"}
    told = [f"{note.key}: {note.sentence}" for note in imported.notes if note.fate == "added"]
    head = "".join(f"# {printable(line)}\n" for line in [f"Imported from {origin}.", *told])
    return head + yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def write_recipe(imported: Imported, origin: str, out: Path) -> list[Path]:
    """Write the recipe, and its chat template beside it; gives back what was written."""
    beside = out.with_suffix(".jinja")
    written = [out]
    if imported.template is not None:
        _write(beside, imported.template)
        written.append(beside)
    _write(out, as_yaml(imported, origin, f"./{beside.name}"))
    return written


def _write(path: Path, text: str) -> None:
    with replacing(path) as stream:
        stream.write(text.encode("utf-8"))
