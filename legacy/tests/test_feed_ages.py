"""The change feed over time: what was before it, what is dropped, what a wrong clock does (contract rest.md §7)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from tests.support.feed import applied, book, check_books, end, folder, fresh_id, make_folder, read_page, turn
from tutoring import clock
from tutoring.store import accounts, backfill, boards, folders, messages, retention, sessions
from tutoring.store.engine import Store
from tutoring.store.pages import Expired
from tutoring.store.tables import changes, processed_messages, revoked_tokens

Run = Callable[[Callable[[Store], Awaitable[Any]]], Any]
DAY_MS = 24 * 3_600_000


def test_rows_from_before_the_feed_get_bookkeeping(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        session_id, odd = fresh_id(), f"\x01{user}\x00"
        async with store.write() as tx:
            await accounts.add(tx, accounts.fresh(odd, None, "n", "student", None))
            await sessions.add(tx, session_id, odd, None, {})
        await turn(store, session_id, odd, 1)
        async with store.write() as tx:
            await boards.save(tx, session_id, b"\x00\x00")
        start = await end(store)
        for number in range(2):  # the second time there is nothing left to do
            async with store.write() as tx:
                if number == 0:
                    await tx.execute(delete(changes).where(changes.c.user_id == odd))
                await backfill.book_the_unbooked(tx)
            got = await read_page(store, start, user=odd)
            assert [each["seq"] for each in got["changes"]] == list(range(start + 1, start + 10))
            assert {(each["version"], each["origin"], each["op"]) for each in got["changes"]} == {
                (1, "legacy", "upsert")
            }
            assert got["changes"][0]["key"] == got["changes"][0]["data"]["id"] == odd
        async with store.read() as tx:
            await check_books(tx)

    with_store(work)


def test_a_feed_of_the_version_before_gets_the_columns_that_are_new(tmp_path: Path, user: str) -> None:
    async def work() -> None:
        store = await Store.open(tmp_path, None)
        await make_folder(store, user)
        async with store.write() as tx:
            await tx.execute(text("ALTER TABLE changes DROP COLUMN seen"))
        await store.close()
        for _ in range(2):
            store = await Store.open(tmp_path, None)
            [change] = (await read_page(store, 0))["changes"]
            assert (change["version"], change["seen"]) == (1, 0)
            await store.close()

    asyncio.run(work())


def test_a_database_of_the_version_before_is_taken_over_at_its_opening(tmp_path: Path, user: str) -> None:
    async def work() -> None:
        store = await Store.open(tmp_path, None)
        key = await make_folder(store, user)
        async with store.write() as tx:
            for name in ("changes", "feed"):
                await tx.execute(text(f"DROP TABLE {name}"))
            await tx.execute(text("DROP INDEX ix_interaction_logs_user_id"))
        await store.close()
        for _ in range(2):
            store = await Store.open(tmp_path, None)
            got = await read_page(store, 0)
            assert [(each["seq"], each["key"]) for each in got["changes"]] == [(1, key)]
            await store.close()

    asyncio.run(work())


def test_purges_by_age_are_no_changes(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        session_id = fresh_id()
        async with store.write() as tx:
            await sessions.add(tx, session_id, user, None, {})
            await messages.remember(tx, session_id, "old/1", [{"a": 1}])
            await accounts.revoke(tx, f"{user}-j", user, 1)
        last = await end(store)
        async with store.write() as tx:
            old = update(processed_messages).filter_by(session_id=session_id)
            await tx.execute(old.values(created_at=1))
        await retention.purge(store)
        assert await end(store) == last
        async with store.read() as tx:
            await check_books(tx)
            assert await book(tx, "processed_messages", f"{session_id}/old/1") is None
            assert await book(tx, "revoked_tokens", f"{user}-j") is None
            assert (await tx.execute(revoked_tokens.select().filter_by(user_id=user))).first() is None

    with_store(work)


def test_tombstones_are_dropped_after_seven_days_and_the_horizon_moves(
    tmp_path: Path, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        store = await Store.open(tmp_path, None)
        now = clock.true_unix()
        monkeypatch.setattr(clock, "true_unix", lambda: now - 8 * DAY_MS / 1000)
        kept, gone = await make_folder(store, user), await make_folder(store, user)
        async with store.write() as tx:
            await folders.remove(tx, gone)
        monkeypatch.setattr(clock, "true_unix", lambda: now)
        await retention.purge(store)
        assert await end(store) == 3
        with pytest.raises(Expired):
            await read_page(store, 2)
        assert (await read_page(store, 3))["changes"] == []
        young = await make_folder(store, user)
        async with store.write() as tx:
            await folders.rename(tx, kept, "g")
        await retention.purge(store)
        got = await read_page(store, 3)
        assert [(each["key"], each["version"]) for each in got["changes"]] == [(young, 1), (kept, 2)]
        async with store.read() as tx:
            assert await book(tx, "folders", gone) is None
        await store.close()

    asyncio.run(work())


def test_an_old_change_of_the_other_arm_is_young_here(tmp_path: Path, user: str) -> None:
    """Its `at` may be older than the feed's seven days; our own readers have not seen it yet."""

    async def work() -> None:
        store = await Store.open(tmp_path, None)
        await applied(store, folder(fresh_id(), user, at=1))
        await retention.purge(store)
        got = await read_page(store, 0)
        assert [each["at"] for each in got["changes"]] == [1]
        await store.close()

    asyncio.run(work())


def test_a_skewed_clock_moves_times_but_never_the_order(tmp_path: Path, user: str) -> None:
    async def work() -> None:
        store = await Store.open(tmp_path, None)
        first = await make_folder(store, user)
        clock.set_skew_ms(-3_600_000)
        try:
            second = await make_folder(store, user)
        finally:
            clock.set_skew_ms(0)
        got = (await read_page(store, 0))["changes"]
        assert [each["key"] for each in got] == [first, second]
        assert got[1]["at"] < got[0]["at"] - 3_000_000
        await store.close()

    asyncio.run(work())
