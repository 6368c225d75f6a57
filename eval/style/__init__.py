"""The style of answers, read from their Markdown: counts of an answer, means over answers, and what a tuned model took over."""

from eval.style.counts import MARKS, Style, count
from eval.style.inheritance import Ratio, inheritance
from eval.style.profiles import Estimate, Profile, Texts, profile, profile_of

__all__ = ["MARKS", "Estimate", "Profile", "Ratio", "Style", "Texts", "count", "inheritance", "profile", "profile_of"]
