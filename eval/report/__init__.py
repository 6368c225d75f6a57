"""The report of a run: what its steps recorded, laid out as one page, one Markdown file and figures."""
