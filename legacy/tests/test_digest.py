"""Digest and export of a user (contract rest.md §7)."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import update

from tests.support.feed import (
    NOW,
    account,
    applied,
    change,
    drawing,
    folder,
    fresh_id,
    learnt,
    log,
    merged,
    message,
    session,
)
from tests.test_boards import Client
from tutoring import clock
from tutoring.store import accounts, boards, messages
from tutoring.store.digest import digest
from tutoring.store.engine import Store
from tutoring.store.kinds import KINDS
from tutoring.store.pages import export
from tutoring.store.tables import processed_messages
from tutoring.store.texts import without_times

Run = Callable[[Callable[[Store], Awaitable[Any]]], Any]
EMPTY = hashlib.sha256(b"[]").hexdigest()


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def digest_of(store: Store, user: str) -> dict[str, Any]:
    async with store.read() as tx:
        return await digest(tx, user)


async def lines_of(store: Store, user: str) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in export(store, user)]


async def fill(store: Store, user: str) -> str:
    """Something of every kind."""
    sid = fresh_id()
    board = Client()
    board.set("a", {"n": 1.0, "created_at": 5})
    given = [
        account(user, f"{user}@x.y"),
        *(folder(fresh_id(), user, str(number)) for number in range(60)),
        session(sid, user, {"latest_turn_no": 2, "user_model_state": {"concepts": {"c": {"last_accessed": "now"}}}}),
        *(message(sid, number, user) for number in range(1, 13)),
        drawing(sid, 2, user, [{"type": "CLEAR_BOARD"}]),
        *(log(sid, number, user) for number in range(1, 4)),
        learnt(sid, 1, user),
        change("revoked_tokens", f"{user}-j", user, {"jti": f"{user}-j", "user_id": user, "expires_at": 2**42}),
    ]
    given[0]["data"]["password"] = "secret hash"
    assert (await applied(store, *given)).rejected == []
    async with store.write() as tx:
        await messages.remember(tx, sid, "m/1", [{"content_type": "message"}])
        await boards.save(tx, sid, board.doc.get_update())
    return sid


def test_an_unknown_user_has_nothing_of_any_kind(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        made = await digest_of(store, user)
        nothing = {"count": 0, "hash": EMPTY, "full_hash": EMPTY}
        assert made["sections"] == {kind.name: nothing for kind in KINDS}
        expected = sha("[" + ",".join([f'"{EMPTY}"'] * len(KINDS)) + "]")
        assert made["hash"] == made["full_hash"] == expected
        assert await lines_of(store, user) == [{"cursor": made["cursor"], "full_hash": expected}]

    with_store(work)


def test_a_section_is_the_canonical_list_of_its_rows(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        one, two = sorted((fresh_id(), fresh_id()))
        await applied(store, folder(two, user, "é"), folder(one, user, "x"))
        section = (await digest_of(store, user))["sections"]["folders"]
        rows, bare = [], []
        for key, name in ((one, "x"), (two, "é")):
            ends = f'"user_id":"{user}","vector_store_id":null}}'
            start, middle = f'{{"created_at":{NOW},', f'"id":"{key}","knowledge_base":null,"name":"{name}",'
            rows.append(start + middle + f'"updated_at":{NOW},' + ends)
            bare.append("{" + middle + ends)
        assert section == {
            "count": 2,
            "full_hash": sha("[" + ",".join(rows) + "]"),
            "hash": sha("[" + ",".join(bare) + "]"),
        }

    with_store(work)


def test_times_are_left_out_at_every_depth() -> None:
    deep = {"a": [{"time": 1, "b": {"last_accessed": "x", "c": [1, {"timestamp": 2}]}}], "updated_at": 3}
    assert without_times(deep) == {"a": [{"b": {"c": [1, {}]}}]}


def test_rows_past_their_retention_do_not_count_although_they_are_there(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid = fresh_id()
        await applied(store, session(sid, user))
        before = await digest_of(store, user)
        async with store.write() as tx:
            await messages.remember(tx, sid, "m", [{"a": 1}])
            await accounts.revoke(tx, f"{user}-j", user, 5)
            old = clock.now_ms() - messages.REMEMBERED_MS
            await tx.execute(update(processed_messages).filter_by(session_id=sid).values(created_at=old))
        assert (await digest_of(store, user))["sections"] == before["sections"]
        assert {line.get("kind") for line in await lines_of(store, user)} == {"sessions", None}

    with_store(work)


def test_a_password_travels_but_counts_in_no_digest(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        async with store.write() as tx:
            await accounts.add(tx, accounts.fresh(user, None, "n", "student", "one"))
        before = (await digest_of(store, user))["full_hash"]
        async with store.write() as tx:
            await accounts.change(tx, user, password="two")
        assert (await digest_of(store, user))["full_hash"] == before
        assert (await lines_of(store, user))[0]["data"]["password"] == "two"

    with_store(work)


def test_an_export_is_sorted_and_its_last_line_is_the_digest(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid = await fill(store, user)
        await fill(store, f"{user}-other")
        *rows, last = await lines_of(store, user)
        names = [(each["kind"], each["key"]) for each in rows]
        assert names == sorted(names) and {kind for kind, _ in names} == {kind.name for kind in KINDS}
        # As text: turn 10 comes before turn 2.
        assert names.index(("session_messages", f"{sid}/10")) < names.index(("session_messages", f"{sid}/2"))
        assert {each["op"] for each in rows} == {"upsert"} and {each["user_id"] for each in rows} == {user}
        made = await digest_of(store, user)
        assert last == {"cursor": made["cursor"], "full_hash": made["full_hash"]}
        assert sum(section["count"] for section in made["sections"].values()) == len(rows)

    with_store(work)


def test_a_copy_has_the_same_digest(with_store: Run, user: str) -> None:
    """The rows taken out, forgotten, and applied again in the order of the export: children before their session."""

    async def work(store: Store) -> None:
        sid = await fill(store, user)
        *rows, last = await lines_of(store, user)
        gone = [
            change(each["kind"], each["key"], user, None, version=100) for each in rows if each["kind"] != "folders"
        ]
        await applied(store, *gone)
        assert (await digest_of(store, user))["full_hash"] != last["full_hash"]
        again = [{**each, "version": 200 + each["version"]} for each in rows]
        outcome = await applied(store, *(each for each in again if each["kind"] != "yjs_snapshots"))
        assert outcome.rejected == []
        board = next(each for each in again if each["kind"] == "yjs_snapshots")
        assert base64.b64decode(board["data"]["state"]) != b"\x00\x00"
        assert (await merged(store, board))[0] == (1, 0, [], 0)
        assert board["key"] == sid
        assert (await digest_of(store, user))["full_hash"] == last["full_hash"]

    with_store(work)


def test_an_odd_user_id_is_found_and_sorted_as_it_is(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        odd = f"\x01{user}\x00é"
        keys = [f"{user}{end}" for end in ("\x01", "\x00", "é", "😀", "\ufffd", "Z", "a")]
        for key in keys:
            data = {"jti": key, "user_id": odd, "expires_at": 2**42}
            await applied(store, change("revoked_tokens", key, odd, data))
        assert [line["key"] for line in (await lines_of(store, odd))[:-1]] == sorted(keys)

    with_store(work)
