"""Sharing what a run made: its licence, a look for personal data, the published folder, the Hub; stages put data sets and models in."""
