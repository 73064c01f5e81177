"""Sessions with something to do: one FIFO queue and one worker each (contract G13, tutor-socket.md §2)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import ApiError
from ..faults.switch import FaultView
from .frames import Frame

WAITING_MAX = 32
BUSY_S = 60.0


class Client(Protocol):
    """The socket a frame came from."""

    @property
    def is_streaming(self) -> bool: ...

    @property
    def faults(self) -> FaultView: ...

    @property
    def request_id(self) -> str: ...

    def send_frame(self, frame: dict[str, Any]) -> None: ...

    def send_delta(self, turn_id: str, seq: int, delta: str) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


@dataclass
class FrameJob:
    frame: Frame
    client: Client
    listeners: list[Client]  # everyone who presented its id; the answer goes to each once


@dataclass
class _Slot:
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    is_given_up: bool = False

    def give_up(self) -> None:
        """Also when it was granted in this very moment: the turn is over at once then."""
        self.is_given_up = True
        self.done.set()


Job = FrameJob | _Slot
Handler = Callable[["LiveSession", FrameJob], Awaitable[None]]


class LiveSession:
    def __init__(self, session_id: str, user_id: str, handle: Handler, on_idle: Callable[[], None]) -> None:
        self.session_id = session_id
        self.user_id = user_id
        self.clients: set[Client] = set()
        self.board_requests: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._handle = handle
        self._on_idle = on_idle
        self._queue: deque[Job] = deque()
        self._open_ids: dict[str, FrameJob] = {}
        self._worker: asyncio.Task[None] | None = None
        self._is_stopped = False

    @property
    def is_busy(self) -> bool:
        return self._worker is not None

    def offer(self, frame: Frame, client: Client, is_repeatable: bool) -> bool:
        """Queues a frame, or joins it to the same id that waits or runs. False when the queue is full."""
        if self._is_stopped:
            return True
        same = self._open_ids.get(frame.message_id or "") if is_repeatable else None
        if same is not None:
            if client not in same.listeners:
                same.listeners.append(client)
            return True
        if sum(isinstance(job, FrameJob) for job in self._queue) >= WAITING_MAX:
            return False
        job = FrameJob(frame, client, [client])
        if is_repeatable and frame.message_id is not None:
            self._open_ids[frame.message_id] = job
        self._put(job)
        return True

    def stop(self) -> None:
        """The process ends: the running frame is finished, waiting ones are dropped, new ones are not taken."""
        self._is_stopped = True
        self._queue = deque(job for job in self._queue if not isinstance(job, FrameJob))

    def drop_waiting(self, client: Client) -> None:
        """Frames of a socket that ended its session; an id another socket waits for stays."""
        kept: deque[Job] = deque()
        for job in self._queue:
            if isinstance(job, FrameJob) and client in job.listeners:
                job.listeners.remove(client)
                if not job.listeners:
                    self._forget_id(job)
                    continue
                job.client = job.listeners[0]
            kept.append(job)
        self._queue = kept

    @asynccontextmanager
    async def slot(self, wait_s: float | None = None) -> AsyncIterator[None]:
        """The session's turn for a REST call. Raises 503 SESSION_BUSY."""
        slot = _Slot()
        self._put(slot)
        try:
            async with asyncio.timeout(BUSY_S if wait_s is None else wait_s):
                await slot.granted.wait()
        except TimeoutError as late:
            slot.give_up()
            raise ApiError(503, "SESSION_BUSY", "The session is busy; please try again.") from late
        except BaseException:
            slot.give_up()
            raise
        try:
            yield
        finally:
            slot.done.set()

    def _put(self, job: Job) -> None:
        self._queue.append(job)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._queue:
                job = self._queue.popleft()
                if isinstance(job, FrameJob):
                    try:
                        await self._handle(self, job)
                    finally:
                        self._forget_id(job)
                elif not job.is_given_up:
                    job.granted.set()
                    await job.done.wait()
        finally:
            self._worker = None
            self._on_idle()

    def _forget_id(self, job: FrameJob) -> None:
        message_id = job.frame.message_id
        if message_id is not None and self._open_ids.get(message_id) is job:
            del self._open_ids[message_id]


class LiveSessions:
    def __init__(self) -> None:
        self._sessions: dict[str, LiveSession] = {}
        self.handle: Handler | None = None

    def get(self, session_id: str, user_id: str) -> LiveSession:
        live = self._sessions.get(session_id)
        if live is None:
            assert self.handle is not None, "the composition sets the handler before anything is served"
            live = LiveSession(session_id, user_id, self.handle, lambda: self._settle(session_id))
            self._sessions[session_id] = live
        return live

    def join(self, session_id: str, user_id: str, client: Client) -> LiveSession:
        live = self.get(session_id, user_id)
        live.clients.add(client)
        return live

    def leave(self, live: LiveSession, client: Client) -> None:
        live.clients.discard(client)
        self._settle(live.session_id)

    def is_busy(self, session_id: str) -> bool:
        """Whether something runs or waits in it."""
        live = self._sessions.get(session_id)
        return live is not None and live.is_busy

    @asynccontextmanager
    async def slot(self, session_id: str, user_id: str, wait_s: float | None = None) -> AsyncIterator[None]:
        async with self.get(session_id, user_id).slot(wait_s):
            yield

    def close_clients(self, session_id: str, code: int, reason: str) -> None:
        live = self._sessions.get(session_id)
        for client in list(live.clients) if live else []:
            client.close(code, reason)

    async def finish_running(self, seconds: float) -> bool:
        """False when turns still run after that time."""
        for live in self._sessions.values():
            live.stop()
        end = asyncio.get_running_loop().time() + seconds
        while any(live.is_busy for live in self._sessions.values()):
            if asyncio.get_running_loop().time() >= end:
                return False
            await asyncio.sleep(0.02)
        return True

    def _settle(self, session_id: str) -> None:
        """Forgets a session nobody is connected to and nothing waits in."""
        live = self._sessions.get(session_id)
        if live is not None and not live.clients and not live.is_busy:
            del self._sessions[session_id]
