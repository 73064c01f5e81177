"""A user's data for the other arm: digest, changes, export (contract rest.md §7)."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from ..errors import ApiError
from ..intake import BUSY_S, take_changes
from ..jsonwire import InvalidJson, parse
from ..store import clear, pages
from ..store.change import ORIGINS
from ..store.digest import digest
from ..store.feed import users_behind
from .body import not_json
from .call import Call, Reply, Route
from .streamed import Primed
from .validation import Fields, clamped

CHANGES_MAX = 1000
# One change may be a board of 32 MiB, which base64 makes a third longer.
BODY_BYTES_MAX = 64 * 1024 * 1024
_PAGE = 500
_FLUSH_S = 1.0  # as long as a board may take to be stored (contract whiteboard-socket.md §3.5)


async def _digest(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    async with call.runtime.store.read_long() as tx:
        return Reply(200, await digest(tx, call.ids["user_id"]))


def _page(call: Call) -> pages.Wanted:
    fields = Fields(call.query, "query")
    after, limit = clamped(fields.integer("after", 0, 0)), fields.integer("limit", _PAGE, 1, CHANGES_MAX)
    user_id, origin = fields.optional_text("user_id"), fields.optional_word("origin", ORIGINS)
    fields.done()
    return pages.Wanted(after, limit, user_id, origin)


async def _changes(call: Call, _tx: None, _target: None, wanted: pages.Wanted) -> Reply:
    if wanted.user_id is not None:  # a carry comes right behind the sockets' end: what they have shown goes with it
        # Not cancelled when its time is over: half a flush stores nothing.
        await asyncio.wait({asyncio.create_task(call.runtime.boards.flush_of(wanted.user_id))}, timeout=_FLUSH_S)
    try:
        async with call.runtime.store.read() as tx:
            page = await pages.page(tx, wanted)
    except pages.Expired as expired:
        raise ApiError(410, "CURSOR_EXPIRED", "Changes behind this cursor may be gone; export instead.") from expired
    return Reply(200, raw=page.body(), headers={"Cache-Control": "no-store"})


def _user_page(call: Call) -> tuple[str | None, int]:
    fields = Fields(call.query, "query")
    after, limit = fields.optional_text("after"), fields.integer("limit", _PAGE, 1, CHANGES_MAX)
    fields.done()
    return after, limit


async def _users(call: Call, _tx: None, _target: None, arguments: tuple[str | None, int]) -> Reply:
    """Whom to copy or compare: the feed alone does not say it once it has forgotten something."""
    after, limit = arguments
    async with call.runtime.store.read() as tx:
        users = await users_behind(tx, after, limit + 1)
    return Reply(200, {"users": users[:limit], "more": len(users) > limit})


def _given(call: Call) -> list[Any]:
    try:
        body = parse(call.raw) if call.raw else None
    except InvalidJson as error:
        raise not_json(error) from error
    fields = Fields.of_body(body, not call.raw)
    given = fields.items("changes", CHANGES_MAX)
    fields.done()
    return given


async def _take(call: Call, _tx: None, _target: None, given: list[Any]) -> Reply:
    outcome = await take_changes(call.runtime, given)
    if outcome.conflicts:
        call.runtime.log.warn("changes conflict", requestId=call.request_id, count=len(outcome.conflicts))
    return Reply(200, outcome.body())


async def _export(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    lines = Primed(pages.export(call.runtime.store, call.ids["user_id"]))
    await lines.prime()
    return Reply(200, stream=lines, media_type="application/x-ndjson")


async def _clear(call: Call, _tx: None, _target: None, _arguments: None) -> Reply:
    """No turn of the user's sessions runs meanwhile; their sockets are closed: nothing is left to talk about."""
    runtime, user_id = call.runtime, call.ids["user_id"]
    async with runtime.store.read() as tx:
        session_ids = sorted(await clear.sessions_of(tx, user_id))
    async with AsyncExitStack() as stack:
        for session_id in session_ids:
            await stack.enter_async_context(runtime.live.slot(session_id, user_id, BUSY_S))
        async with runtime.store.write() as tx:
            await clear.clear(tx, user_id)
    for session_id in session_ids:
        runtime.session_deleted(session_id)
    runtime.callers.forget(user_id)
    return Reply(204)


def _route(name: str, method: str, path: str, run: Any, **more: Any) -> Route:
    return Route(
        name,
        method,
        f"/internal/{path}",
        run,
        auth="service",
        is_exempt=True,
        touches_store=False,
        has_uuids=False,
        **more,
    )


ROUTES = [
    _route("users", "GET", "users", _users, check=_user_page),
    _route("digest", "GET", "users/{user_id}/digest", _digest),
    _route("export", "GET", "users/{user_id}/export", _export),
    _route("changes", "GET", "changes", _changes, check=_page),
    _route("changes", "POST", "changes", _take, check=_given, body_bytes_max=BODY_BYTES_MAX),
]
# Of instances that serve nobody: elsewhere this path is unknown.
SHADOW_ROUTES = [_route("clear", "DELETE", "users/{user_id}", _clear)]
