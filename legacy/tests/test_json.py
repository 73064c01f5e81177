import json
import math

import pytest

from tests.generators import finite_float, for_all, json_value
from tutoring.jsonwire import InvalidJson, canonical, dumps, es_number, fingerprint, parse


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-1.5, "-1.5"), (1e21, "1e+21"), (1e20, "100000000000000000000"),
        (1e-6, "0.000001"), (1e-7, "1e-7"), (123456789.125, "123456789.125"), (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"), (333333333.33333329, "333333333.3333333"),
        (9007199254740991, "9007199254740991"), (0.1, "0.1"), (100, "100"), (1.5e300, "1.5e+300"),
    ],
)  # fmt: skip
def test_numbers_take_the_ecmascript_form(number: float, text: str) -> None:
    assert es_number(number) == text


@for_all(finite_float)
def test_a_canonical_number_reads_back_as_the_same_double(number: float) -> None:
    assert float(es_number(number)) == number


@for_all(json_value)
def test_canonical_json_is_json_of_the_same_value_and_stable(value: object) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert fingerprint(value) == fingerprint(json.loads(dumps(parse(text))))


def test_keys_are_sorted_by_utf16_code_unit() -> None:
    value = {"\U0001f600": 1, "\ufb33": 2, "\u00e9": 3, "a": 4, "1": 5}
    assert list(json.loads(canonical(value))) == ["1", "a", "\u00e9", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        '{"a":-Infinity}',
        "1e999",
        "",
        "{",
        "01",
        "'a'",
        "\ufeff{}",
        "[" * 201,
        "9" * 400,
    ],
)
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidJson):
        parse(text)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(InvalidJson):
        parse(b'"\xff"')


def test_lone_surrogates_become_replacement_characters_and_pairs_stay() -> None:
    assert parse('{"\\ud800":["\\udc00x","\\ud83d\\ude00"]}') == {"\ufffd": ["\ufffdx", "😀"]}


def test_the_last_of_two_equal_keys_wins() -> None:
    assert parse('{"a":1,"a":2}') == {"a": 2}


def test_deep_brackets_inside_a_text_are_no_nesting() -> None:
    assert parse(json.dumps("[" * 1000)) == "[" * 1000


def test_output_never_holds_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(math.nan)
