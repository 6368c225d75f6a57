"""A data set of a run as others load it: Parquet and JSONL in trainers' formats, with a card; `kielo publish` shares it."""
