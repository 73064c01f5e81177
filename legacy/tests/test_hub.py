"""Rooms that open and close at the same time (contract whiteboard-socket.md §2)."""

import asyncio
from pathlib import Path

from tests.test_boards import Client
from tests.test_faults import view
from tutoring.board.document import BoardDocument
from tutoring.board.hub import BoardHub
from tutoring.board.room import Room
from tutoring.errors import StoreUnavailable
from tutoring.faults.switch import FaultView
from tutoring.logs import Log
from tutoring.metrics import Metrics
from tutoring.store import sessions
from tutoring.store.engine import Store


class Peer:
    def __init__(self) -> None:
        self.faults: FaultView = view("", "whiteboard", None)
        self.frames: list[str | bytes] = []

    def offer(self, payload: str | bytes, frame_type: str) -> None:
        self.frames.append(payload)

    def close(self, code: int, reason: str) -> None:
        self.frames.append(f"{code} {reason}")


def test_joins_and_leaves_at_once_share_one_document_and_lose_nothing(tmp_path: Path) -> None:
    async def visit(hub: BoardHub, number: int) -> None:
        peer, client = Peer(), Client()
        room = await hub.join("s", peer)
        room.take(peer, client.set(f"k{number}", {"metadata": {"source": "user"}}))
        await asyncio.sleep(0)
        await hub.leave("s", room, peer)

    async def work() -> None:
        store = await Store.open(tmp_path, None)
        metrics = Metrics()
        hub = BoardHub(store, metrics, Log(lambda line: None))
        async with store.write() as tx:
            await sessions.add(tx, "s", "u", None, {})
        for first in range(0, 30, 10):
            await asyncio.gather(*(visit(hub, number) for number in range(first, first + 10)))
        async with store.read() as tx:
            content = await hub.content(tx, "s")
        assert set(content.objects) == {f"k{number}" for number in range(30)}
        assert "ai_tutor_yjs_documents 0.0" in metrics.exposition().decode()
        await store.close()

    asyncio.run(work())


def test_expired_entries_disappear_for_everyone(tmp_path: Path) -> None:
    async def work() -> None:
        store = await Store.open(tmp_path, None)
        hub = BoardHub(store, Metrics(), Log(lambda line: None))
        peer, client = Peer(), Client()
        room = await hub.join("s", peer)
        client.ephemeral["ping"] = {"metadata": {"expiresAt": 5}}
        room.take(peer, client.updates[-1])
        room.collect(6)
        client.apply(*(frame for frame in peer.frames if isinstance(frame, bytes)))
        assert list(client.ephemeral.keys()) == []
        await hub.leave("s", room, peer)
        await store.close()

    asyncio.run(work())


def test_what_is_drawn_while_a_store_is_tried_again_is_stored_too() -> None:
    async def work() -> None:
        stored: list[bytes] = []
        peer, client = Peer(), Client()

        async def store(state: bytes) -> None:
            if not stored:
                stored.append(b"")
                raise StoreUnavailable
            if len(stored) == 1:
                room.take(peer, client.set("late", {"metadata": {"source": "user"}}))
            stored.append(state)

        room = Room(BoardDocument(None), set(), store, lambda _: None)
        room.take(peer, client.set("early", {"metadata": {"source": "user"}}))
        await room.flush()
        assert sorted(BoardDocument(stored[-1]).content().objects) == ["early", "late"]

    asyncio.run(work())


def test_a_flush_that_is_cancelled_leaves_the_board_to_be_stored() -> None:
    async def work() -> None:
        stored: list[bytes] = []
        peer, client, slow = Peer(), Client(), asyncio.Event()

        async def store(state: bytes) -> None:
            if not slow.is_set():
                slow.set()
                await asyncio.Event().wait()
            stored.append(state)

        room = Room(BoardDocument(None), set(), store, lambda _: None)
        room.take(peer, client.set("a", {"metadata": {"source": "user"}}))
        flushing = asyncio.create_task(room.flush())
        await slow.wait()
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)
        await room.flush()
        assert len(stored) == 1

    asyncio.run(work())
