"""Evaluation: responses are scored here, file by file, after training and before the report."""
