"""R6, R7, R14, R15, R33: what happened in a session (contract rest.md §§3, 5)."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ..errors import ApiError
from ..jsonwire import canonical
from ..store import journal, messages
from ..store.messages import ChatRow
from ..store.sessions import SessionRow
from .call import Call, Reply, Route
from .ownership import find_session
from .paging import next_of, read_page
from .validation import Fields, clamped


def _message_page(call: Call) -> tuple[int | None, int]:
    fields = Fields(call.query, "query")
    below = clamped(fields.integer("before_turn_no")) if fields.has("before_turn_no") else None
    limit = fields.integer("limit", 50)
    fields.done()
    return below, 20 if limit <= 0 else min(limit, 100)


def _message(row: ChatRow) -> dict[str, Any]:
    body: dict[str, Any] = {"turn_no": row.turn_no, "role": row.role, "text": row.text}
    if row.role == "assistant":
        body["payload_json"] = row.payload_json
    return {**body, "whiteboard_snapshot_index": row.whiteboard_snapshot_index}


async def _messages(call: Call, tx: AsyncConnection, session: SessionRow, page: tuple[int | None, int]) -> Reply:
    below, limit = page
    rows = await messages.newest(tx, session.id, limit, below, call.as_of)
    return Reply(200, [_message(row) for row in rows])


def _snapshot_index(call: Call) -> int:
    fields = Fields(call.query, "query")
    index = fields.integer("target_snapshot_index")
    fields.done()
    return index


async def _actions(call: Call, tx: AsyncConnection, session: SessionRow, index: int) -> Reply:
    if index < 0:
        raise ApiError(400, "INVALID_SNAPSHOT_INDEX", "target_snapshot_index must not be negative.")
    actions = await messages.actions_until(tx, session.id, index, call.as_of)
    return Reply(200, {"target_snapshot_index": index, "whiteboard_actions": actions})


def _mini_quiz(call: Call) -> dict[str, Any]:
    fields = Fields.of_body(call.body, call.is_body_absent)
    for name in ("question", "selectedOption", "correctOption"):
        fields.text(name)
    fields.boolean("isCorrect")
    fields.optional_text("relatedSection")
    fields.optional_text("topic")
    fields.done()
    return {"content_type": "mini_quiz", "event_type": "mini_quiz"}


def _summary(call: Call) -> dict[str, Any]:
    fields = Fields.of_body(call.body, call.is_body_absent)
    for name in ("section", "topic", "summary"):
        fields.text(name)
    fields.done()
    return {"content_type": "user_summary", "event_type": "summary"}


async def _log(call: Call, tx: AsyncConnection, session: SessionRow, kinds: dict[str, Any]) -> Reply:
    await journal.add_log(tx, session.id, call.user_id, content=canonical(call.body), **kinds)
    return Reply(204)


def _log_page(call: Call) -> tuple[int, str | None]:
    return read_page(call.query, 200, "after")


async def _interactions(call: Call, tx: AsyncConnection, session: SessionRow, page: tuple[int, str | None]) -> Reply:
    limit, after = page
    rows = await journal.log_page(tx, session.id, limit + 1, after, call.as_of)
    return Reply(200, {"interactions": [row.body() for row in rows[:limit]], "next_after": next_of(rows, limit)})


_SESSION = "/api/v1/sessions/{session_id}"
ROUTES = [
    Route("R6", "GET", f"{_SESSION}/messages", _messages, find_session, _message_page),
    Route("R7", "GET", f"{_SESSION}/whiteboard_state_at_turn", _actions, find_session, _snapshot_index),
    Route(
        "R14", "POST", f"{_SESSION}/log/mini-quiz", _log, find_session, _mini_quiz,
        body="json", is_keyed=True, in_session_queue=True,
    ),
    Route(
        "R15", "POST", f"{_SESSION}/log/summary", _log, find_session, _summary,
        body="json", is_keyed=True, in_session_queue=True,
    ),
    Route("R33", "GET", f"{_SESSION}/interactions", _interactions, find_session, _log_page),
]  # fmt: skip
