"""What makes a score believable: intervals over prompts, paired tests between models, corrections for many tests at once."""

from eval.statistics.bootstrap import Outcomes, clustered_interval, mean_interval
from eval.statistics.comparison import Comparison, compare
from eval.statistics.exact import LEVEL, Interval, holm, mcnemar, sign_test, wilson
from eval.statistics.paired import FEWEST, Paired, Verdict, paired

__all__ = [
    "FEWEST", "LEVEL", "Comparison", "Interval", "Outcomes", "Paired", "Verdict", "clustered_interval", "compare",
    "holm", "mcnemar", "mean_interval", "paired", "sign_test", "wilson",
]  # fmt: skip
