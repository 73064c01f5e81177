"""Rows of `sessions` and everything that carries a session's id."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..ids import did
from . import rows
from .folders import ALWAYS
from .kinds import KINDS
from .tables import jobs, sessions

SESSION_KINDS = [kind for kind in KINDS if kind.is_of_session]


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


async def of_user(tx: AsyncConnection, user_id: str, session_ids: list[str]) -> list[str]:
    """Those of these sessions that are this user's."""
    query = select(sessions.c.id).where(sessions.c.user_id == user_id, sessions.c.id.in_(session_ids))
    return list((await tx.execute(query)).scalars())


async def add(
    tx: AsyncConnection, session_id: str, user_id: str, folder_id: str | None, context: dict[str, Any]
) -> None:
    now = clock.now_ms()
    row = {"id": session_id, "user_id": user_id, "folder_id": folder_id, "context": context}
    await rows.add(tx, sessions, **row, created_at=now, updated_at=now)


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
    found = await tx.execute(query.order_by(sessions.c.created_at.desc(), sessions.c.id).limit(limit))
    return [SessionRow(*row) for row in found]


async def save_context(tx: AsyncConnection, session_id: str, context: dict[str, Any]) -> None:
    """Stores the context; the folder of the row wins, because a folder may be deleted while a turn runs."""
    folder_id = (await tx.execute(select(sessions.c.folder_id).where(sessions.c.id == session_id))).scalar()
    kept = {**context, "folder_id": folder_id}
    await rows.change(tx, sessions, sessions.c.id == session_id, context=kept, updated_at=clock.now_ms())


async def claim_analysis(tx: AsyncConnection, session_id: str, user_id: str) -> bool:
    """The claim of contract services.md §9: only one caller wins, and the winner queues the job."""
    now = clock.now_ms()
    unclaimed = (sessions.c.id == session_id) & sessions.c.analysis_status.is_(None)
    if await rows.change(tx, sessions, unclaimed, analysis_status="processing", ended_at=now) != 1:
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
    await tx.execute(delete(jobs).where(jobs.c.session_id == session_id))
    for kind in SESSION_KINDS:
        await rows.remove(tx, kind.table, kind.table.c.session_id == session_id)
    await rows.remove(tx, sessions, sessions.c.id == session_id)
