"""Answers made anew: inside a translation (`answers: regenerate`), and as a data set of its own (`prompts_of`, step `regenerate`)."""
