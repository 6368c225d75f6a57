"""The translation stage: rows of any published format become records, and records become the target language."""
