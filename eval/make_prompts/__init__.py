"""Writes verifiable IFEval prompts in a language from its own documents and the templates of its pack."""
