"""What information a label holds, phi(x), and what more of it is worth: phi'(x) and phi(x + d) - phi(x)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from align.selection.pool import Floats
from kielo.schema.selection import Mig


@dataclass(frozen=True)
class Form:
    """phi: power (x + offset)^exponent, or exponential 1 - exp(-rate x); concave both, so that what is there makes more worth less.

    Slopes and differences are computed number by number in C's own functions, which numba calls too: numpy's for whole
    arrays differ in the last bit, and equal rows would not stay equal.
    """

    power: bool
    exponent: float
    offset: float
    rate: float

    def value(self, x: Floats) -> float:
        """Give the information of labels that hold x, together: E of the paper."""
        return float(np.sum((x + self.offset) ** self.exponent if self.power else -np.expm1(-self.rate * x)))

    def slopes(self, x: Sequence[float]) -> list[float]:
        """Give phi'(x) of each."""
        if self.power:
            less = self.exponent - 1.0
            return [self.exponent * math.pow(each + self.offset, less) for each in x]
        return [self.rate * math.exp(-(self.rate * each)) for each in x]

    def differences(self, x: Sequence[float], more: Sequence[float]) -> list[float]:
        """Give phi(x + more) - phi(x) of each, without the loss that the subtraction would bring."""
        if self.power:
            power, offset = self.exponent, self.offset
            return [
                math.pow(each + offset, power) * math.expm1(power * math.log1p(add / (each + offset)))
                for each, add in zip(x, more, strict=True)
            ]
        return [
            -(math.exp(-(self.rate * each)) * math.expm1(-(self.rate * add))) for each, add in zip(x, more, strict=True)
        ]

    def from_nothing(self, more: Floats) -> Floats:
        """Give phi(more) - phi(0), to numpy's precision."""
        if self.power:
            return np.asarray(self.offset**self.exponent * np.expm1(self.exponent * np.log1p(more / self.offset)))
        return np.asarray(-np.expm1(-self.rate * more))


def form_of(settings: Mig) -> Form:
    """Take the form of phi from the settings."""
    return Form(settings.information == "power", settings.exponent, settings.offset, settings.rate)
