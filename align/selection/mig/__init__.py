"""Information gain on a label graph (MIG, arXiv 2504.13835): `pick` selects rows, exactly and in seconds."""

from align.selection.mig.method import pick

__all__ = ["pick"]
