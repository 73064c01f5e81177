"""Chat rows, board snapshots and remembered frames of a session."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from . import rows
from .folders import ALWAYS
from .kinds import REMEMBERED_MS as REMEMBERED_MS
from .tables import processed_messages, session_messages, whiteboard_snapshots


@dataclass(frozen=True)
class ChatRow:
    turn_no: int
    role: str
    text: str | None
    payload_json: dict[str, Any] | None
    whiteboard_snapshot_index: int | None


_COLUMNS = [session_messages.c[name] for name in ChatRow.__dataclass_fields__]


async def newest(
    tx: AsyncConnection, session_id: str, limit: int, below: int | None = None, as_of: int = ALWAYS
) -> list[ChatRow]:
    """The newest rows under the bound, ascending."""
    table = session_messages
    query = select(*_COLUMNS).where(table.c.session_id == session_id, table.c.created_at <= as_of)
    if below is not None:
        if below <= 0:
            return []
        query = query.where(table.c.turn_no < min(below, 2**31 - 1))
    found = await tx.execute(query.order_by(table.c.turn_no.desc()).limit(limit))
    return [ChatRow(*row) for row in found][::-1]


async def last_turn_no(tx: AsyncConnection, session_id: str) -> int:
    """The highest stored number, 0 when there is none."""
    last = select(func.max(session_messages.c.turn_no)).where(session_messages.c.session_id == session_id)
    return int((await tx.execute(last)).scalar() or 0)


async def add_user(
    tx: AsyncConnection, session_id: str, turn_no: int, text: str, client_message_id: str | None
) -> None:
    await rows.add(
        tx,
        session_messages,
        session_id=session_id,
        turn_no=turn_no,
        role="user",
        text=text,
        client_message_id=client_message_id,
        created_at=clock.now_ms(),
    )


async def user_turn_of(tx: AsyncConnection, session_id: str, client_message_id: str) -> int | None:
    """The user row a repeated frame stored the first time."""
    table = session_messages
    query = select(table.c.turn_no).where(
        table.c.session_id == session_id, table.c.client_message_id == client_message_id, table.c.role == "user"
    )
    return (await tx.execute(query)).scalars().first()


async def add_assistant(
    tx: AsyncConnection, session_id: str, turn_no: int, text: str | None, payload: dict[str, Any]
) -> None:
    """An assistant row and, when its envelope changes the board, the snapshot of the same number."""
    actions = payload["whiteboard_actions"]
    now = clock.now_ms()
    if actions is not None:
        await rows.add(
            tx,
            whiteboard_snapshots,
            session_id=session_id,
            snapshot_index=turn_no,
            actions_json=actions,
            created_at=now,
        )
    await rows.add(
        tx,
        session_messages,
        session_id=session_id,
        turn_no=turn_no,
        role="assistant",
        text=text,
        payload_json=payload,
        whiteboard_snapshot_index=None if actions is None else turn_no,
        created_at=now,
    )


async def actions_until(
    tx: AsyncConnection, session_id: str, last_index: int | None = None, as_of: int = ALWAYS
) -> list[dict[str, Any]]:
    """Actions of all snapshots up to an index, ascending, concatenated."""
    table = whiteboard_snapshots
    query = select(table.c.actions_json).where(table.c.session_id == session_id, table.c.created_at <= as_of)
    if last_index is not None:
        query = query.where(table.c.snapshot_index <= min(last_index, 2**31 - 1))
    lists = (await tx.execute(query.order_by(table.c.snapshot_index))).scalars()
    return [action for actions in lists for action in actions]


async def snapshot_count(tx: AsyncConnection, session_id: str, as_of: int = ALWAYS) -> int:
    table = whiteboard_snapshots
    query = select(table.c.snapshot_index).where(table.c.session_id == session_id, table.c.created_at <= as_of)
    return len((await tx.execute(query)).all())


async def remembered(tx: AsyncConnection, session_id: str, client_message_id: str) -> list[dict[str, Any]] | None:
    """The frames sent for a finished frame id (contract tutor-socket.md §6)."""
    table = processed_messages
    query = select(table.c.frames).where(
        table.c.session_id == session_id,
        table.c.client_message_id == client_message_id,
        table.c.created_at > clock.now_ms() - REMEMBERED_MS,
    )
    frames: list[dict[str, Any]] | None = (await tx.execute(query)).scalar()
    return frames


async def remember(tx: AsyncConnection, session_id: str, client_message_id: str, frames: list[dict[str, Any]]) -> None:
    row = {"session_id": session_id, "client_message_id": client_message_id, "frames": frames}
    # In place of one that has outlived its 24 hours.
    await rows.replace(tx, processed_messages, **row, created_at=clock.now_ms())
