"""The store on SQLite, and on PostgreSQL when TEST_DATABASE_URL is set."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from tutoring import clock
from tutoring.errors import StoreUnavailable
from tutoring.store import accounts, boards, folders, idempotency, journal, messages, retention, sessions
from tutoring.store.engine import Store
from tutoring.store.idempotency import Record, Scope
from tutoring.store.tables import processed_messages

Run = Callable[[Callable[[Store], Awaitable[Any]]], Any]


def fresh_id() -> str:
    return str(uuid.uuid4())


async def make_session(store: Store, user: str, folder_id: str | None = None) -> str:
    session_id = fresh_id()
    async with store.write() as tx:
        await sessions.add(tx, session_id, user, folder_id, {"folder_id": folder_id, "text": "\x00é"})
    return session_id


def test_rows_come_back_as_they_went_in(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        async with store.write() as tx:
            folder = await folders.add(tx, fresh_id(), user, "\x00 \ufeff 😀")
        async with store.read() as tx:
            assert await folders.find(tx, folder.id) == folder
            assert await folders.of_user(tx, user) == [folder]
            assert await folders.of_user(tx, user, as_of=folder.created_at - 1) == []

    with_store(work)


def test_a_failed_transaction_leaves_nothing(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        with pytest.raises(RuntimeError):
            async with store.write() as tx:
                await folders.add(tx, fresh_id(), user, "a")
                raise RuntimeError
        async with store.write(is_lost=True) as tx:
            await folders.add(tx, fresh_id(), user, "b")
        async with store.read() as tx:
            assert await folders.of_user(tx, user) == []

    with_store(work)


def test_a_context_is_saved_with_the_folder_of_its_row(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        async with store.write() as tx:
            folder = await folders.add(tx, fresh_id(), user, "a")
        session_id = await make_session(store, user, folder.id)
        async with store.write() as tx:
            await folders.remove(tx, folder.id)
        async with store.write() as tx:
            await sessions.save_context(tx, session_id, {"folder_id": folder.id, "more": 1})
        async with store.read() as tx:
            row = await sessions.find(tx, session_id)
            assert row is not None and row.folder_id is None
            assert row.context == {"folder_id": None, "more": 1}

    with_store(work)


def test_only_one_claim_wins(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        session_id = await make_session(store, user)

        async def claim() -> bool:
            async with store.write() as tx:
                return await sessions.claim_analysis(tx, session_id, user)

        assert sorted(await asyncio.gather(*(claim() for _ in range(4)))) == [False, False, False, True]

    with_store(work)


def test_log_rows_of_one_session_are_numbered_without_gaps(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        session_id = await make_session(store, user)
        for number in range(3):
            async with store.write() as tx:
                kinds = {"content_type": "user_action", "event_type": "next"}
                await journal.add_log(
                    tx, session_id, user, content=str(number), **kinds, client_message_id=f"m{number}"
                )
        async with store.read() as tx:
            rows = await journal.log_page(tx, session_id, 10, None)
            assert [row.content for row in rows] == ["0", "1", "2"]
            assert await journal.log_page(tx, session_id, 10, rows[1].id) == rows[2:]
            assert await journal.log_page(tx, session_id, 10, "nonsense") == []
            assert await journal.is_logged(tx, session_id, "m1")
            assert not await journal.is_logged(tx, session_id, "m9")

    with_store(work)


def test_a_key_is_stored_once_and_forgotten_after_a_day(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        scope, record = Scope(user, "POST", "/p", "k"), Record("f" * 64, 201, {"id": 1})
        async with store.write() as tx:
            await idempotency.add(tx, scope, record)
        with pytest.raises(IntegrityError):
            async with store.write() as tx:
                await idempotency.add(tx, scope, record)
        async with store.read() as tx:
            assert await idempotency.find(tx, scope) == record
        clock.set_skew_ms(idempotency.KEPT_MS + 1000)
        try:
            async with store.read() as tx:
                assert await idempotency.find(tx, scope) is None
        finally:
            clock.set_skew_ms(0)

    with_store(work)


def test_frames_are_remembered_for_a_day_and_then_purged(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        session_id = await make_session(store, user)
        async with store.write() as tx:
            await messages.remember(tx, session_id, "m", [{"a": 1}])
            await messages.remember(tx, session_id, "old", [{"a": 2}])
            long_ago = clock.now_ms() - messages.REMEMBERED_MS - 1
            await tx.execute(update(processed_messages).filter_by(client_message_id="old").values(created_at=long_ago))
        async with store.read() as tx:
            assert await messages.remembered(tx, session_id, "m") == [{"a": 1}]
            assert await messages.remembered(tx, session_id, "old") is None
        await retention.purge(store)
        async with store.read() as tx:
            assert await messages.remembered(tx, session_id, "m") == [{"a": 1}]
            left = await tx.execute(processed_messages.select().filter_by(session_id=session_id))
            assert [row.client_message_id for row in left] == ["m"]

    with_store(work)


def test_a_token_is_revoked_once(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        async with store.write() as tx:
            assert await accounts.revoke(tx, f"{user}-j", user, 2_000_000_000)
            assert not await accounts.revoke(tx, f"{user}-j", user, 2_000_000_000)
        async with store.read() as tx:
            assert await accounts.is_revoked(tx, f"{user}-j")

    with_store(work)


def test_addresses_are_unique_and_may_be_absent(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        async with store.write() as tx:
            assert await accounts.add(tx, accounts.fresh(user, f"{user}@x.y", "n", "student", None))
            assert not await accounts.add(tx, accounts.fresh(f"{user}2", f"{user}@x.y", "n", "student", None))
            assert await accounts.add(tx, accounts.fresh(f"{user}2", None, "n", "student", None))
            assert await accounts.add(tx, accounts.fresh(f"{user}3", None, "n", "student", None))

    with_store(work)


def test_a_board_of_a_deleted_session_is_not_stored_again(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        session_id = await make_session(store, user)
        async with store.write() as tx:
            await boards.save(tx, session_id, b"\x00\x01")
            await boards.save(tx, session_id, b"\x00\x02")
        async with store.read() as tx:
            assert await boards.load(tx, session_id) == b"\x00\x02"
        async with store.write() as tx:
            await sessions.remove(tx, session_id)
            await boards.save(tx, session_id, b"\x00\x03")
        async with store.read() as tx:
            assert await boards.load(tx, session_id) is None

    with_store(work)


def test_a_store_that_fails_says_so(with_store: Run) -> None:
    async def work(store: Store) -> None:
        store.is_down = lambda: True
        with pytest.raises(StoreUnavailable):
            await store.ping()
        store.is_down = lambda: False
        await store.ping()

    with_store(work)
