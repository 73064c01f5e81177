from random import Random
from typing import Any

import pytest
from pycrdt import Doc, Map

from tests.generators import entries, for_all
from tutoring.board.content import BoardContent
from tutoring.board.document import BoardDocument, InvalidUpdate
from tutoring.board.helpers import SpatialIndex, compress_board_objects
from tutoring.board.insights import board_insights
from tutoring.board.summary import board_summary


class Client:
    """A board as a client keeps it."""

    def __init__(self) -> None:
        self.doc: Doc[Any] = Doc()
        self.objects: Map[Any] = self.doc.get("objects", type=Map)
        self.ephemeral: Map[Any] = self.doc.get("ephemeral", type=Map)
        self.updates: list[bytes] = []
        self._subscription = self.doc.observe(lambda event: self.updates.append(event.update))

    def set(self, key: str, value: Any) -> bytes:
        self.objects[key] = value
        return self.updates[-1]

    def apply(self, *updates: bytes) -> None:
        for update in updates:
            self.doc.apply_update(update)


def content(objects: dict[str, Any], ephemeral: dict[str, Any] | None = None) -> BoardContent:
    return BoardContent(objects, ephemeral or {}, has_objects=bool(objects))


def test_an_empty_document_is_two_zero_bytes() -> None:
    assert BoardDocument(None).state() == b"\x00\x00"


def test_objects_a_client_claims_for_the_tutor_become_the_users() -> None:
    client, board = Client(), BoardDocument(None)
    changed = board.apply(client.set("a", {"kind": "rect", "metadata": {"source": "assistant", "role": "x"}}))
    changed |= board.apply(client.set("b", {"metadata": 5}))
    made = board.mark_as_users(changed, set())
    client.apply(*made)
    assert client.objects.to_py() == {
        "a": {"kind": "rect", "metadata": {"source": "user", "role": "x"}},
        "b": {"metadata": {"source": "user"}},
    }
    assert board.content().objects == client.objects.to_py()


def test_the_servers_own_objects_and_the_users_stay_untouched() -> None:
    client, board = Client(), BoardDocument(None)
    changed = board.apply(client.set("mcq-1", {"metadata": {"source": "assistant"}}))
    changed |= board.apply(client.set("mine", {"metadata": {"source": "user"}}))
    changed |= board.apply(client.set("text", "no object"))
    assert changed == {"mcq-1", "mine", "text"}
    assert board.mark_as_users(changed, {"mcq-1"}) == []


def test_only_changed_keys_are_reported_and_deletions_are_not() -> None:
    client, board = Client(), BoardDocument(None)
    board.apply(client.set("a", {"n": 1}))
    assert board.apply(client.set("b", {"n": 2})) == {"b"}
    del client.objects["a"]
    assert board.apply(client.updates[-1]) == set()


def test_an_update_that_comes_before_what_it_needs_is_kept() -> None:
    client, board = Client(), BoardDocument(None)
    first, second = client.set("a", {"n": 1}), client.set("b", {"n": 2})
    board.apply(second)
    again = BoardDocument(board.state())
    again.apply(first)
    assert again.content().objects == {"a": {"n": 1}, "b": {"n": 2}}


HOSTILE = [
    b"\x80\x80\x80<",
    b"\xff\xff\xff\xff\x0f",
    b"\x01\xff\xff\xff\xff\x0f\x01\x00",
    b"\x01\x01\x01\x00\x28\x01\x01o\x01k\x01" + b"u\x01" * 5000,
]


def updates(random: Random) -> bytes:
    """Bytes alone hardly ever get past the first number: half of the cases are a real update with some changed."""
    if random.random() < 0.5:
        return random.randbytes(random.randint(0, 60))
    damaged = bytearray(Client().set("a", entries(random, ["kind", "x", "metadata"], 3)))
    damaged[random.randrange(len(damaged))] = random.randrange(256)
    return bytes(damaged[: random.randint(1, len(damaged))] if random.random() < 0.3 else damaged)


@for_all(updates, examples=HOSTILE)
def test_no_bytes_break_the_document(update: bytes) -> None:
    board = BoardDocument(None)
    try:
        board.apply(update)
    except InvalidUpdate:
        assert board.state() == b"\x00\x00"


def test_a_stored_state_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(InvalidUpdate):
        BoardDocument(b"\x05broken")


def test_expired_entries_are_collected_as_one_update() -> None:
    client, board = Client(), BoardDocument(None)
    client.ephemeral["old"] = {"metadata": {"expiresAt": 999}}
    client.ephemeral["older"] = {"metadata": {"expiresAt": 1}}
    client.ephemeral["edge"] = {"metadata": {"expiresAt": 1000}}
    client.ephemeral["tag"] = {"kind": "question_tag", "metadata": {"expiresAt": "1"}}
    for update in list(client.updates):
        board.apply(update)
    made = board.collect_expired(1000)
    client.apply(*made)
    assert len(made) == 1 and set(client.ephemeral.keys()) == {"edge", "tag"}
    assert board.collect_expired(1000) == []


def test_the_summary_of_an_empty_board_has_three_keys() -> None:
    expired = {"p": {"kind": "pointer_ping", "metadata": {"expiresAt": 5}}}
    empty = {"counts": {"by_kind": {}, "by_owner": {}}, "learner_question_tags": [], "concept_clusters": []}
    assert board_summary(content({}), 10) == empty
    assert board_summary(content({}, expired), 10) == empty
    assert "ephemeralSummary" in board_summary(content({}, expired), 5)


def test_the_summary_counts_boxes_and_tags() -> None:
    objects = {
        "q1": {"kind": "text", "x": 4, "metadata": {"role": "question_tag", "source": "user"}},
        "a": {"kind": "rect", "x": "1.5", "y": 0, "width": 10, "height": 5, "metadata": {"concept": "osmosis"}},
        "b": {"kind": 5, "x": -1, "metadata": {"concept": "osmosis", "source": "assistant"}},
        "c": {"x": "10%", "metadata": {"concept": "osmosis"}},
        "d": {"metadata": {"concept": " "}},
    }
    ephemeral = {
        "h": {"kind": "highlight_stroke"},
        "t": {"kind": "question_tag", "metadata": {"linkedObjectId": "a"}},
        "p1": {"kind": "pointer_ping", "x": 1, "metadata": {"expiresAt": 20}},
        "p2": {"kind": "pointer_ping", "x": 2, "y": 3, "metadata": {"expiresAt": 20}},
    }
    summary = board_summary(content(objects, ephemeral), 10)
    assert summary["counts"]["by_kind"] == {"text": 1, "rect": 1, "unknown": 3}
    assert summary["counts"]["by_owner"] == {"user": 1, "unknown": 3, "assistant": 1}
    assert summary["learner_question_tags"] == [
        {"id": "q1", "x": 4, "y": None, "meta": {"role": "question_tag", "source": "user"}}
    ]
    assert summary["concept_clusters"] == [{"concept": "osmosis", "bbox": [-1.0, 0.0, 11.5, 5.0], "count": 2}]
    assert summary["ephemeralSummary"] == {
        "activeHighlights": 1,
        "activeQuestionTags": [{"id": "t", "linkedObjectId": "a"}],
        "recentPointer": {"x": 2, "y": 3, "meta": {"expiresAt": 20}},
    }


def test_insights_measure_coverage_and_overlaps() -> None:
    objects = {
        "a": {
            "x": 0,
            "y": 0,
            "width": 88,
            "height": 168,
            "text": "é😀",
            "metadata": {"source": "user", "concept": "b"},
        },
        "b": {"x": 88, "y": 0, "width": 10, "height": 10, "metadata": {"concept": "a"}},
        "c": {"x": 90, "y": 5, "width": 10, "height": 10, "metadata": {"concept": "b"}},
        "d": {"x": "1", "y": 0, "width": 1, "height": 1},
    }
    assert board_insights(content(objects), 3) == {
        "object_count": 4,
        "text_chars": 2,
        "coverage": 0.0101,
        "overlaps": 1,
        "concepts": [{"concept": "b", "count": 2}, {"concept": "a", "count": 1}],
        "learner_share": 0.25,
        "snapshot_count": 3,
    }


def test_the_index_matches_touching_boxes_in_insertion_order() -> None:
    index = SpatialIndex()
    index.add("b", {"x": 10, "y": 0, "width": 5, "height": 5})
    index.add("a", {"x": 0, "y": 0, "width": 10, "height": 10})
    index.add("pct", {"xPct": 0.1, "yPct": 0.1})
    assert index.query(10, 5, 0, 0) == ["b", "a"]
    index.add("b", {"x": 100, "y": 100})
    assert index.query(0, 0, 50, 50) == ["a"]
    index.remove("a")
    assert index.query(0, 0, 500, 500) == ["b"]
    index.clear()
    assert index.query(0, 0, 500, 500) == []


def test_compression_keeps_ids_tags_and_boxes() -> None:
    objects = [
        {"id": "a", "metadata": {"semantic_tags": ["x"], "bbox": [0, 1, 2, 3]}},
        {"id": "b", "metadata": {"semantic_tags": [], "bbox": [1]}},
        {"id": ""}, {"kind": "rect"}, "text",
    ]  # fmt: skip
    assert compress_board_objects(objects) == [{"id": "a", "tags": ["x"], "bbox": [0, 1, 2, 3]}, {"id": "b"}]
    assert compress_board_objects(objects, "everything") == []
