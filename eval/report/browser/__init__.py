"""The report's look into single answers: every prompt, what each model said to it, and every verdict on that."""
