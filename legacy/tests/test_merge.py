"""Merging boards of two arms: nothing is lost, and both see who has what, deletions too (handoff.md §7.2 Y1)."""

from random import Random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from tests.generators import for_all
from tests.test_boards import Client
from tutoring.board.content import plain
from tutoring.board.document import BoardDocument, InvalidUpdate
from tutoring.board.extent import Extent, read_extent
from tutoring.board.merge import merge_states

KEYS = ("a", "b", "c")


class Replica:
    """A board and which edits of the history it has seen."""

    def __init__(self) -> None:
        self.client = Client()
        self.seen: set[bytes] = set()

    def edit(self, random: Random) -> None:
        objects, key = self.client.objects, random.choice(KEYS)
        before = len(self.client.updates)
        kind = random.randrange(5)
        if kind == 0 and key in objects:
            del objects[key]
        elif kind == 1:
            objects[key] = Text("text")
        elif kind == 2 and isinstance(objects.get(key), Text):
            written: Text = objects[key]
            del written[0 : random.randint(0, len(written))]
            written.insert(0, random.choice(("x", "yz")))
        elif kind == 3:
            self.client.ephemeral[key] = {"n": random.randrange(3)}
        else:
            objects[key] = {"n": random.randrange(3)}
        self.seen |= set(self.client.updates[before:])

    def hear(self, other: "Replica") -> None:
        self.client.apply(other.state)
        self.seen |= other.seen

    @property
    def state(self) -> bytes:
        return bytes(self.client.doc.get_update())

    def reload(self) -> None:
        """As an arm does at a restart: from its encoding alone."""
        fresh = Client()
        fresh.apply(self.state)
        fresh.updates.clear()
        self.client = fresh


def history(random: Random) -> tuple[Replica, Replica]:
    replicas = [Replica() for _ in range(random.randint(2, 4))]
    for _ in range(random.randint(0, 30)):
        one, other = random.sample(replicas, 2)
        for _ in range(random.randint(0, 3)):
            one.edit(random)
        if random.random() < 0.4:
            one.hear(other)
        if random.random() < 0.1:
            one.reload()
    if random.random() < 0.5:
        replicas[0].hear(replicas[1])
    return replicas[0], replicas[1]


def extent(state: bytes) -> Extent:
    return BoardDocument(state).extent()


def json_of(state: bytes) -> Any:
    return BoardDocument(state).plain()


@for_all(history)
def test_a_merge_tells_who_had_what(pair: tuple[Replica, Replica]) -> None:
    stored, arrived = pair
    merged = merge_states(stored.state, arrived.state)
    # Applying what one lacks is what changes it: the ground truth needs no comparison of states.
    one, other = Client(), Client()
    one.apply(stored.state)
    other.apply(arrived.state)
    before_one, before_other = len(one.updates), len(other.updates)
    one.apply(arrived.state)
    other.apply(stored.state)
    assert (merged.news is not None) == any(update != b"\x00\x00" for update in one.updates[before_one:])
    assert merged.is_complete == (not any(update != b"\x00\x00" for update in other.updates[before_other:]))
    if merged.news is not None:
        here = Client()
        here.apply(stored.state, merged.news)
        assert extent(bytes(here.doc.get_update())) == extent(merged.state)
    if arrived.seen <= stored.seen:
        assert merged.news is None
    if stored.seen <= arrived.seen:
        assert merged.is_complete


@for_all(history)
def test_both_arms_end_with_the_same_board(pair: tuple[Replica, Replica]) -> None:
    one, other = pair[0].state, pair[1].state
    here, there = merge_states(one, other), merge_states(other, one)
    assert extent(here.state) == extent(there.state)
    assert json_of(here.state) == json_of(there.state)
    # What comes back from the other arm adds nothing, however it is cut into parts.
    again = merge_states(here.state, there.state)
    assert (again.news, again.is_complete) == (None, True)
    for side in (one, other):
        old = merge_states(here.state, side)
        assert old.news is None and merge_states(side, here.state).is_complete


def test_a_missing_deletion_is_seen_although_the_state_vectors_are_equal() -> None:
    client = Client()
    client.set("a", {"n": 1})
    before = bytes(client.doc.get_update())
    vector = client.doc.get_state()
    del client.objects["a"]
    after = bytes(client.doc.get_update())
    assert client.doc.get_state() == vector
    deletion = merge_states(before, after)
    assert deletion.news is not None and deletion.is_complete
    assert json_of(deletion.state)["objects"] == {}
    old = merge_states(after, before)
    assert (old.news, old.is_complete) == (None, False)


def test_an_absent_board_takes_what_comes() -> None:
    client = Client()
    client.set("a", 1)
    merged = merge_states(None, client.doc.get_update())
    assert merged.news == merged.state and merged.is_complete
    assert json_of(merged.state)["objects"] == {"a": 1}


@pytest.mark.parametrize("update", [b"", b"\x05broken", b"\xff\xff\xff\xff\x0f"])
def test_what_is_no_update_is_refused(update: bytes) -> None:
    with pytest.raises(InvalidUpdate):
        merge_states(None, update)


def test_ranges_that_touch_are_one() -> None:
    # One client (7), deleted 0-2, 2-3 and 5-6, then its 9 parts; another with nothing.
    snapshot = bytes([1, 7, 3, 5, 1, 0, 2, 2, 1, 2, 7, 9, 8, 0])
    assert read_extent(snapshot) == Extent({7: 9}, {7: ((0, 3), (5, 6))})


def test_every_value_of_a_board_has_a_plain_form() -> None:
    doc: Doc[Any] = Doc()
    objects: Map[Any] = doc.get("objects", type=Map)
    objects["nested"] = Map({"list": Array([1, Text("t")])})
    objects["bytes"] = b"ab"
    objects["numbers"] = [float("nan"), float("inf"), 1.5, None, True]
    expected = {"nested": {"list": [1, "t"]}, "bytes": "YWI=", "numbers": [None, None, 1.5, None, True]}
    assert json_of(doc.get_update()) == {"objects": expected, "ephemeral": {}}
    assert plain(("x", {1: object}))[1]["1"].startswith("<class")
