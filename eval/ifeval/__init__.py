"""IFEval: 25 kinds of verifiable instruction, checked once for every language; the language comes in as data."""
