"""Applying the other arm's changes (contract rest.md §7)."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import select

from tests.support.feed import (
    account,
    applied,
    board,
    book,
    change,
    check_books,
    drawing,
    folder,
    fresh_id,
    learnt,
    log,
    merged,
    message,
    read_page,
    session,
    told,
)
from tutoring.ids import derived
from tutoring.store import accounts, boards, folders, journal, messages, sessions
from tutoring.store.engine import Store
from tutoring.store.tables import interaction_logs

Run = Callable[[Callable[[Store], Awaitable[Any]]], Any]


async def name_of(store: Store, key: str) -> str | None:
    async with store.read() as tx:
        found = await folders.find(tx, key)
        return found.name if found else None


def test_the_later_write_wins_and_equal_ones_go_by_origin(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        key = fresh_id()
        assert told(await applied(store, folder(key, user, "1"))) == (1, 0, [], 0)
        assert told(await applied(store, folder(key, user, "1"))) == (0, 1, [], 0)
        assert told(await applied(store, folder(key, user, "3", version=3))) == (1, 0, [], 0)
        # An older state of the same history is nobody's loss.
        assert told(await applied(store, folder(key, user, "2", version=2))) == (0, 1, [], 0)
        # The other arm's write of the same version: it wins by its name, and ours is lost.
        assert told(await applied(store, folder(key, user, "L", version=3, origin="legacy"))) == (1, 0, [], 1)
        # What has been here already loses nothing by coming again.
        assert told(await applied(store, folder(key, user, "3", version=3))) == (0, 1, [], 0)
        assert told(await applied(store, folder(key, user, "L", version=2))) == (0, 1, [], 0)
        assert await name_of(store, key) == "L"
        async with store.write() as tx:
            await folders.rename(tx, key, "own")
        async with store.read() as tx:
            found = await book(tx, "folders", key)
            assert found is not None and found.stamp.rank == (4, "legacy")
            await check_books(tx)

    with_store(work)


def test_a_write_that_ours_goes_on_from_is_no_loss_when_it_comes_again(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        key = fresh_id()
        await applied(store, folder(key, user, "theirs", version=2))
        async with store.write() as tx:
            await folders.rename(tx, key, "ours")
        assert told(await applied(store, folder(key, user, "theirs", version=2))) == (0, 1, [], 0)
        # One that has not been here is a loss.
        assert told(await applied(store, folder(key, user, "unknown", version=3))) == (0, 1, [], 1)
        [sent] = (await read_page(store, 0, user=user))["changes"]
        assert (sent["version"], sent["seen"]) == (3, 2)

    with_store(work)


def test_a_write_of_ours_that_a_later_one_did_not_know_of_is_named(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        key = fresh_id()
        async with store.write() as tx:
            await folders.add(tx, key, user, "1")
        assert told(await applied(store, folder(key, user, "2", version=2, seen=1))) == (1, 0, [], 0)
        async with store.write() as tx:
            await folders.rename(tx, key, "3")
        assert told(await applied(store, folder(key, user, "4", version=4, seen=1))) == (1, 0, [], 1)
        assert told(await applied(store, folder(key, user, "6", version=6, seen=1))) == (1, 0, [], 0)
        [sent] = (await read_page(store, 0, user=user))["changes"]
        assert sent["origin"] == "candidate" and "seen" not in sent

    with_store(work)


def test_a_change_keeps_its_stamp_and_gets_a_new_number(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        key = fresh_id()
        async with store.write() as tx:
            await folders.add(tx, key, user, "own")
        async with store.read() as tx:
            before = await book(tx, "folders", key)
        await applied(store, folder(key, user, "theirs", version=7, at=5))
        async with store.read() as tx:
            after = await book(tx, "folders", key)
        assert before is not None and after is not None and after.seq == before.seq + 1
        assert (after.stamp.version, after.stamp.origin, after.stamp.at) == (7, "candidate", 5)

    with_store(work)


def test_a_tombstone_holds_against_older_writes(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        key = fresh_id()
        gone = change("folders", key, user, None, version=3)
        assert told(await applied(store, gone)) == (1, 0, [], 0)
        assert told(await applied(store, folder(key, user, version=2))) == (0, 1, [], 0)
        assert told(await applied(store, folder(key, user, version=2, origin="legacy"))) == (0, 1, [], 1)
        assert await name_of(store, key) is None
        assert told(await applied(store, folder(key, user, version=4))) == (1, 0, [], 0)
        assert told(await applied(store, change("folders", key, user, None, version=5))) == (1, 0, [], 0)
        async with store.write() as tx:
            await folders.add(tx, key, user, "again")
        async with store.read() as tx:
            found = await book(tx, "folders", key)
            assert found is not None and found.stamp.rank == (6, "legacy")
            await check_books(tx)

    with_store(work)


def test_rows_wait_for_their_session_in_any_order(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid = fresh_id()
        children = [message(sid, 1, user), drawing(sid, 1, user, [{"type": "CLEAR_BOARD"}]), log(sid, 1, user)]
        early = await applied(store, *children)
        assert early.applied == 0 and all(each["reason"].startswith("later: ") for each in early.rejected)
        # In one body the session may come behind its rows: a session is written again by every turn.
        assert told(await applied(store, *children, session(sid, user))) == (4, 0, [], 0)
        async with store.read() as tx:
            assert await messages.last_turn_no(tx, sid) == 1
            await check_books(tx)

    with_store(work)


def test_a_deleted_session_takes_its_rows_and_lets_none_in(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid = fresh_id()
        event = learnt(sid, 1, user)
        await applied(store, session(sid, user), message(sid, 1, user), log(sid, 1, user), event)
        gone = change("sessions", sid, user, None, version=2)
        late = [message(sid, 2, user), log(sid, 2, user)]
        outcome = await applied(store, message(sid, 3, user), gone, *late)
        assert (told(outcome), outcome.removed_sessions) == ((2, 2, [], 0), [sid])
        tombstones = [change("session_messages", f"{sid}/1", user, None, version=2)]
        assert told(await applied(store, *tombstones)) == (1, 0, [], 0)
        async with store.read() as tx:
            assert await sessions.find(tx, sid) is None
            assert await journal.log_page(tx, sid, 10, None) == []
            kept = await book(tx, "concept_events", event["key"])
            assert kept is not None and kept.op == "upsert"  # learning outlives its session
            await check_books(tx)
        assert told(await applied(store, learnt(sid, 2, user))) == (1, 0, [], 0)

    with_store(work)


def test_a_board_outlives_a_deletion_when_its_session_does(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid = fresh_id()
        await applied(store, session(sid, user))
        async with store.write() as tx:
            await boards.save(tx, sid, b"\x00\x00")
        gone = change("yjs_snapshots", sid, user, None, version=4)
        assert told(await applied(store, gone)) == (0, 1, [], 0)
        async with store.read() as tx:
            kept = await book(tx, "yjs_snapshots", sid)
            assert kept is not None and (kept.op, kept.stamp.rank) == ("upsert", (5, "legacy"))
            assert await boards.load(tx, sid) == b"\x00\x00"
        session_gone = change("sessions", sid, user, None, version=2)
        assert told(await applied(store, {**gone, "version": 6}, session_gone)) == (1, 1, [], 0)
        async with store.read() as tx:
            assert await boards.load(tx, sid) is None
            await check_books(tx)

    with_store(work)


def test_learning_of_a_session_nobody_knows_any_more_is_copied_too(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        assert told(await applied(store, learnt(fresh_id(), 3, user))) == (1, 0, [], 0)

    with_store(work)


def test_a_folder_goes_alone(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        key, sid = fresh_id(), fresh_id()
        async with store.write() as tx:
            await folders.add(tx, key, user, "f")
            await sessions.add(tx, sid, user, key, {"folder_id": key})
        await applied(store, change("folders", key, user, None, version=2))
        async with store.read() as tx:
            row = await sessions.find(tx, sid)
            assert row is not None and row.folder_id == key

    with_store(work)


def test_journal_rows_find_their_numbers_and_own_rows_go_on_behind(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid = fresh_id()
        await applied(store, session(sid, user))
        given = [log(sid, number, user) for number in (3, 1, 2, 9)]
        assert told(await applied(store, *given)) == (4, 0, [], 0)
        assert told(await applied(store, log(sid, 3, user, version=2))) == (1, 0, [], 0)
        async with store.write() as tx:
            await journal.add_log(tx, sid, user, content="own", content_type="user_input", event_type="next")
        async with store.read() as tx:
            rows = await journal.log_page(tx, sid, 10, None)
            assert [row.content for row in rows] == ["1", "2", "3", "9", "own"]
            numbers = select(interaction_logs.c.row_no).where(interaction_logs.c.id == derived("log", sid, 10))
            assert (await tx.execute(numbers)).scalar() == 10
            await check_books(tx)
        foreign = {**log(sid, 1, user), "key": fresh_id()}
        foreign["data"] = {**foreign["data"], "id": foreign["key"]}
        assert told(await applied(store, foreign))[2] == ["the id is not derived from a free row number of its session"]

    with_store(work)


def test_rows_of_many_sessions_and_kinds_in_one_go_end_as_one_by_one(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        one, two, gone = fresh_id(), fresh_id(), fresh_id()
        await applied(store, session(one, user), session(gone, user), log(one, 1, user), log(gone, 1, user))
        taken = {**log(one, 2, user), "key": fresh_id()}
        taken["data"] = {**taken["data"], "id": taken["key"]}
        given = [
            *(message(two, number, user) for number in (1, 2)),
            *(log(sid, number, user) for sid in (two, one) for number in (2, 1)),
            *(learnt(sid, number, user) for sid in (one, two) for number in (1, 2)),
            session(two, user),
            log(gone, 2, user),
            change("sessions", gone, user, None, version=2),
            log(gone, 3, user),
            taken,
        ]
        outcome = await applied(store, *given)
        # What comes behind the deletion of its session finds none; the first log of `one` is known.
        assert told(outcome) == (12, 2, ["the id is not derived from a free row number of its session"], 0)
        async with store.read() as tx:
            columns = interaction_logs.c
            numbers = select(columns.session_id, columns.row_no).where(columns.user_id == user)
            found = sorted((sid == one, number) for sid, number in await tx.execute(numbers))
            assert found == [(False, 1), (False, 2), (True, 1), (True, 2)]
            await check_books(tx)

    with_store(work)


def test_nobodys_rows_become_anothers(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        sid, key, thief = fresh_id(), fresh_id(), f"{user}-thief"
        await applied(store, session(sid, user), folder(key, user))
        given = [
            session(sid, thief, version=9),
            folder(key, thief, version=9),
            message(sid, 1, thief),
            log(sid, 1, thief),
        ]
        foreign = ["the row belongs to another user"]
        assert told(await applied(store, *given))[2] == foreign * 4
        assert (await merged(store, board(sid, thief, b"\x00\x00")))[0][2] == foreign
        async with store.read() as tx:
            row = await sessions.find(tx, sid)
            assert row is not None and row.user_id == user

    with_store(work)


def test_an_address_of_another_account_is_refused(with_store: Run, user: str) -> None:
    async def work(store: Store) -> None:
        email = f"{user}@x.y"
        async with store.write() as tx:
            assert await accounts.add(tx, accounts.fresh(user, email, "n", "student", None))
        assert told(await applied(store, account(f"{user}-2", email)))[2] == ["another account has this address"]
        assert told(await applied(store, account(f"{user}-2", None), account(user, email, version=2))) == (2, 0, [], 0)

    with_store(work)
