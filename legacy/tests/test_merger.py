"""Merging large boards: what it says is the same, and nobody waits for it (handoff.md §7.2 Y5)."""

import asyncio
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.feed import board, fresh_id, session
from tests.support.internal import give
from tests.support.service import Service, environment
from tests.test_boards import Client
from tests.test_hub import Peer
from tests.test_whiteboard_socket import MINE
from tutoring import intake, intake_boards
from tutoring.board import apart
from tutoring.board.document import BoardDocument, InvalidUpdate
from tutoring.board.extent import Extent
from tutoring.board.merge import Merged, merge_states
from tutoring.board.merger import Merger
from tutoring.config import read_settings
from tutoring.jsonwire import dump_bytes
from tutoring.runtime import create_runtime
from tutoring.store.texts import texts_of_board


def drawn(points: int, strokes: int = 1_000) -> Client:
    client = Client()
    with client.doc.transaction():
        for number in range(strokes):
            client.objects[f"o{number}"] = {"kind": "pen", "points": "x" * points}
    return client


def state_of(client: Client) -> bytes:
    return bytes(client.doc.get_update())


def extent(*states: bytes | None) -> Extent:
    document = BoardDocument(None)
    for state in states:
        if state is not None:
            document.merge(state)
    return document.extent()


def test_a_process_says_what_merging_here_says() -> None:
    stored = drawn(1_200)
    incoming = Client()
    incoming.apply(state_of(stored))
    incoming.set("theirs", {"n": 1})
    stored.set("ours", {"n": 2})
    pairs = [(None, state_of(incoming)), (state_of(stored), state_of(incoming)), (state_of(incoming), state_of(stored))]

    async def work() -> None:
        merger = Merger()
        for old, new in pairs:
            assert len(new) > apart.IN_PLACE_BYTES_MAX
            there, here = await merger.merge(old, new), merge_states(old, new)
            assert (there.news is None, there.is_complete) == (here.news is None, here.is_complete)
            assert extent(there.state) == extent(here.state) == extent(old, *([there.news] if there.news else []))
        with pytest.raises(InvalidUpdate):
            await merger.merge(None, b"\x05" * 2_000_000)

    asyncio.run(work())


def test_a_process_shows_what_showing_it_here_does() -> None:
    state, columns = state_of(drawn(1_200)), {"session_id": "s", "updated_at": 1}

    async def work() -> None:
        assert await apart.work_apart("show", dump_bytes(columns), state) == list(texts_of_board(columns, state))

    asyncio.run(work())


def test_a_merge_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_SECONDS_MAX", 0.0)

    async def work() -> None:
        with pytest.raises(apart.NotDone):
            await Merger().merge(None, b"\x00" * 2_000_000)

    asyncio.run(work())


def test_everybody_is_served_while_a_large_board_is_merged(other: Service, user: str) -> None:
    sid = other.session(user)
    one = drawn(4_300)
    first = board(sid, user, state_of(one))
    assert give(other, first)["applied"] == 1
    one.set("more", {"n": 1})
    done = threading.Event()
    answers: list[dict[str, Any]] = []

    def bring() -> None:
        answers.append(give(other, board(sid, user, state_of(one), version=2)))
        done.set()

    thread = threading.Thread(target=bring)
    thread.start()
    since, longest, calls = time.monotonic(), 0.0, 0
    while not done.is_set():
        asked = time.monotonic()
        assert other.call("GET", "/livez").status_code == 200
        longest, calls = max(longest, time.monotonic() - asked), calls + 1
    total = time.monotonic() - since
    thread.join()
    assert answers[0]["applied"] == 1
    # On a slow machine everything takes longer; merged in the loop, it was one wait of three quarters of the time.
    assert calls > 5 and longest < max(0.2, total / 2)


def test_many_boards_in_one_body_are_taken_as_one_by_one(tmp_path: Path, user: str) -> None:
    """Small ones together; large ones, those that somebody has open and those named twice alone."""

    async def work() -> None:
        runtime = await create_runtime(read_settings(environment(tmp_path)), ())
        small, large, opened, broken, nowhere = (fresh_id() for _ in range(5))
        await intake.take_changes(runtime, [session(sid, user) for sid in (small, large, opened, broken)])
        big = drawn(1_200)
        await intake.take_changes(runtime, [board(large, user, state_of(big))])
        peer, here = Peer(), Client()
        room = await runtime.boards.join(opened, peer)
        here.apply(room.document.state())
        room.take(peer, here.set("ours", MINE))
        first, second = Client(), Client()
        first.set("a", {"n": 1})
        second.set("b", {"n": 2})
        given = [
            board(small, user, state_of(first)),
            board(nowhere, user, state_of(first)),
            board(opened, user, state_of(first)),
            board(broken, user, b"\xff\xff"),
            board(large, user, state_of(first), version=2),
            board(small, user, state_of(second), version=2),
        ]
        outcome = await intake.take_changes(runtime, [{**each, "seq": at} for at, each in enumerate(given)])
        assert (outcome.applied, outcome.skipped) == (4, 0)
        assert sorted(each["seq"] for each in outcome.rejected) == [1, 3]
        async with runtime.store.read() as tx:
            shown = {sid: (await runtime.boards.content(tx, sid)).objects for sid in (small, large, opened)}
        assert sorted(shown[small]) == ["a", "b"]
        assert "a" in shown[large] and "o0" in shown[large]
        assert sorted(shown[opened]) == ["a", "ours"]
        await runtime.close()

    asyncio.run(work())


def test_a_board_above_the_limit_is_refused_by_name(tmp_path: Path, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = state_of(drawn(5, 2))
    monkeypatch.setattr(intake_boards, "DOCUMENT_BYTES_MAX", len(one))

    async def work() -> None:
        runtime = await create_runtime(read_settings(environment(tmp_path)), ())
        sid, more = fresh_id(), state_of(drawn(5, 1))
        assert (await intake.take_changes(runtime, [session(sid, user), board(sid, user, one)])).applied == 2
        outcome = await intake.take_changes(runtime, [board(sid, user, one + b"\x00"), board(sid, user, more)])
        assert [each["reason"] for each in outcome.rejected] == [
            "the board is larger than 32 MiB, which is not moved",
            "the board would become larger than 32 MiB, which is not moved",
        ]
        await runtime.close()

    asyncio.run(work())


def test_a_board_that_is_drawn_on_all_the_time_is_merged_all_the_same(tmp_path: Path, user: str) -> None:
    """Each merge takes long enough for the people here to have their board stored again."""

    async def work() -> None:
        runtime = await create_runtime(read_settings(environment(tmp_path)), ())
        sid, peer, here, there = fresh_id(), Peer(), Client(), Client()
        await intake.take_changes(runtime, [session(sid, user)])
        room = await runtime.boards.join(sid, peer)
        there.set("there", MINE)
        merge, tries = runtime.boards.merger.merge, 0

        async def slow(stored: bytes | None, incoming: bytes) -> Merged:
            nonlocal tries
            tries += 1
            room.take(peer, here.set(f"here{tries}", MINE))
            with suppress(TimeoutError):
                await asyncio.wait_for(room.flush(), 0.2)
            return await merge(stored, incoming)

        runtime.boards.merger.merge = slow  # type: ignore[method-assign]
        assert (await intake.take_changes(runtime, [board(sid, user, state_of(there))])).applied == 1
        assert tries == 3
        await runtime.boards.leave(sid, room, peer)
        async with runtime.store.read() as tx:
            stored = await runtime.boards.content(tx, sid)
        assert set(stored.objects) == {"here1", "here2", "here3", "there"}
        await runtime.close()

    asyncio.run(work())
