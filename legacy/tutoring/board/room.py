"""One session's board while somebody looks at it: relay, sanitise, store (contract whiteboard-socket.md §§2-4)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from ..errors import StoreUnavailable
from ..faults.switch import FaultView
from .document import BoardDocument, InvalidUpdate

DOCUMENT_BYTES_MAX = 32 * 1024 * 1024
_STORE_AFTER_S = 0.3
_STORE_AGAIN_S = 0.25


class Peer(Protocol):
    faults: FaultView

    def offer(self, payload: str | bytes, frame_type: str) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


class Room:
    """Everything here runs on the event loop without awaiting, so updates are strictly one at a time."""

    def __init__(
        self,
        document: BoardDocument,
        server_ids: set[str],
        store: Callable[[bytes], Awaitable[None]],
        count: Callable[[str], None],
    ) -> None:
        self.document = document
        self.server_ids = server_ids
        self.peers: set[Peer] = set()
        self._store = store
        self._count = count
        self._size = len(document.state())
        self._is_dirty = False
        self._storing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def take(self, sender: Peer, update: bytes) -> None:
        if self._would_outgrow(update):
            self._count("too_large")
            sender.close(1009, "Document too large")
            return
        if sender.faults.fires("unsaved-yjs-update"):
            self._relay(update, without=sender)
            return
        try:
            changed = self.document.apply(update)
        except InvalidUpdate:
            self._count("invalid")
            return
        self._size += len(update)
        self._count("applied")
        if not sender.faults.fires("lost-yjs-update"):
            bytes_out = _flipped(update) if sender.faults.fires("corrupt-yjs") else update
            self._relay(bytes_out, without=sender)
        if sender.faults.fires("echo-yjs"):
            sender.offer(update, "update")
        for made in self.document.mark_as_users(changed, self.server_ids) if changed else []:
            self._relay(made)
        self._touch()

    def merge(self, news: bytes) -> None:
        """What came from the other arm and the store has got already: relayed like an update of a client."""
        for made in self.document.merge(news):
            self._size += len(made)
            self._relay(made)

    @property
    def storing(self) -> asyncio.Lock:
        """Held while this board is stored: a state read before must not be written after."""
        return self._lock

    def _would_outgrow(self, update: bytes) -> bool:
        """Sizes are added up between encodings, which is too much at most; so the document is encoded before a no."""
        if self._size + len(update) > DOCUMENT_BYTES_MAX:
            self._size = len(self.document.state())
        return self._size + len(update) > DOCUMENT_BYTES_MAX

    def collect(self, now_ms: int) -> None:
        for made in self.document.collect_expired(now_ms):
            self._relay(made)
            self._touch()

    def _relay(self, update: bytes, without: Peer | None = None) -> None:
        for peer in list(self.peers):
            if peer is not without:
                peer.offer(update, "update")

    def _touch(self) -> None:
        self._is_dirty = True
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_soon())

    async def _store_soon(self) -> None:
        await asyncio.sleep(_STORE_AFTER_S)
        try:
            await self.flush()
        except StoreUnavailable:
            for peer in list(self.peers):
                peer.close(1011, "Internal error")

    async def flush(self) -> None:
        """Stores what has changed; tries twice. Raises StoreUnavailable."""
        async with self._lock:
            while self._is_dirty:
                try:
                    await self._store_now()
                except StoreUnavailable:
                    await asyncio.sleep(_STORE_AGAIN_S)
                    await self._store_now()

    async def _store_now(self) -> None:
        """Not stored, also when it was cancelled, it stays to be stored; so does what is drawn meanwhile."""
        self._is_dirty = False
        state = self.document.state()
        self._size = len(state)
        try:
            await self._store(state)
        except BaseException:
            self._is_dirty = True
            raise

    def forget(self) -> None:
        """The session is gone: nothing is stored any more."""
        self._is_dirty = False
        if self._storing is not None:
            self._storing.cancel()


def _flipped(update: bytes) -> bytes:
    middle = len(update) // 2
    return update[:middle] + bytes([update[middle] ^ 0xFF]) + update[middle + 1 :]
