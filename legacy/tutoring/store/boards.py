"""Stored whiteboard states."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from . import rows
from .tables import sessions, yjs_snapshots


async def load(tx: AsyncConnection, session_id: str) -> bytes | None:
    state: bytes | None = (
        await tx.execute(select(yjs_snapshots.c.state).where(yjs_snapshots.c.session_id == session_id))
    ).scalar()
    return state


@dataclass(frozen=True)
class Stored:
    state: bytes
    updated_at: int


async def larger_than(tx: AsyncConnection, session_ids: Sequence[str], size: int) -> set[str]:
    columns = yjs_snapshots.c
    large = select(columns.session_id).where(columns.session_id.in_(session_ids), func.length(columns.state) > size)
    return set((await tx.execute(large)).scalars())


async def load_all(tx: AsyncConnection, session_ids: Sequence[str]) -> dict[str, Stored]:
    columns = yjs_snapshots.c
    some = select(columns.session_id, columns.state, columns.updated_at).where(columns.session_id.in_(session_ids))
    return {row.session_id: Stored(row.state, int(row.updated_at)) for row in await tx.execute(some)}


async def save(tx: AsyncConnection, session_id: str, state: bytes) -> None:
    """Stores the state unless the session has been deleted meanwhile."""
    if (await tx.execute(select(sessions.c.id).where(sessions.c.id == session_id))).first() is None:
        return
    await rows.replace(tx, yjs_snapshots, session_id=session_id, state=state, updated_at=clock.now_ms())
