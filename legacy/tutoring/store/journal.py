"""Numbered rows of a session: interaction logs and concept events."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..ids import did
from . import rows
from .folders import ALWAYS
from .tables import concept_events, interaction_logs


@dataclass(frozen=True)
class LogRow:
    id: str
    role: str
    content: str
    content_type: str
    event_type: str
    created_at: int

    def body(self) -> dict[str, Any]:
        return {**vars(self), "created_at": clock.ts(self.created_at)}


_COLUMNS = [interaction_logs.c[name] for name in LogRow.__dataclass_fields__]


async def _next_row(tx: AsyncConnection, table: Table, session_id: str) -> int:
    last = select(func.max(table.c.row_no)).where(table.c.session_id == session_id)
    return int((await tx.execute(last)).scalar() or 0) + 1


async def add_log(
    tx: AsyncConnection,
    session_id: str,
    user_id: str,
    *,
    content: str,
    content_type: str,
    event_type: str,
    client_message_id: str | None = None,
) -> None:
    row_no = await _next_row(tx, interaction_logs, session_id)
    await rows.add(
        tx,
        interaction_logs,
        id=did("log", session_id, row_no),
        session_id=session_id,
        row_no=row_no,
        user_id=user_id,
        role="user",
        content=content,
        content_type=content_type,
        event_type=event_type,
        client_message_id=client_message_id,
        created_at=clock.now_ms(),
    )


async def is_logged(tx: AsyncConnection, session_id: str, client_message_id: str) -> bool:
    table = interaction_logs
    query = select(table.c.row_no).where(
        table.c.session_id == session_id, table.c.client_message_id == client_message_id
    )
    return (await tx.execute(query)).first() is not None


async def log_page(
    tx: AsyncConnection, session_id: str, limit: int, after: str | None, as_of: int = ALWAYS
) -> list[LogRow]:
    """At most `limit` rows, oldest first; an unknown `after` gives none."""
    table = interaction_logs
    query = select(*_COLUMNS).where(table.c.session_id == session_id, table.c.created_at <= as_of)
    if after is not None:
        bound = select(table.c.row_no).where(table.c.session_id == session_id, table.c.id == after)
        row_no = (await tx.execute(bound)).scalar()
        if row_no is None:
            return []
        query = query.where(table.c.row_no > row_no)
    found = await tx.execute(query.order_by(table.c.row_no).limit(limit))
    return [LogRow(*row) for row in found]


async def add_concept_event(
    tx: AsyncConnection, session_id: str, user_id: str, concept: str, outcome: str, delta_mastery: float
) -> None:
    row_no = await _next_row(tx, concept_events, session_id)
    await rows.add(
        tx,
        concept_events,
        id=did("concept_event", session_id, row_no),
        session_id=session_id,
        row_no=row_no,
        user_id=user_id,
        concept=concept,
        outcome=outcome,
        delta_mastery=delta_mastery,
        created_at=clock.now_ms(),
    )
