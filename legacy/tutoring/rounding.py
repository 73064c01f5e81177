"""Rounding as contract G2 fixes it; a library's "round" would differ at the halves."""

import math


def rn(value: float, digits: int) -> float:
    factor = 10.0**digits
    return math.floor(value * factor + 0.5) / factor


def r1(value: float) -> float:
    return rn(value, 1)


def r4(value: float) -> float:
    return rn(value, 4)
