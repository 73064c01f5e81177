import uuid
from random import Random

import pytest

from tests.generators import for_all
from tutoring import clock, ids
from tutoring.rounding import r4, rn
from tutoring.text import ascii_lower, is_blank, trim, without_surrogates

_ID = "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10"


def ids_in_either_case(random: Random) -> tuple[uuid.UUID, bool]:
    return uuid.UUID(int=random.getrandbits(128)), random.random() < 0.5


@for_all(ids_in_either_case)
def test_four_spellings_of_an_id_mean_the_same(given: tuple[uuid.UUID, bool]) -> None:
    value, is_upper = given
    text = str(value)
    for spelling in (text, value.hex, f"{{{text}}}", f"urn:uuid:{text}"):
        assert ids.canonical_uuid(spelling.upper() if is_upper else spelling) == text


@pytest.mark.parametrize(
    "text", [f" {_ID}", f"{_ID}\n", f"{{{_ID.replace('-', '')}}}", f"urn:uuid:{_ID[:-1]}", "", "x", f"{{{_ID}"]
)
def test_other_spellings_are_refused(text: str) -> None:
    assert ids.canonical_uuid(text) is None


def test_derived_ids_are_uuid5_of_the_joined_parts() -> None:
    namespace = uuid.UUID("94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e")
    assert ids.did("log", _ID, 3) == str(uuid.uuid5(namespace, f"log:{_ID}:3"))
    assert ids.did8("draw", _ID, 2, 0) == ids.did("draw", _ID, 2, 0)[:8]
    assert ids.kid("folder", "u", "/api/v1/folders/", "k") == ids.did("folder", "u", "/api/v1/folders/", "k")
    assert uuid.UUID(ids.kid("folder", "u", "/p", None)).version == 4


@pytest.mark.parametrize(
    ("value", "digits", "expected"), [(0.125, 2, 0.13), (-0.125, 2, -0.12), (2.5, 0, 3), (1.00005, 4, 1.0001)]
)
def test_halves_are_rounded_up(value: float, digits: int, expected: float) -> None:
    assert rn(value, digits) == expected


def test_four_digits_is_the_rounding_of_places() -> None:
    assert r4(0.05 + 0.6 * 0.9) == 0.59


def test_blank_is_the_list_of_the_contract_and_nothing_else() -> None:
    assert is_blank("\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff")
    for visible in ("\u200b", "\x1c", "\x1f", "\u180e", "\u2060", "\x00"):
        assert not is_blank(visible)
    assert trim("\ufeff a b\u3000") == "a b"


def test_folding_touches_ascii_only() -> None:
    assert ascii_lower("AZÄİ") == "azÄİ"


def test_surrogates_are_replaced_one_by_one() -> None:
    assert without_surrogates("a\ud800\udfffb") == "a\ufffd\ufffdb"


def test_times_are_truncated_to_milliseconds_and_rendered_in_utc() -> None:
    assert clock.ts(1767323045678) == "2026-01-02T03:04:05.678000+00:00"
    assert clock.naive(1767323045000) == "2026-01-02T03:04:05"
    assert clock.naive(1767323045678) == "2026-01-02T03:04:05.678000"
    assert clock.ts_or_none(None) is None
