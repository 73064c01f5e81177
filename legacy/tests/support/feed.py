"""What the tests of the feed share: the other arm's changes, and the rule that ties bookkeeping to rows."""

import base64
import json
import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from tutoring.board.merge import merge_states
from tutoring.ids import derived
from tutoring.store import feed, folders, journal, messages, sessions
from tutoring.store.apply import Outcome, apply
from tutoring.store.apply_board import MergedBoard, find_boards, store_boards
from tutoring.store.change import read_change
from tutoring.store.engine import Store
from tutoring.store.feed import Book
from tutoring.store.kinds import KINDS
from tutoring.store.pages import Wanted, page
from tutoring.store.tables import changes

NOW = 1_700_000_000_000


def fresh_id() -> str:
    return str(uuid.uuid4())


def change(kind: str, key: str, user: str, data: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    made = {
        "seq": 1,
        "kind": kind,
        "op": "delete" if data is None else "upsert",
        "key": key,
        "user_id": user,
        "version": 1,
        "origin": "candidate",
        "at": NOW,
        **more,
    }
    return made if data is None else {**made, "data": data}


def folder(key: str, user: str, name: str = "f", **more: Any) -> dict[str, Any]:
    data = {"id": key, "user_id": user, "name": name, "vector_store_id": None, "knowledge_base": None}
    return change("folders", key, user, {**data, "created_at": NOW, "updated_at": NOW}, **more)


def session(key: str, user: str, context: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    data = {"id": key, "user_id": user, "folder_id": None, "context": context or {}, "analysis_status": None}
    times = {"session_analysis": None, "created_at": NOW, "updated_at": NOW, "ended_at": None}
    return change("sessions", key, user, {**data, **times}, **more)


def message(session_id: str, turn_no: int, user: str, text: str = "t", **more: Any) -> dict[str, Any]:
    data = {"session_id": session_id, "turn_no": turn_no, "role": "user", "text": text, "payload_json": None}
    rest = {"whiteboard_snapshot_index": None, "client_message_id": None, "created_at": NOW}
    return change("session_messages", f"{session_id}/{turn_no}", user, {**data, **rest}, **more)


def drawing(session_id: str, index: int, user: str, actions: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    data = {"session_id": session_id, "snapshot_index": index, "actions_json": actions, "created_at": NOW}
    return change("whiteboard_snapshots", f"{session_id}/{index}", user, data, **more)


def log(session_id: str, number: int, user: str, **more: Any) -> dict[str, Any]:
    key = derived("log", session_id, number)
    data = {"id": key, "session_id": session_id, "user_id": user, "role": "user", "content": str(number)}
    rest = {"content_type": "user_input", "event_type": "user_message", "created_at": NOW}
    return change("interaction_logs", key, user, {**data, **rest}, **more)


def learnt(session_id: str, number: int, user: str, **more: Any) -> dict[str, Any]:
    key = derived("concept_event", session_id, number)
    data = {"id": key, "session_id": session_id, "user_id": user, "concept": "c", "outcome": "correct"}
    return change("concept_events", key, user, {**data, "delta_mastery": 0.25, "created_at": NOW}, **more)


def account(key: str, email: str | None, **more: Any) -> dict[str, Any]:
    data = {"id": key, "email": email, "name": "n", "password": None, "role": "student", "subscription_tier": "free"}
    rest: dict[str, Any] = {"learning_preferences": {}, "emotional_profile": {}, "ability": 0.5, "failed_logins": 0}
    times = {"locked_until": None, "created_at": NOW, "last_active": NOW}
    return change("accounts", key, key, {**data, **rest, **times}, **more)


def board(session_id: str, user: str, state: bytes, **more: Any) -> dict[str, Any]:
    data = {"session_id": session_id, "state": base64.b64encode(state).decode(), "updated_at": NOW}
    return change("yjs_snapshots", session_id, user, data, **more)


async def applied(store: Store, *given: dict[str, Any]) -> Outcome:
    async with store.write() as tx:
        return await apply(tx, [read_change(each) for each in given])


async def book(tx: AsyncConnection, kind: str, key: str) -> Book | None:
    return (await feed.books_of(tx, [(kind, key)])).get((kind, key))


async def check_books(tx: AsyncConnection) -> None:
    """Each live row has one row of bookkeeping that says so, and nothing else has."""
    for kind in KINDS:
        rows = {kind.key_text(dict(row)) for row in (await tx.execute(select(*kind.key))).mappings()}
        of_kind = select(changes.c.key).where(changes.c.kind == kind.name)
        live = set((await tx.execute(of_kind.where(changes.c.op == "upsert"))).scalars())
        gone = set((await tx.execute(of_kind.where(changes.c.op == "delete"))).scalars())
        assert live == rows, kind.name
        assert not gone & rows, kind.name
    numbers = list((await tx.execute(select(changes.c.seq).order_by(changes.c.seq))).scalars())
    last, horizon = await feed.bounds(tx)
    assert len(set(numbers)) == len(numbers) and all(0 < number <= last for number in numbers)
    assert 0 <= horizon <= last


def told(outcome: Outcome) -> tuple[int, int, list[str], int]:
    return (outcome.applied, outcome.skipped, [each["reason"] for each in outcome.rejected], len(outcome.conflicts))


async def merged(store: Store, given: dict[str, Any]) -> tuple[tuple[int, int, list[str], int], bytes | None]:
    """What became of it, and what of it was news here."""
    change = read_change(given)
    assert change.data is not None
    async with store.write() as tx:
        [found] = await find_boards(tx, [change])
        if isinstance(found, Outcome):
            return told(found), None
        both = merge_states(found.board.state if found.board else None, change.data["state"])
        [outcome] = await store_boards(tx, [MergedBoard(change, found, both)])
    assert outcome is not None
    return told(outcome), both.news


async def make_folder(store: Store, user: str, name: str = "f") -> str:
    async with store.write() as tx:
        return (await folders.add(tx, fresh_id(), user, name)).id


async def read_page(
    store: Store, after: int, limit: int = 1000, user: str | None = None, origin: str | None = None
) -> dict[str, Any]:
    async with store.read() as tx:
        body: dict[str, Any] = json.loads((await page(tx, Wanted(after, limit, user, origin))).body())
        return body


async def end(store: Store) -> int:
    async with store.read() as tx:
        return (await feed.bounds(tx))[0]


async def turn(store: Store, session_id: str, user: str, number: int) -> None:
    payload: dict[str, Any] = {"whiteboard_actions": [{"type": "CLEAR_BOARD"}]}
    async with store.write() as tx:
        kinds = {"content_type": "user_input", "event_type": "user_message"}
        await journal.add_log(tx, session_id, user, content="hi", **kinds, client_message_id=f"m{number}")
        await messages.add_user(tx, session_id, number, "hi", f"m{number}")
        await messages.add_assistant(tx, session_id, number + 1, "ho", payload)
        await journal.add_concept_event(tx, session_id, user, "c", "correct", 0.1)
        await sessions.save_context(tx, session_id, {"latest_turn_no": number + 1})
        await messages.remember(tx, session_id, f"m{number}", [{"a": 1}])
