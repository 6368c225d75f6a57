"""Analysis of whole runs (`kielo analyse`): how alike models answer, in which style, what they took over from whom, who is preferred."""
