"""Rows of `sessions` and everything that carries a session's id."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..ids import did
from .folders import ALWAYS
from .tables import SESSION_TABLES, jobs, sessions


@dataclass(frozen=True)
class SessionRow:
    id: str
    user_id: str
    folder_id: str | None
    context: dict[str, Any]
    analysis_status: str | None
    created_at: int
    updated_at: int
    ended_at: int | None


_COLUMNS = [sessions.c[name] for name in SessionRow.__dataclass_fields__]


async def find(tx: AsyncConnection, session_id: str, as_of: int = ALWAYS) -> SessionRow | None:
    query = select(*_COLUMNS).where(sessions.c.id == session_id, sessions.c.created_at <= as_of)
    row = (await tx.execute(query)).one_or_none()
    return SessionRow(*row) if row else None


async def add(
    tx: AsyncConnection, session_id: str, user_id: str, folder_id: str | None, context: dict[str, Any]
) -> None:
    now = clock.now_ms()
    await tx.execute(
        insert(sessions).values(
            id=session_id, user_id=user_id, folder_id=folder_id, context=context, created_at=now, updated_at=now
        )
    )


async def page(
    tx: AsyncConnection, user_id: str, limit: int, before: str | None, as_of: int = ALWAYS
) -> list[SessionRow]:
    """At most `limit` sessions, newest first, ties by id; an unknown `before` gives none."""
    query = select(*_COLUMNS).where(sessions.c.user_id == user_id, sessions.c.created_at <= as_of)
    if before is not None:
        bound = await find(tx, before, as_of)
        if bound is None or bound.user_id != user_id:
            return []
        same_moment = (sessions.c.created_at == bound.created_at) & (sessions.c.id > bound.id)
        query = query.where(or_(sessions.c.created_at < bound.created_at, same_moment))
    rows = await tx.execute(query.order_by(sessions.c.created_at.desc(), sessions.c.id).limit(limit))
    return [SessionRow(*row) for row in rows]


async def save_context(tx: AsyncConnection, session_id: str, context: dict[str, Any]) -> None:
    """Stores the context; the folder of the row wins, because a folder may be deleted while a turn runs."""
    folder_id = (await tx.execute(select(sessions.c.folder_id).where(sessions.c.id == session_id))).scalar()
    kept = {**context, "folder_id": folder_id}
    changes = {"context": kept, "updated_at": clock.now_ms()}
    await tx.execute(update(sessions).where(sessions.c.id == session_id).values(**changes))


async def claim_analysis(tx: AsyncConnection, session_id: str, user_id: str) -> bool:
    """The claim of contract services.md §9: only one caller wins, and the winner queues the job."""
    now = clock.now_ms()
    unclaimed = (sessions.c.id == session_id) & sessions.c.analysis_status.is_(None)
    won = await tx.execute(update(sessions).where(unclaimed).values(analysis_status="processing", ended_at=now))
    if won.rowcount != 1:
        return False
    await tx.execute(
        insert(jobs).values(
            id=did("job", session_id, "session_analysis"),
            kind="session_analysis",
            session_id=session_id,
            user_id=user_id,
            status="queued",
            progress=0.0,
            attempts=0,
            created_at=now,
            updated_at=now,
        )
    )
    return True


async def remove(tx: AsyncConnection, session_id: str) -> None:
    for table in SESSION_TABLES:
        await tx.execute(delete(table).where(table.c.session_id == session_id))
    await tx.execute(delete(sessions).where(sessions.c.id == session_id))
