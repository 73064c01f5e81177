"""Stored whiteboard states."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from . import rows
from .tables import sessions, yjs_snapshots


async def load(tx: AsyncConnection, session_id: str) -> bytes | None:
    state: bytes | None = (
        await tx.execute(select(yjs_snapshots.c.state).where(yjs_snapshots.c.session_id == session_id))
    ).scalar()
    return state


async def updated_at(tx: AsyncConnection, session_id: str) -> int:
    """Of a board that is stored."""
    at = select(yjs_snapshots.c.updated_at).where(yjs_snapshots.c.session_id == session_id)
    return int((await tx.execute(at)).scalar_one())


async def save(tx: AsyncConnection, session_id: str, state: bytes) -> None:
    """Stores the state unless the session has been deleted meanwhile."""
    if (await tx.execute(select(sessions.c.id).where(sessions.c.id == session_id))).first() is None:
        return
    await rows.replace(tx, yjs_snapshots, session_id=session_id, state=state, updated_at=clock.now_ms())
