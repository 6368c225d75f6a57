"""Preference pairs: which are asked for, their tokens, what the reference says of them, and the trainer that reads them."""
