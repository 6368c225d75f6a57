"""Language models as judges of open answers: who wins against a baseline and what an answer is worth, with all that speaks against it."""
