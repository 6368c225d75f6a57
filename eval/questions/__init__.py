"""What can be said without a judge of a model's answers to open questions: language, repetition, echo, fluency proxies, length."""
