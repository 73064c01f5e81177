"""Changes from outside and the people who are connected (contract rest.md §7)."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.support.feed import board, change, drawing, folder, fresh_id, log, message, session
from tests.support.internal import feed, give
from tests.support.model import ModelServer, Scripted, tool
from tests.support.service import Service, environment, eventually
from tests.test_boards import Client
from tests.test_hub import Peer
from tests.test_whiteboard_socket import MINE, Board, end
from tutoring import intake
from tutoring.config import read_settings
from tutoring.runtime import create_runtime


def test_a_connected_session_goes_on_with_what_came_from_outside(other: Service, model: ModelServer, user: str) -> None:
    sid = other.session(user)
    tutor = other.tutor(user, sid)
    tutor.say("one")
    # The other arm had the user for a while: one more turn, and a mode.
    given = next(each for each in feed(other, user) if each["kind"] == "sessions")
    context = {**given["data"]["context"], "latest_turn_no": 4, "interaction_mode": "chat_only"}
    theirs = {**given, "version": 50, "origin": "candidate", "data": {**given["data"], "context": context}}
    told = give(other, message(sid, 3, user, "elsewhere"), message(sid, 4, user, "too"), log(sid, 2, user), theirs)
    assert told["applied"] == 4, told
    tutor.say("back")
    said = [each["content"] for each in model.calls[-1]["messages"]]
    assert "elsewhere" in said and "back" in said
    rows = other.call("GET", f"/api/v1/sessions/{sid}/messages", user).json()
    assert [row["turn_no"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert other.call("GET", f"/api/v1/sessions/{sid}", user).json()["interaction_mode"] == "chat_only"
    # Rows may come before the context they were stored with.
    assert give(other, message(sid, 9, user, "early"))["applied"] == 1
    tutor.say("and on")
    rows = other.call("GET", f"/api/v1/sessions/{sid}/messages", user).json()
    assert [row["turn_no"] for row in rows][-3:] == [9, 10, 11]
    tutor.socket.close()


def test_a_deleted_session_closes_its_sockets(other: Service, user: str) -> None:
    sid = other.session(user)
    tutor, drawn = other.tutor(user, sid), Board(other.board(user, sid))
    assert give(other, change("sessions", sid, user, None, version=9))["applied"] == 1
    for each in (tutor.socket, drawn.socket):
        assert end(each) == (1000, "Session deleted")
    assert other.call("GET", f"/api/v1/sessions/{sid}", user).status_code == 404


def test_changes_of_a_running_turn_wait_for_its_end(other: Service, model: ModelServer, user: str) -> None:
    sid = other.session(user)
    tutor = other.tutor(user, sid)
    model.script(Scripted(tool("explain", text="slow").pieces, delay_s=0.6))
    tutor.send({"type": "user_message", "data": {"text": "go"}})
    eventually(lambda: len(model.calls) == 1)
    told: list[dict[str, Any]] = []
    giving = threading.Thread(target=lambda: told.append(give(other, message(sid, 7, user))))
    giving.start()
    assert tutor.next()["data"]["explanation_text"] == "slow"
    giving.join(5)
    assert told[0]["applied"] == 1
    rows = other.call("GET", f"/api/v1/sessions/{sid}/messages", user).json()
    assert [row["turn_no"] for row in rows] == [1, 2, 7]
    tutor.socket.close()


def test_a_session_that_stays_busy_is_told_and_the_others_are_applied(
    tmp_path: Path, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BUSY_S", 0.01)

    async def work() -> None:
        runtime = await create_runtime(read_settings(environment(tmp_path)), ())
        busy, free = fresh_id(), fresh_id()
        async with runtime.live.slot(busy, user):
            given = [session(busy, user, seq=1), session(free, user, seq=2), folder(fresh_id(), user, seq=3)]
            told = (await intake.take_changes(runtime, given)).body()
        assert told["applied"] == 2 and told["rejected"] == [{"seq": 1, "reason": "later: session busy"}]
        assert (await intake.take_changes(runtime, given)).body()["applied"] == 1
        await runtime.close()

    asyncio.run(work())


def test_a_live_board_shows_what_came_from_outside(other: Service, user: str) -> None:
    sid = other.session(user)
    one, two = (Board(other.board(user, sid)) for _ in range(2))
    one.put("a", MINE)
    two.receive()
    eventually(lambda: any(each["kind"] == "yjs_snapshots" for each in feed(other, user)))
    stored = next(each for each in feed(other, user) if each["kind"] == "yjs_snapshots")
    elsewhere = Client()
    elsewhere.apply(one.doc.get_update())
    elsewhere.set("b", {"kind": "rect", "metadata": {"source": "assistant"}})
    theirs = board(sid, user, elsewhere.doc.get_update(), version=stored["version"] + 1)
    assert give(other, theirs)["applied"] == 1
    for client in (one, two):
        client.receive()
        # Whose an object is was decided where it was made.
        assert client.objects.to_py() == elsewhere.objects.to_py()
    # A merge alone is no write of ours.
    after = next(each for each in feed(other, user) if each["kind"] == "yjs_snapshots")
    assert (after["version"], after["origin"]) == (stored["version"] + 1, "candidate")
    assert give(other, theirs)["skipped"] == 1
    # What the people here draw next is stored with it.
    one.put("c", MINE)
    two.receive()
    one.socket.close()
    two.socket.close()
    later = Board(other.board(user, sid))
    assert set(later.objects.keys()) == {"a", "b", "c"}
    later.socket.close()


def test_objects_the_tutor_drew_elsewhere_stay_the_tutors(other: Service, user: str) -> None:
    sid = other.session(user)
    one = Board(other.board(user, sid))
    objects = [{"id": "t1", "kind": "text", "metadata": {"source": "assistant"}}]
    assert give(other, drawing(sid, 2, user, [{"type": "ADD_OBJECTS", "objects": objects}]))["applied"] == 1
    two = Board(other.board(user, sid))
    update = one.put("t1", objects[0])
    assert two.receive() == update
    with pytest.raises(TimeoutError):
        two.receive(0.2)
    one.socket.close()
    two.socket.close()


def test_a_board_is_never_stored_without_what_was_merged_meanwhile(tmp_path: Path, user: str) -> None:
    """A state that people here have just drawn, and one from outside, both waiting for the store."""

    async def work(is_flush_first: bool) -> None:
        runtime = await create_runtime(read_settings(environment(tmp_path)), ())
        sid, peer, here, there = fresh_id(), Peer(), Client(), Client()
        assert (await intake.take_changes(runtime, [session(sid, user)])).applied == 1
        room = await runtime.boards.join(sid, peer)
        there.set("there", MINE)
        given = [board(sid, user, there.doc.get_update())]
        async with runtime.store.write():  # everyone else waits
            room.take(peer, here.set("one", MINE))
            jobs: list[Callable[[], Coroutine[Any, Any, Any]]] = [
                room.flush,
                lambda: intake.take_changes(runtime, given),
            ]
            tasks: list[asyncio.Task[Any]] = []
            for job in jobs if is_flush_first else jobs[::-1]:
                tasks.append(asyncio.create_task(job()))
                for _ in range(20):
                    await asyncio.sleep(0)
                room.take(peer, here.set(f"more{len(tasks)}", MINE))
        await asyncio.gather(*tasks)
        await runtime.boards.leave(sid, room, peer)
        async with runtime.store.read() as tx:
            stored = await runtime.boards.content(tx, sid)
        assert set(stored.objects) == {"one", "more1", "more2", "there"}
        here.apply(*(frame for frame in peer.frames if isinstance(frame, bytes)))
        assert set(here.objects.keys()) == set(stored.objects)
        await runtime.close()

    asyncio.run(work(is_flush_first=True))
    asyncio.run(work(is_flush_first=False))
