"""A recipe in miniature (`kielo run --miniature`): random weights of the same architecture, a few rows of the pocket world, every step really run."""

from __future__ import annotations

from kielo.miniature.data import ROWS
from kielo.miniature.making import make_miniature
from kielo.miniature.recipe import miniature_name, miniature_recipe, notice

__all__ = ["ROWS", "make_miniature", "miniature_name", "miniature_recipe", "notice"]
