"""Checks of a translation against its source: evidence that something went wrong, without knowing the languages."""

from translate.checks.checker import Checker, make_checker
from translate.checks.findings import Direction, Evidence, Finding, Item, Level
from translate.checks.profiles import PROFILES

__all__ = ["PROFILES", "Checker", "Direction", "Evidence", "Finding", "Item", "Level", "make_checker"]
