"""How alike the answers of several models are: word overlap, longest common subsequences and character n-grams, in any script."""

from eval.similarity.compare import DEFAULT_METRICS, Estimate, NoSharedPrompt, Similarity, compare
from eval.similarity.published import EFFECTIVE_PROMPTS, Average, published

__all__ = [
    "DEFAULT_METRICS", "EFFECTIVE_PROMPTS", "Average", "Estimate", "NoSharedPrompt", "Similarity", "compare", "published",
]  # fmt: skip
