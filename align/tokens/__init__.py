"""Conversations as tokens with loss masks, counted; and the rows of a training that stand in a benchmark."""
