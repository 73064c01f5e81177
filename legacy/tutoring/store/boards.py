"""Stored whiteboard states."""

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from .tables import sessions, yjs_snapshots


async def load(tx: AsyncConnection, session_id: str) -> bytes | None:
    state: bytes | None = (
        await tx.execute(select(yjs_snapshots.c.state).where(yjs_snapshots.c.session_id == session_id))
    ).scalar()
    return state


async def save(tx: AsyncConnection, session_id: str, state: bytes) -> None:
    """Stores the state unless the session has been deleted meanwhile."""
    if (await tx.execute(select(sessions.c.id).where(sessions.c.id == session_id))).first() is None:
        return
    await tx.execute(delete(yjs_snapshots).where(yjs_snapshots.c.session_id == session_id))
    await tx.execute(insert(yjs_snapshots).values(session_id=session_id, state=state, updated_at=clock.now_ms()))
