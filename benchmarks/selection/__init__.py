"""Times the selection of rows: `python -m benchmarks.selection`."""
