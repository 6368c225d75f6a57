"""The verbs of the command line that put rooms together; `kielo/cli.py` lists them all."""
