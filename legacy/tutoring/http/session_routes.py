"""R5, R19-R21: sessions (contract rest.md §3)."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..errors import ApiError
from ..ids import canonical_uuid, kid
from ..session.context import fresh_context, load_context
from ..store import folders, sessions
from ..store.sessions import SessionRow
from .call import Call, Reply, Route
from .ownership import find_session
from .paging import next_of, read_page


def _body(call: Call, row: SessionRow) -> dict[str, Any]:
    context = load_context(row.context, call.runtime.context_repaired)
    return {
        "id": row.id,
        "folder_id": row.folder_id,
        "interaction_mode": context["interaction_mode"],
        "latest_turn_no": context["latest_turn_no"],
        "analysis_status": row.analysis_status,
        "created_at": clock.ts(row.created_at),
        "updated_at": clock.ts(row.updated_at),
        "ended_at": clock.ts_or_none(row.ended_at),
    }


async def _create(call: Call, tx: AsyncConnection, _target: None, _arguments: None) -> Reply:
    wanted = (call.body or {}).get("folder_id")
    folder = None
    if wanted:
        folder_id = canonical_uuid(wanted) if isinstance(wanted, str) else None
        if folder_id is None:
            raise ApiError(400, "INVALID_FOLDER_ID", "folder_id is not a UUID.")
        folder = await folders.find(tx, folder_id)
        if folder and folder.user_id != call.user_id and not call.faults.fires("skip-ownership"):
            folder = None
    session_id = kid("session", call.user_id, call.path, call.key)
    context = fresh_context(session_id, call.user_id, folder)
    await sessions.add(tx, session_id, call.user_id, folder.id if folder else None, context)
    return Reply(201, {"session_id": session_id})


def _page(call: Call) -> tuple[int, str | None]:
    return read_page(call.query, 100, "before")


async def _list(call: Call, tx: AsyncConnection, _target: None, arguments: tuple[int, str | None]) -> Reply:
    limit, before = arguments
    found = await sessions.page(tx, call.user_id, limit + 1, before, call.as_of)
    shown = [_body(call, row) for row in found[:limit]]
    return Reply(200, {"sessions": shown, "next_before": next_of(found, limit)})


async def _show(call: Call, _tx: AsyncConnection, session: SessionRow, _arguments: None) -> Reply:
    return Reply(200, _body(call, session))


async def _delete(call: Call, tx: AsyncConnection, session: SessionRow, _arguments: None) -> Reply:
    await sessions.remove(tx, session.id)
    call.after_commit.append(lambda: call.runtime.session_deleted(session.id))
    return Reply(204)


ROUTES = [
    Route("R5", "POST", "/api/v1/sessions", _create, body="lenient", is_keyed=True),
    Route("R19", "GET", "/api/v1/sessions", _list, check=_page),
    Route("R20", "GET", "/api/v1/sessions/{session_id}", _show, find_session),
    Route(
        "R21", "DELETE", "/api/v1/sessions/{session_id}", _delete, find_session, is_keyed=True, in_session_queue=True
    ),
]
