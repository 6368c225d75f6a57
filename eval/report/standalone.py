"""Figures as files of their own: the style sheet resolved into each element, for LaTeX, Inkscape and the PDF beside it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from eval.report.document import Figure
from eval.report.svg import STYLE, write_svg

NAMESPACE = "http://www.w3.org/2000/svg"
FONTS = "Liberation Sans, Helvetica, Arial, sans-serif"
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}")
_VARIABLE = re.compile(r"var\((--[a-z-]+)\)")


@dataclass(frozen=True)
class Rule:
    """One selector of the style sheet below its root: the tag and classes it asks for, and what it sets."""

    tag: str
    classes: frozenset[str]
    sets: Mapping[str, str]

    def fits(self, element: ElementTree.Element) -> bool:
        """Say whether an element is meant."""
        return self.tag in ("", _tag(element)) and self.classes <= set(element.get("class", "").split())


def resolved(figure: Figure) -> ElementTree.Element:
    """Make the figure's tree with presentation attributes in place of classes, on white paper."""
    root = ElementTree.fromstring(write_svg(figure))
    paper = ElementTree.Element(f"{{{NAMESPACE}}}rect", {"class": "paper", "width": "100%", "height": "100%"})
    root.insert(0, paper)
    for element in root.iter():
        if element is not root:
            for name, value in _style(element).items():
                element.set(name, value)
        element.attrib.pop("class", None)
    root.set("font-family", FONTS)
    return root


def write_standalone(figure: Figure) -> str:
    """Write a figure as an SVG file that needs no style sheet."""
    ElementTree.register_namespace("", NAMESPACE)
    return ElementTree.tostring(resolved(figure), encoding="unicode") + "\n"


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _style(element: ElementTree.Element) -> dict[str, str]:
    """Work out what the style sheet sets for an element, more particular rules over others, its variables filled in."""
    root, rules = _sheet()
    fitting = sorted((rule for rule in rules if rule.fits(element)), key=lambda rule: (len(rule.classes), rule.tag))
    found: dict[str, str] = {name: value for name, value in root.items() if name.startswith("--")}
    for rule in fitting:
        found |= rule.sets
    return {name: _filled(value, found) for name, value in found.items() if not name.startswith("--")}


def _filled(value: str, variables: Mapping[str, str]) -> str:
    while match := _VARIABLE.search(value):
        value = value.replace(match.group(), variables[match.group(1)])
    return value.removesuffix("px")


@cache
def _sheet() -> tuple[Mapping[str, str], tuple[Rule, ...]]:
    """Read the style sheet's light theme: what it sets for the whole figure, and its rules."""
    root: dict[str, str] = {}
    rules = []
    for selector, body in _RULE.findall(_MEDIA.sub("", STYLE.read_text("utf-8"))):
        sets = dict(_declaration(part) for part in body.split(";") if part.strip())
        _, _, below = selector.strip().partition(" ")
        if below:
            tag, *classes = below.split(".")
            rules.append(Rule(tag, frozenset(classes), sets))
        else:
            root |= sets
    return root, tuple(rules)


def _declaration(part: str) -> tuple[str, str]:
    name, _, value = part.partition(":")
    return name.strip(), value.strip()
