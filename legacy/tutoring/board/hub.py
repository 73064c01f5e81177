"""All boards: those in memory and those at rest (contract whiteboard-socket.md §§2, 4, 6)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..errors import StoreUnavailable
from ..logs import Log
from ..metrics import Metrics
from ..store import boards, messages, sessions
from ..store.engine import Store
from .content import BoardContent
from .document import BoardDocument
from .merger import Merger
from .room import Peer, Room

COLLECT_EVERY_S = 10.0
_EMPTY = b"\x00\x00"


def ids_sent(actions: list[dict[str, Any]]) -> set[str]:
    """Ids of objects the server ever added."""
    return {
        entry["id"]
        for action in actions
        if action.get("type") == "ADD_OBJECTS"
        for entry in action.get("objects", [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    }


@dataclass
class _Gate:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class BoardHub:
    def __init__(self, store: Store, metrics: Metrics, log: Log) -> None:
        self._store = store
        self._metrics = metrics
        self._log = log
        self._rooms: dict[str, Room] = {}
        self._gates: dict[str, _Gate] = {}
        self.merger = Merger()
        self.is_healthy = True

    async def join(self, session_id: str, peer: Peer) -> Room:
        """Raises StoreUnavailable, InvalidUpdate. The peer's first frame is the full state, queued here: nothing can
        be relayed to it before."""
        async with self._alone(session_id):
            room = self._rooms.get(session_id) or await self._open(session_id)
            room.peers.add(peer)
            peer.offer(room.document.state(), "state")
            return room

    async def leave(self, session_id: str, room: Room, peer: Peer) -> None:
        room.peers.discard(peer)
        async with self._alone(session_id):
            if room.peers or self._rooms.get(session_id) is not room:
                return
            try:
                await room.flush()
            except StoreUnavailable:
                self._log.error("whiteboard not stored", sessionId=session_id)
                self._metrics.errors.labels("whiteboard", "STORE_UNAVAILABLE").inc()
            if not room.peers:
                self._drop(session_id)

    @asynccontextmanager
    async def _alone(self, session_id: str) -> AsyncIterator[None]:
        """Opening and closing a room exclude each other; the gate goes with its last user, not before."""
        gate = self._gates.setdefault(session_id, _Gate())
        gate.users += 1
        try:
            async with gate.lock:
                yield
        finally:
            gate.users -= 1
            if gate.users == 0:
                del self._gates[session_id]

    def _drop(self, session_id: str) -> None:
        del self._rooms[session_id]
        self._metrics.yjs_documents.dec()

    async def _open(self, session_id: str) -> Room:
        async with self._store.read() as tx:
            state = await boards.load(tx, session_id)
            server_ids = ids_sent(await messages.actions_until(tx, session_id))

        async def store(current: bytes) -> None:
            async with self._store.write() as tx:
                await boards.save(tx, session_id, current)

        def count(outcome: str) -> None:
            self._metrics.yjs_updates.labels(outcome).inc()

        room = Room(BoardDocument(state), server_ids, store, count)
        self._rooms[session_id] = room
        self._metrics.yjs_documents.inc()
        return room

    def room(self, session_id: str) -> Room | None:
        return self._rooms.get(session_id)

    def is_at_rest(self, session_id: str) -> bool:
        """Nobody has the board open, and nobody opens or closes it."""
        return session_id not in self._rooms and session_id not in self._gates

    @asynccontextmanager
    async def still(self, session_id: str) -> AsyncIterator[Room | None]:
        """The board's room, if it has one; meanwhile it is neither opened nor closed nor stored."""
        async with self._alone(session_id):
            room = self._rooms.get(session_id)
            if room is None:
                yield None
                return
            async with room.storing:
                yield room

    def server_added(self, session_id: str, actions: list[dict[str, Any]] | None) -> None:
        """A turn has stored a snapshot; its objects are the tutor's."""
        room = self._rooms.get(session_id)
        if room is not None and actions:
            room.server_ids |= ids_sent(actions)

    def session_deleted(self, session_id: str) -> None:
        room = self._rooms.get(session_id)
        if room is None:
            return
        room.forget()
        for peer in list(room.peers):
            peer.close(1000, "Session deleted")

    async def state(self, tx: AsyncConnection, session_id: str) -> bytes:
        room = self._rooms.get(session_id)
        return room.document.state() if room else await boards.load(tx, session_id) or _EMPTY

    async def content(self, tx: AsyncConnection, session_id: str) -> BoardContent:
        room = self._rooms.get(session_id)
        if room is not None:
            return room.document.content()
        return BoardDocument(await boards.load(tx, session_id)).content()

    async def collect_forever(self) -> None:
        while True:
            await asyncio.sleep(COLLECT_EVERY_S)
            for session_id, room in list(self._rooms.items()):
                try:
                    room.collect(clock.now_ms())
                except Exception as error:  # one broken board must not stop the collection of all others
                    self._log.error("collection failed", sessionId=session_id, reason=type(error).__name__)

    async def flush_of(self, user_id: str) -> None:
        """What this user's boards have shown so far is stored, unless the store takes nothing."""
        if not self._rooms:
            return
        try:
            async with self._store.read() as tx:
                theirs = await sessions.of_user(tx, user_id, list(self._rooms))
            for session_id in theirs:
                room = self._rooms.get(session_id)
                if room is not None:
                    await room.flush()
        except StoreUnavailable:
            self._log.warn("whiteboards not stored yet")

    async def flush_all(self) -> None:
        for session_id, room in list(self._rooms.items()):
            try:
                await room.flush()
            except StoreUnavailable:
                self._log.error("whiteboard not stored", sessionId=session_id)
