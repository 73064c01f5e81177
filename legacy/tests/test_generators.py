from random import Random

import pytest

from tests.generators import SEEDS, finite_float, for_all, json_value, text


def test_a_seed_always_gives_the_same_value() -> None:
    assert [repr(json_value(Random(seed))) for seed in SEEDS] == [repr(json_value(Random(seed))) for seed in SEEDS]


def test_a_failure_names_its_seed_and_its_value() -> None:
    @for_all(lambda random: random.randint(0, 9))
    def is_small(number: int) -> None:
        assert number < 5

    with pytest.raises(AssertionError) as failed:
        is_small()
    seed = next(seed for seed in SEEDS if Random(seed).randint(0, 9) >= 5)
    assert failed.value.__notes__ == [f"seed {seed} of 1 to 200: {Random(seed).randint(0, 9)}"]


def test_every_example_and_every_seed_is_run_once() -> None:
    seen: list[int] = []
    for_all(lambda random: 0, examples=[7, 8])(seen.append)()
    assert seen == [7, 8, *([0] * len(SEEDS))]


def test_the_cases_reach_every_kind_of_value() -> None:
    kinds = {type(json_value(Random(seed))) for seed in SEEDS}
    assert kinds == {type(None), bool, int, float, str, list, dict}
    letters = "".join(text(Random(seed)) for seed in SEEDS)
    assert {'"', "\\", "\n", "\x00"} <= set(letters) and max(map(ord, letters)) > 0xFFFF
    assert not any(0xD800 <= ord(letter) <= 0xDFFF for letter in letters)
    exponents = [abs(finite_float(Random(seed))) for seed in SEEDS]
    assert max(exponents) > 1e100 and 0 < min(filter(None, exponents)) < 1e-100
