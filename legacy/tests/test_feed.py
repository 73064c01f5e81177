"""The change feed: every write leaves its bookkeeping, in commit order (contract rest.md §7)."""

import ast
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.feed import book, check_books, end, fresh_id, make_folder, read_page, turn
from tutoring import store as store_package
from tutoring.store import accounts, boards, folders, messages, rows, sessions
from tutoring.store.engine import Store
from tutoring.store.kinds import KINDS
from tutoring.store.pages import PAGE_BYTES_MAX
from tutoring.store.tables import folders as folder_table
from tutoring.store.tables import sessions as session_table

Run = Callable[[Callable[[Store], Awaitable[Any]]], Any]
DAY_MS = 24 * 3_600_000


def test_every_write_path_keeps_the_bookkeeping(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        one, two = fresh_id(), fresh_id()
        kept, gone = await make_folder(store, user), await make_folder(store, user)
        async with store.write() as tx:
            await folders.rename(tx, kept, "g")
            for session_id in (one, two):
                await sessions.add(tx, session_id, user, gone, {"folder_id": gone})
        for session_id in (one, two):
            await turn(store, session_id, user, 1)
            async with store.write() as tx:
                await boards.save(tx, session_id, b"\x00\x00")
                await boards.save(tx, session_id, b"\x00\x00")
                await messages.remember(tx, session_id, "m1", [{"a": 2}])
                assert await sessions.claim_analysis(tx, session_id, user)
                assert not await sessions.claim_analysis(tx, session_id, user)
        async with store.write() as tx:
            await folders.remove(tx, gone)
            await accounts.add(tx, accounts.fresh(user, f"{user}@x.y", "n", "student", None))
            assert not await accounts.add(tx, accounts.fresh(f"{user}-2", f"{user}@x.y", "n", "student", None))
            await accounts.change(tx, user, name="m")
            await accounts.change(tx, f"{user}-unknown", name="m")
            assert await accounts.revoke(tx, f"{user}-j", user, 2_000_000_000)
            assert not await accounts.revoke(tx, f"{user}-j", user, 2_000_000_000)
        async with store.read() as tx:
            await check_books(tx)
            before = await book(tx, "sessions", one)
            assert before is not None and (before.op, before.stamp.version, before.user_id) == ("upsert", 4, user)
        async with store.write() as tx:
            await sessions.remove(tx, one)
            await boards.save(tx, one, b"\x00\x00")
        async with store.read() as tx:
            await check_books(tx)
            gone_book = await book(tx, "sessions", one)
            assert gone_book is not None and (gone_book.op, gone_book.stamp.version) == ("delete", 5)
            for kind in ("session_messages", "whiteboard_snapshots", "yjs_snapshots", "processed_messages"):
                end_of_key = {"yjs_snapshots": "", "processed_messages": "/m1", "whiteboard_snapshots": "/2"}
                left = await book(tx, kind, one + end_of_key.get(kind, "/1"))
                assert left is not None and (left.op, left.user_id) == ("delete", user), kind
        seen = {each["kind"] for each in (await read_page(store, 0, user=user))["changes"]}
        assert seen == {kind.name for kind in KINDS}

    with_store(work)


def test_a_row_of_a_kind_is_written_in_one_place_only() -> None:
    """A write that goes round `rows` would be missing from the feed."""
    allowed = {"rows.py", "feed.py", "dialect.py", "apply.py", "backfill.py", "clear.py"}
    others = {"idempotency", "jobs", "documents", "embeddings"}
    for path in Path(store_package.__path__[0]).parent.rglob("*.py"):
        if path.name in allowed and path.parent.name == "store":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            if node.func.id in ("insert", "update", "delete"):
                assert ast.unparse(node.args[0]) in others, f"{path.name}:{node.lineno}"


def test_a_row_keeps_one_entry_with_a_growing_version_over_its_deletion(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        start = await end(store)
        key = fresh_id()
        for step in ("add", "rename", "remove", "add"):
            async with store.write() as tx:
                if step == "add":
                    await folders.add(tx, key, user, "f")
                elif step == "rename":
                    await folders.rename(tx, key, "g")
                else:
                    await folders.remove(tx, key)
            got = await read_page(store, start, user=user)
            assert len(got["changes"]) == 1
        only = got["changes"][0]
        assert (only["version"], only["op"], only["origin"], only["data"]["name"]) == (4, "upsert", "legacy", "f")
        assert (got["cursor"], got["more"]) == (start + 4, False)

    with_store(work)


def test_what_is_taken_back_leaves_no_change(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        start = await end(store)
        async with store.write(is_lost=True) as tx:
            await folders.add(tx, fresh_id(), user, "lost")
        with pytest.raises(RuntimeError):
            async with store.write() as tx:
                await folders.add(tx, fresh_id(), user, "failed")
                raise RuntimeError
        assert await end(store) == start
        await make_folder(store, user)
        assert await end(store) == start + 1

    with_store(work)


def test_pages_follow_each_other_and_a_filtered_reader_moves_on_too(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        start = await end(store)
        mine = [await make_folder(store, user) for _ in range(5)]
        others = [await make_folder(store, f"{user}-other") for _ in range(3)]
        keys, cursor, is_more = [], start, True
        while is_more:
            got = await read_page(store, cursor, 3)
            keys += [each["key"] for each in got["changes"]]
            is_more, cursor = got["more"], got["cursor"]
        assert (keys, cursor) == ([*mine, *others], start + 8)
        first = await read_page(store, start, 5, user)
        assert (len(first["changes"]), first["cursor"], first["more"]) == (5, start + 8, False)
        two = await read_page(store, start, 2, user)
        assert (two["cursor"], two["more"]) == (start + 2, True)
        assert (await read_page(store, start + 99))["cursor"] == start + 99

    with_store(work)


def test_a_page_ends_early_when_its_changes_are_large(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        start = await end(store)
        keys = [await make_folder(store, user, "x" * (PAGE_BYTES_MAX // 2)) for _ in range(4)]
        first = await read_page(store, start)
        assert ([each["key"] for each in first["changes"]], first["more"]) == (keys[:2], True)
        rest = await read_page(store, first["cursor"])
        assert ([each["key"] for each in rest["changes"]], rest["more"]) == (keys[2:], False)

    with_store(work)


def test_numbers_are_given_in_commit_order_whoever_writes(
    open_store: Callable[[], Awaitable[Store]], user: str
) -> None:
    """A reader beside writers of several processes never meets a number below one it has seen."""

    async def work() -> None:
        stores = [await open_store() for _ in range(3)]
        start = await end(stores[0])
        seen: list[int] = []

        async def follow() -> None:
            cursor = start
            while len(seen) < 60:
                got = await read_page(stores[0], cursor, 1000, user)
                seen.extend(each["seq"] for each in got["changes"])
                cursor = got["cursor"]

        reading = asyncio.create_task(follow())
        await asyncio.gather(*(make_folder(stores[number % 3], user) for number in range(60)))
        await asyncio.wait_for(reading, 10)
        assert seen == list(range(start + 1, start + 61))
        for store in stores:
            await store.close()

    asyncio.run(work())


def test_a_write_outside_a_writing_transaction_fails(tmp_path: Path, user: str) -> None:
    async def work() -> None:
        store = await Store.open(tmp_path, None)
        with pytest.raises(KeyError):
            async with store.read() as tx:
                await rows.change(tx, session_table, session_table.c.id == "x", ended_at=1)
                await rows.add(tx, folder_table, id="x", user_id=user, name="n", created_at=1, updated_at=1)
        await store.close()

    asyncio.run(work())
