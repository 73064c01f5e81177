"""Merging boards of the other arm into the store (contract rest.md §7)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.feed import (
    applied,
    board,
    book,
    change,
    check_books,
    fresh_id,
    merged,
    session,
)
from tests.test_boards import Client
from tutoring.board.document import BoardDocument, InvalidUpdate
from tutoring.store import boards, sessions
from tutoring.store.engine import Store

Run = Callable[[Callable[[Store], Awaitable[Any]]], Any]


async def stored_board(store: Store, sid: str) -> tuple[dict[str, Any], tuple[int, str]]:
    async with store.read() as tx:
        await check_books(tx)
        found = await book(tx, "yjs_snapshots", sid)
        assert found is not None
        return BoardDocument(await boards.load(tx, sid)).plain()["objects"], found.stamp.rank


def state_of(client: Client) -> bytes:
    return bytes(client.doc.get_update())


def test_boards_are_merged_whatever_their_version(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid, ours, theirs = fresh_id(), Client(), Client()
        assert (await merged(store, board(sid, user, b"\x00\x00")))[0][2][0].startswith("later: ")
        async with store.write() as tx:
            await sessions.add(tx, sid, user, None, {})
        theirs.set("a", {"n": 1})
        # All of it is theirs.
        assert (await merged(store, board(sid, user, state_of(theirs), version=4)))[0] == (1, 0, [], 0)
        assert await stored_board(store, sid) == ({"a": {"n": 1}}, (4, "candidate"))
        # The same again, and with a later stamp.
        assert await merged(store, board(sid, user, state_of(theirs), version=4)) == ((0, 1, [], 0), None)
        assert (await merged(store, board(sid, user, state_of(theirs), version=5)))[0] == (1, 0, [], 0)
        assert (await stored_board(store, sid))[1] == (5, "candidate")
        # Both had something: a write of our own.
        ours.apply(state_of(theirs))
        ours.set("b", {"n": 2})
        async with store.write() as tx:
            await boards.save(tx, sid, state_of(ours))
        theirs.set("c", {"n": 3})
        outcome, news = await merged(store, board(sid, user, state_of(theirs), version=6))
        assert outcome == (1, 0, [], 0) and news is not None
        ours.apply(news)
        state = state_of(ours)
        both = {"a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3}}
        assert await stored_board(store, sid) == (both, (7, "legacy"))
        # The other arm did the same at its side: both end with one stamp.
        assert (await merged(store, board(sid, user, state, version=7)))[0] == (0, 1, [], 0)
        assert (await merged(store, board(sid, user, state, version=8)))[0] == (1, 0, [], 0)
        # Nothing new in an old state, whatever its version says.
        assert (await merged(store, board(sid, user, state_of(theirs), version=99)))[0] == (0, 1, [], 0)
        assert await stored_board(store, sid) == (both, (8, "candidate"))

    with_store(work)


def test_a_deletion_alone_is_merged_and_a_later_stamp_stays(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid, theirs = fresh_id(), Client()
        async with store.write() as tx:
            await sessions.add(tx, sid, user, None, {})
        theirs.set("a", {"n": 1})
        await merged(store, board(sid, user, state_of(theirs), version=9))
        del theirs.objects["a"]
        # Its version is lower, but it holds all of ours and a deletion more.
        assert (await merged(store, board(sid, user, state_of(theirs), version=2)))[0] == (1, 0, [], 0)
        assert await stored_board(store, sid) == ({}, (9, "candidate"))

    with_store(work)


def test_a_board_that_cannot_be_read_or_is_gone_is_not_taken(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid = fresh_id()
        await applied(store, session(sid, user))
        with pytest.raises(InvalidUpdate):
            await merged(store, board(sid, user, b"\x05broken"))
        await applied(store, change("yjs_snapshots", sid, user, None, version=3))
        assert (await merged(store, board(sid, user, b"\x00\x00", version=3)))[0] == (0, 1, [], 0)
        assert (await merged(store, board(sid, user, b"\x00\x00", version=4)))[0] == (1, 0, [], 0)
        await applied(store, change("sessions", sid, user, None, version=2))
        assert (await merged(store, board(sid, user, b"\x00\x00", version=9)))[0] == (0, 1, [], 0)

    with_store(work)
