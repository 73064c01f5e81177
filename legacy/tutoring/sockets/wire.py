"""One accepted or refused socket: handshake answers and the bounded outbound queue (contract G7, G12)."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive, Send

from .. import ARM, CONTRACT_VERSION
from ..faults.process import reset_connection
from ..faults.switch import FaultView
from ..metrics import Metrics
from .protocol import SocketProtocol

FRAMES_MAX = 1000
BYTES_MAX = 16 * 1024 * 1024
MERGE_ABOVE = 64
_HELD_S = 0.5
_NOISE = '{"type":"noise"}'


@dataclass
class Outgoing:
    payload: str | bytes
    type: str
    size: int
    note: tuple[str, str] | None = None  # of a delta: its turn and its text, so that it can be merged


@dataclass(frozen=True)
class _Close:
    code: int
    reason: str


class Wire:
    """Frames are offered without waiting and written in order by one task."""

    def __init__(
        self,
        surface: str,
        receive: Receive,
        send: Send,
        metrics: Metrics,
        faults: FaultView,
        request_id: str,
        wires: "set[Wire]",
    ) -> None:
        self.surface = surface
        self.request_id = request_id
        self.faults = faults
        self.is_open = False
        self.close_code: int | None = None
        self._receive = receive
        self._send = send
        self._metrics = metrics
        self._wires = wires
        self._protocol: SocketProtocol | None = getattr(send, "__self__", None)
        self._waiting: deque[Outgoing | _Close] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self.writer: asyncio.Task[None] | None = None
        self._is_closing = False

    async def accept(self) -> None:
        await self._receive()
        headers = [(name.encode(), value.encode()) for name, value in self._headers()]
        await self._send({"type": "websocket.accept", "headers": headers})
        self.is_open = True
        self._wires.add(self)
        self._metrics.ws_connections.labels(self.surface).inc()
        self.writer = asyncio.create_task(self._write())

    async def refuse(self, status: int, body: bytes = b"") -> None:
        """An HTTP answer before the upgrade."""
        extra = [("content-type", "application/json"), ("cache-control", "no-store")] if body else []
        headers = [*self._headers(), *extra, ("content-length", str(len(body)))]
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await self._send({"type": "websocket.http.response.start", "status": status, "headers": raw})
        await self._send({"type": "websocket.http.response.body", "body": body})

    def _headers(self) -> list[tuple[str, str]]:
        return [
            ("x-contract-version", CONTRACT_VERSION),
            ("x-backend-arm", ARM),
            ("x-request-id", self.request_id),
        ]

    @property
    def is_taking(self) -> bool:
        """Nothing a client sends after our close counts."""
        return self.is_open and not self._is_closing

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.close_code = self.close_code or int(message.get("code") or 1005)
            self.is_open = False
        return message

    @property
    def was_accepted(self) -> bool:
        return self.writer is not None

    def offer(self, payload: str | bytes, frame_type: str, note: tuple[str, str] | None = None) -> None:
        """Queues a frame; a socket whose queue is full is closed as a slow consumer."""
        if not self.is_open or self._is_closing:
            return
        size = len(payload) if isinstance(payload, bytes) else len(payload.encode("utf-8", "replace"))
        if len(self._waiting) >= FRAMES_MAX or (self._waiting and self._bytes + size > BYTES_MAX):
            self._give_up(1013, "Slow consumer")
            return
        self._waiting.append(Outgoing(payload, frame_type, size, note))
        self._bytes += size
        self._wake.set()

    def last_waiting(self) -> Outgoing | None:
        """The newest waiting frame when so many wait that deltas may be merged."""
        last = self._waiting[-1] if len(self._waiting) > MERGE_ABOVE else None
        return last if isinstance(last, Outgoing) else None

    def replace_last(self, payload: str, note: tuple[str, str]) -> None:
        last = self._waiting[-1]
        assert isinstance(last, Outgoing)
        size = len(payload.encode())
        self._bytes += size - last.size
        last.payload, last.size, last.note = payload, size, note

    def close(self, code: int, reason: str) -> None:
        """Closes after everything that waits has been written."""
        if self.is_open and not self._is_closing:
            self._is_closing = True
            self._waiting.append(_Close(code, reason))
            self._wake.set()

    def _give_up(self, code: int, reason: str) -> None:
        self._is_closing = True
        self._waiting.clear()
        self.close_code = code
        if self._protocol is not None:
            self._protocol.close_now(code, reason)

    def freeze(self) -> None:
        self._is_closing = True
        if self._protocol is not None:
            self._protocol.freeze()

    def reset(self) -> None:
        self._is_closing = True
        if self._protocol is not None:
            reset_connection(self._protocol.transport)

    async def finish(self) -> None:
        """Ends the writer and accounts for the close."""
        self.is_open = False
        if self.writer is not None:
            if self._is_closing and self._waiting:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(self.writer), 5)
            self.writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.writer
            self._wires.discard(self)
            self._metrics.ws_connections.labels(self.surface).dec()
            self._metrics.ws_closes.labels(self.surface, str(self.close_code or 1006)).inc()

    async def _write(self) -> None:
        try:
            while True:
                item = await self._next()
                if isinstance(item, _Close):
                    self.close_code = item.code
                    await self._send({"type": "websocket.close", "code": item.code, "reason": item.reason})
                    return
                if self.faults.is_quiet:
                    await self._put(item)
                else:
                    await self._put_with_faults(item)
        except OSError:
            self.is_open = False  # the peer is gone; the reader sees the disconnect

    async def _next(self) -> Outgoing | _Close:
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        item = self._waiting.popleft()
        if isinstance(item, Outgoing):
            self._bytes -= item.size
        return item

    async def _put(self, item: Outgoing) -> None:
        key = "text" if isinstance(item.payload, str) else "bytes"
        message: dict[str, Any] = {"type": "websocket.send", key: item.payload}
        await self._send(message)
        self._metrics.ws_frames.labels(self.surface, "out", item.type).inc()

    async def _put_with_faults(self, item: Outgoing) -> None:
        if fired := self.faults.fires("slow-reply"):
            await asyncio.sleep(fired.seconds)
        if self.faults.fires("reset"):
            self.reset()
            return
        if self.faults.fires("hang") or self.faults.fires("drop-frame"):
            return
        if self.faults.fires("extra-frame"):
            await self._put(Outgoing(_NOISE, "other", len(_NOISE)))
        if self.faults.fires("reorder-frames"):
            await self._put_after_next(item)
            return
        await self._put(item)
        if self.faults.fires("dup-frame"):
            await self._put(item)

    async def _put_after_next(self, held: Outgoing) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HELD_S):
                while not self._waiting:
                    self._wake.clear()
                    await self._wake.wait()
        if self._waiting and isinstance(self._waiting[0], Outgoing):
            following = await self._next()
            assert isinstance(following, Outgoing)
            await self._put(following)
        await self._put(held)
