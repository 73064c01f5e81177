"""R8, R22, R23: reads of the shared board (contract rest.md §4)."""

from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..board.insights import board_insights
from ..board.summary import board_summary
from ..store import messages
from ..store.sessions import SessionRow
from .call import Call, Reply, Route
from .ownership import find_session, find_session_or_forbid


async def _summary(call: Call, tx: AsyncConnection, session: SessionRow, _arguments: None) -> Reply:
    content = await call.runtime.boards.content(tx, session.id)
    return Reply(200, board_summary(content, clock.now_ms()))


async def _insights(call: Call, tx: AsyncConnection, session: SessionRow, _arguments: None) -> Reply:
    content = await call.runtime.boards.content(tx, session.id)
    snapshots = await messages.snapshot_count(tx, session.id, call.as_of)
    return Reply(200, board_insights(content, snapshots))


async def _snapshot(call: Call, tx: AsyncConnection, session: SessionRow, _arguments: None) -> Reply:
    state = await call.runtime.boards.state(tx, session.id)
    return Reply(200, raw=state, media_type="application/octet-stream")


_SESSION = "/api/v1/sessions/{session_id}"
ROUTES = [
    Route("R8", "GET", f"{_SESSION}/board_summary", _summary, find_session_or_forbid),
    Route("R22", "GET", f"{_SESSION}/board_insights", _insights, find_session),
    Route("R23", "GET", f"{_SESSION}/whiteboard_snapshot", _snapshot, find_session),
]
