"""How often one model's answer is scored above another's, from scores that were given answer by answer."""

from eval.preference_rates.rates import Flips, Rate, Rates, flips, rates

__all__ = ["Flips", "Rate", "Rates", "flips", "rates"]
