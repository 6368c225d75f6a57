"""Lossless segments: a text is split into what is translated and a template, and rendered back byte for byte."""

from translate.segments.document import Document, render
from translate.segments.fitting import fitted
from translate.segments.markdown import Code, split

__all__ = ["Code", "Document", "fitted", "render", "split"]
