"""What a queued frame reads and stores, in one transaction per step (contract tutor-socket.md §§2, 4, 6)."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ..session.context import load_context
from ..session.shape import Repaired
from ..store import journal, messages, sessions
from ..store.engine import Store
from ..store.messages import ChatRow
from ..store.sessions import SessionRow
from ..tools.turn import Turn, Visible
from .envelope import Envelope
from .frames import Frame


@dataclass
class Loaded:
    row: SessionRow
    context: dict[str, Any]
    remembered: list[Envelope] | None


async def load(store: Store, session_id: str, message_id: str | None, report: Repaired) -> Loaded | None:
    """None when the session is gone."""
    async with store.read() as tx:
        row = await sessions.find(tx, session_id)
        if row is None:
            return None
        remembered = await messages.remembered(tx, session_id, message_id) if message_id else None
        context = load_context(row.context, report)
        # Rows of the other arm may be here before the context they were written with.
        context["latest_turn_no"] = max(context["latest_turn_no"], await messages.last_turn_no(tx, session_id))
        return Loaded(row, context, remembered)


def private_copy(context: dict[str, Any]) -> dict[str, Any]:
    """A turn that ends in an error must not have changed anything."""
    return copy.deepcopy(context)


async def save_mode(store: Store, loaded: Loaded, mode: str | None) -> None:
    if mode is None or loaded.context["interaction_mode"] == mode:
        return
    loaded.context["interaction_mode"] = mode
    async with store.write() as tx:
        await sessions.save_context(tx, loaded.row.id, loaded.context)


async def begin_turn(
    store: Store, loaded: Loaded, frame: Frame, message_id: str | None, text: str | None, is_lost: bool
) -> int | None:
    """Log row, user chat row and mode of a turn frame; rows a repeat stored before are reused.

    Returns the number of the user row, None for frames that have none.
    """
    row, context = loaded.row, loaded.context
    async with store.write(is_lost=is_lost) as tx:
        turn_no = None
        if text is not None and message_id is not None:
            turn_no = await messages.user_turn_of(tx, row.id, message_id)
        # A log row of the other arm does not tell its frame; the chat row stored with it does.
        is_logged = turn_no is not None or (message_id and await journal.is_logged(tx, row.id, message_id))
        if not is_logged:
            await _log(tx, row, frame, message_id, text)
        if text is not None and turn_no is None:
            turn_no = context["latest_turn_no"] = context["latest_turn_no"] + 1
            await messages.add_user(tx, row.id, turn_no, text, message_id)
        if frame.mode is not None:
            context["interaction_mode"] = frame.mode
        await sessions.save_context(tx, row.id, context)
    return turn_no


async def _log(tx: AsyncConnection, row: SessionRow, frame: Frame, message_id: str | None, text: str | None) -> None:
    await journal.add_log(
        tx,
        row.id,
        row.user_id,
        content=f"User action: {frame.type}" if text is None else text,
        content_type="user_action" if text is None else "user_input",
        event_type=frame.type or "",
        client_message_id=message_id,
    )


async def history(store: Store, session_id: str, below: int | None, limit: int) -> list[ChatRow]:
    async with store.read() as tx:
        return await messages.newest(tx, session_id, limit, below)


async def finish_turn(
    store: Store, turn: Turn, user_id: str, result: Visible, stored: Envelope, message_id: str | None,
    sent: Envelope, is_lost: bool,
) -> None:  # fmt: skip
    """Envelope, board, context and the remembered frame commit together, before anything is sent (contract G13)."""
    context = turn.context
    context["latest_turn_no"] = turn.turn_no
    if stored["whiteboard_actions"] is not None:
        context["latest_snapshot_index"] = turn.turn_no
    async with store.write(is_lost=is_lost) as tx:
        await messages.add_assistant(tx, turn.session_id, turn.turn_no, result.stored_text, stored)
        for concept, outcome, change in turn.concept_changes:
            await journal.add_concept_event(tx, turn.session_id, user_id, concept, outcome, change)
        await sessions.save_context(tx, turn.session_id, context)
        if message_id is not None:
            await messages.remember(tx, turn.session_id, message_id, [sent])


async def end_session(
    store: Store, loaded: Loaded, message_id: str | None, sent_for: Callable[[str | None], Envelope]
) -> Envelope:
    """The claim of contract services.md §9 with the stored confirmation; `sent_for(status)` makes its envelope."""
    row = loaded.row
    async with store.write() as tx:
        won = await sessions.claim_analysis(tx, row.id, row.user_id)
        fresh = await sessions.find(tx, row.id)
        status = None if won or fresh is None else fresh.analysis_status
        sent: Envelope = sent_for(status)
        await sessions.save_context(tx, row.id, loaded.context)
        if message_id is not None:
            await messages.remember(tx, row.id, message_id, [sent])
    return sent
