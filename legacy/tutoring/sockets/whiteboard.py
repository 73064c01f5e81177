"""The whiteboard socket (contract whiteboard-socket.md §2)."""

from typing import TYPE_CHECKING

from ..board.document import InvalidUpdate
from ..board.room import Room
from ..errors import StoreUnavailable
from ..store import sessions
from .handshake import Handshake
from .wire import Wire

if TYPE_CHECKING:
    from ..runtime import Runtime


async def serve_whiteboard(runtime: "Runtime", wire: Wire, shaken: Handshake) -> None:
    await wire.accept()
    runtime.handshake_done(wire, 101)
    try:
        if not await _is_owner(runtime, wire, shaken):
            wire.close(4403, "Session not owned")
            return
        room = await runtime.boards.join(shaken.session_id, wire)
    except (StoreUnavailable, InvalidUpdate) as error:
        runtime.log.error("whiteboard unavailable", requestId=wire.request_id, reason=type(error).__name__)
        runtime.metrics.errors.labels("whiteboard", "INTERNAL").inc()
        wire.close(1011, "Internal error")
        return
    try:
        await _read(runtime, wire, room)
    finally:
        await runtime.boards.leave(shaken.session_id, room, wire)


async def _is_owner(runtime: "Runtime", wire: Wire, shaken: Handshake) -> bool:
    async with runtime.store.read() as tx:
        row = await sessions.find(tx, shaken.session_id)
    if row is None:
        return False
    return row.user_id == shaken.claims.sub or wire.faults.fires("skip-ownership") is not None


async def _read(runtime: "Runtime", wire: Wire, room: Room) -> None:
    while True:
        message = await wire.receive()
        if message["type"] == "websocket.disconnect":
            return
        update = message.get("bytes")
        runtime.metrics.ws_frames.labels("whiteboard", "in", "other" if update is None else "update").inc()
        if not wire.faults.is_quiet and runtime.act_on_inbound(wire):
            continue
        if update is None:
            wire.close(1003, "Binary frames only")
            continue
        if wire.is_taking:
            room.take(wire, bytes(update))
