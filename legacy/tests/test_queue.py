"""The queue of a session, alone (contract G13, tutor-socket.md §§2, 6)."""

import asyncio
import contextlib
from typing import Any

import pytest

from tests.test_faults import view
from tutoring.errors import ApiError
from tutoring.faults.switch import FaultView
from tutoring.turns import live
from tutoring.turns.frames import Frame, read_frame
from tutoring.turns.live import FrameJob, LiveSession, LiveSessions


class Client:
    is_streaming = False
    request_id = "r"

    def __init__(self) -> None:
        self.faults: FaultView = view("")
        self.sent: list[dict[str, Any]] = []

    def send_frame(self, frame: dict[str, Any]) -> None:
        self.sent.append(frame)

    def send_delta(self, turn_id: str, seq: int, delta: str) -> None:
        self.sent.append({"delta": delta})

    def close(self, code: int, reason: str) -> None:
        self.sent.append({"close": code})


def frame(number: int, message_id: str | None = None) -> Frame:
    extra = {} if message_id is None else {"client_message_id": message_id}
    return Frame("next", {"type": "next", "number": number, **extra})


class Stage:
    """Sessions whose handler waits for a gate and then answers everyone who listens."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.done: list[int] = []
        self.progress = asyncio.Condition()
        self.sessions = LiveSessions()
        self.sessions.handle = self._handle

    async def _handle(self, session: LiveSession, job: FrameJob) -> None:
        await self.gate.wait()
        await self.note(job.frame.body["number"])
        for client in job.listeners:
            client.send_frame({"number": job.frame.body["number"]})

    async def note(self, number: int) -> None:
        self.done.append(number)
        async with self.progress:
            self.progress.notify_all()

    async def finished(self, count: int) -> None:
        async with asyncio.timeout(5), self.progress:
            await self.progress.wait_for(lambda: len(self.done) >= count)


async def idle(stage: Stage) -> None:
    stage.gate.set()
    assert await stage.sessions.finish_running(5)


def test_frames_and_calls_run_one_after_the_other_in_arrival_order() -> None:
    async def work() -> None:
        stage, client = Stage(), Client()
        session = stage.sessions.join("s", "u", client)
        session.offer(frame(1), client, True)

        async def call() -> None:
            async with stage.sessions.slot("s", "u"):
                await stage.note(-1)

        waiting = asyncio.create_task(call())
        await asyncio.sleep(0)
        session.offer(frame(2), client, True)
        stage.gate.set()
        await waiting
        await stage.finished(3)
        assert stage.done == [1, -1, 2]

    asyncio.run(work())


def test_thirty_two_frames_wait_and_one_more_is_refused() -> None:
    async def work() -> None:
        stage, client = Stage(), Client()
        session = stage.sessions.join("s", "u", client)
        assert session.offer(frame(0), client, True)
        await asyncio.sleep(0)
        assert all(session.offer(frame(n), client, True) for n in range(1, 33))
        assert not session.offer(frame(33), client, True)
        await idle(stage)

    asyncio.run(work())


def test_the_same_id_is_answered_once_to_everyone_who_presented_it() -> None:
    async def work() -> None:
        stage, one, two = Stage(), Client(), Client()
        session = stage.sessions.join("s", "u", one)
        for client in (one, one, two):
            assert session.offer(frame(1, "m"), client, True)
        await asyncio.sleep(0)
        await idle(stage)
        assert (stage.done, one.sent, two.sent) == ([1], [{"number": 1}], [{"number": 1}])

    asyncio.run(work())


def test_waiting_frames_of_a_leaving_socket_are_dropped_unless_another_waits_for_them() -> None:
    async def work() -> None:
        stage, one, two = Stage(), Client(), Client()
        session = stage.sessions.join("s", "u", one)
        session.offer(frame(1), two, True)
        await asyncio.sleep(0)
        session.offer(frame(2), one, True)
        session.offer(frame(3, "m"), one, True)
        session.offer(frame(3, "m"), two, True)
        session.drop_waiting(one)
        stage.gate.set()
        await stage.finished(2)
        await idle(stage)
        assert (stage.done, one.sent, two.sent) == ([1, 3], [], [{"number": 1}, {"number": 3}])

    asyncio.run(work())


def test_a_call_that_waits_too_long_is_busy_and_leaves_the_queue_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BUSY_S", 0.01)

    async def work() -> None:
        stage, client = Stage(), Client()
        session = stage.sessions.join("s", "u", client)
        session.offer(frame(1), client, True)
        with pytest.raises(ApiError) as busy:
            async with stage.sessions.slot("s", "u"):
                raise AssertionError("the slot must not be given")
        assert (busy.value.status, busy.value.code) == (503, "SESSION_BUSY")
        session.offer(frame(2), client, True)
        stage.gate.set()
        await stage.finished(2)

    asyncio.run(work())


def test_a_turn_that_comes_in_the_moment_in_which_its_caller_gives_up_holds_nobody_up() -> None:
    async def work() -> None:
        stage = Stage()
        with contextlib.suppress(ApiError):
            async with stage.sessions.slot("s", "u", 0):
                pass
        async with stage.sessions.slot("s", "u", 1):
            pass
        await idle(stage)

    asyncio.run(work())


@pytest.mark.parametrize(
    ("text", "is_readable", "mode"),
    [
        ('{"type":"next"}', True, None),
        ('{"type":"next","data":null,"whiteboard_mode":"chat_only"}', True, "chat_only"),
        ('{"type":"next","data":{"whiteboard_mode":"chat_only"},"whiteboard_mode":5}', True, "chat_only"),
        ('{"type":"next","data":[],"whiteboard_mode":"chat_only"}', False, "chat_only"),
        ('{"type":"user_message"}', False, None),
        ('{"type":"next","client_message_id":"a b"}', False, None),
        ('{"type":5}', False, None),
        ("5", False, None),
    ],
)
def test_frames_are_read_with_their_mode(text: str, is_readable: bool, mode: str | None) -> None:
    found = read_frame(text)
    assert (found.is_readable, found.mode) == (is_readable, mode)
