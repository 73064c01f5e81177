"""Seeded random values for property tests: every run sees the same cases, and a failure names the seed of its case."""

import math
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
Generator = Callable[[Random], T]

SEEDS = range(1, 201)

# Where an encoder or a reader takes another branch: JSON's escapes, the ends of the UTF-8 lengths and of the surrogate
# range, a byte order mark, line ends that only some readers know, a combining mark.
_EDGE_CHARACTERS = (
    '"\\/{}[]:,\x00\x08\t\n\r\x1f \x7f\x80\x85\u07ff\u0800\u0301\u2028\ud7ff\ue000\ufeff\uffff😀\U0010ffff'
)
# Zeroes, the ends of the range, and where the ECMAScript form changes to exponents or leaves the safe integers.
_EDGE_FLOATS = (
    *(0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308),
    *(1e-6, 1e-7, 1e20, 1e21, 0.1, 1 / 3, 2.0**53, 2.0**53 + 2, -(2.0**53), 1.5),
)
_EDGE_INTEGERS = (0, 1, -1, 2, 255, 256, 2**31, -(2**31), 2**53 - 1, 2**53, -(2**53))


def for_all(generate: Generator[T], examples: Sequence[T] = ()) -> Callable[[Callable[[T], None]], Callable[[], None]]:
    """Runs a test for each of `examples` and for one generated value per seed.

    The wrapper hides the test's parameter: pytest would look for a fixture of that name.
    """

    def wrap(test: Callable[[T], None]) -> Callable[[], None]:
        def run() -> None:
            for number, example in enumerate(examples):
                _check(test, example, f"example {number}")
            for seed in SEEDS:
                _check(test, generate(Random(seed)), f"seed {seed} of {SEEDS.start} to {SEEDS.stop - 1}")

        run.__name__ = test.__name__
        return run

    return wrap


def _check(test: Callable[[T], None], value: T, name: str) -> None:
    # A test may change what it is given: the value is described before.
    described = repr(value)
    try:
        test(value)
    except (Exception, pytest.fail.Exception) as error:
        error.add_note(f"{name}: {described}")
        raise


def text(random: Random, longest: int = 20) -> str:
    """Any Unicode but lone surrogates, half of it letters so that whole words occur too."""
    return "".join(_character(random) for _ in range(random.randint(0, longest)))


def _character(random: Random) -> str:
    kind = random.randrange(8)
    if kind < 4:
        return chr(random.randint(0x20, 0x7E))
    if kind < 6:
        return random.choice(_EDGE_CHARACTERS)
    code = random.randint(0x80, 0x10FFFF if kind == 6 else 0x2FFF)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def finite_float(random: Random) -> float:
    kind = random.randrange(4)
    if kind == 0:
        return random.choice(_EDGE_FLOATS)
    if kind == 1:
        return round(random.uniform(-1000, 1000), random.randint(0, 6))
    if kind == 2:
        return random.choice((-1, 1)) * random.random() * 10.0 ** random.randint(-30, 30)
    number: float = struct.unpack("<d", random.randbytes(8))[0]
    return number if math.isfinite(number) else 0.0


def integer(random: Random) -> int:
    """Within the integers a double holds exactly."""
    kind = random.randrange(3)
    if kind == 0:
        return random.choice(_EDGE_INTEGERS)
    return random.randint(-100, 100) if kind == 1 else random.randint(-(2**53), 2**53)


def json_value(random: Random, depth: int = 3) -> Any:
    kind = random.randrange(7 if depth > 0 else 5)
    if kind == 0:
        return None
    if kind == 1:
        return random.random() < 0.5
    if kind == 2:
        return integer(random)
    if kind == 3:
        return finite_float(random)
    if kind == 4:
        return text(random)
    if kind == 5:
        return [json_value(random, depth - 1) for _ in range(random.randint(0, 4))]
    return {text(random, 6): json_value(random, depth - 1) for _ in range(random.randint(0, 4))}


def entries(random: Random, keys: Sequence[str], most: int) -> dict[str, Any]:
    """Some of the keys, each with any JSON value."""
    chosen = random.sample(keys, random.randint(0, min(most, len(keys))))
    return {key: json_value(random) for key in chosen}
