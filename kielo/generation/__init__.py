"""Text generation for every stage: one protocol, three engines behind it, and a store that never asks twice."""
