"""What counts as a change (contract rest.md §7)."""

from random import Random
from typing import Any

import pytest

from tests.generators import for_all
from tests.support.feed import (
    change,
    drawing,
    folder,
    message,
    session,
)
from tutoring.ids import derived
from tutoring.store.change import Unfit, read_change
from tutoring.store.numbering import TRIES_MAX, Numbers


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("text", "not an object"),
        ({"kind": "jobs"}, "unknown kind"),
        ({"kind": []}, "unknown kind"),
        ({"op": "replace"}, "op is neither upsert nor delete"),
        ({"key": "no/such"}, "the key is not the key of data"),
        ({"key": ""}, "the key does not fit the kind"),
        ({"key": "x" * 37}, "id has the wrong type or is too large"),
        ({"user_id": ""}, "user_id is not a text of 1 to 128 characters"),
        ({"user_id": "another"}, "user_id is not the user of data"),
        ({"version": 0}, "version is not a whole number from 1"),
        ({"version": True}, "version is not a whole number from 1"),
        ({"version": 1.5}, "version is not a whole number from 1"),
        ({"origin": "control"}, "origin is not an arm"),
        ({"at": None}, "at is not a time in ms"),
        ({"seen": -1}, "seen is not a whole number from 0"),
        ({"data": None}, "an upsert without data"),
        ({"data": {"id": "f"}}, "data has no user_id"),
        ({"name": 5}, "name has the wrong type or is too large"),
        ({"name": None}, "name is null"),
        ({"created_at": "now"}, "created_at has the wrong type or is too large"),
        ({"created_at": 2**60}, "created_at has the wrong type or is too large"),
    ],
)
def test_what_is_no_change_is_named(wrong: Any, reason: str) -> None:
    good = folder("f", "u")
    given: Any = wrong
    if isinstance(wrong, dict):
        inside = {key: value for key, value in wrong.items() if key in good["data"] and key != "user_id"}
        given = {**good, "data": {**good["data"], **inside}, **{k: v for k, v in wrong.items() if k not in inside}}
    with pytest.raises(Unfit) as unfit:
        read_change(given)
    assert str(unfit.value) == reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (message("s", -1, "u"), "the key does not fit the kind"),
        ({**message("s", 1, "u"), "key": "s/01"}, "the key does not fit the kind"),
        (message("s", 2**31, "u"), "turn_no has the wrong type or is too large"),
        (drawing("s", 1, "u", [5]), "actions_json is not a list of objects"),  # type: ignore[list-item]
        (session("s", "u", [1]), "context is not an object"),  # type: ignore[arg-type]
        (change("yjs_snapshots", "s", "u", {"session_id": "s", "state": "*", "updated_at": 1}), "state is not base64"),
    ],
)
def test_what_no_column_takes_is_named(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unfit) as unfit:
        read_change(given)
    assert str(unfit.value) == reason


def test_extra_keys_are_ignored_and_whole_numbers_may_have_a_point() -> None:
    given = folder("f", "u", version=2.0, more=1)
    given["data"] |= {"created_at": 5.0, "more": 1}
    found = read_change(given)
    assert found.stamp.version == 2 and found.data is not None
    assert (found.data["created_at"], "more" in found.data) == (5, False)


def orders(random: Random) -> list[int]:
    numbers = list(range(1, random.randint(2, 60)))
    random.shuffle(numbers)
    return numbers


@for_all(orders)
def test_numbers_are_found_whatever_the_order(order: list[int]) -> None:
    numbers = Numbers("log", "s", 0)
    assert [numbers.find(derived("log", "s", number)) for number in order] == order


def test_a_number_is_sought_near_the_highest_and_then_below() -> None:
    assert Numbers("log", "s", 5).find(derived("log", "s", 5 + TRIES_MAX)) == 5 + TRIES_MAX
    assert Numbers("log", "s", 5).find(derived("log", "s", 6 + TRIES_MAX)) is None
    assert Numbers("log", "s", 5).find(derived("log", "s", 1)) == 1
