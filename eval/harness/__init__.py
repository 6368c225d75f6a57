"""The bridge to lm-evaluation-harness: a task folder whose answers Kielo's checkers judge."""
