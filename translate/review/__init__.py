"""Seeing it: the review page of a translation, and the reviewer's verdicts that the next run honours."""
