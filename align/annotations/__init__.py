"""What selections know of the rows: labels, scores, vectors, instruction-following difficulty; step `annotate`."""
