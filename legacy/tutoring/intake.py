"""Changes of the other arm on their way in: validated, in the turn of their session, stored, then shown to whoever is
connected (contract rest.md §7)."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from .board.apart import NotDone
from .board.document import InvalidUpdate
from .board.room import DOCUMENT_BYTES_MAX
from .errors import ApiError
from .store.apply import LATER, Outcome, apply
from .store.apply_board import find_board, store_board
from .store.change import Change, Unfit, read_change, seq_of

if TYPE_CHECKING:
    from .runtime import Runtime

BUSY_S = 5.0
_AT_ONCE_S = 0.05
_CHANGES_AT_ONCE = 100
_BOARD_TRIES = 3
_WARNED_BYTES = 8 * 1024 * 1024  # handoff.md §7.2 Y5
_TOO_LARGE = f"larger than {DOCUMENT_BYTES_MAX // 1024**2} MiB, which is not moved"

Lane = list[Change]  # what is stored together: the changes of one session, or a user's other changes


async def take_changes(runtime: "Runtime", values: Sequence[Any]) -> Outcome:
    """Raises StoreUnavailable; what was stored by then is skipped when the same changes come again."""
    total = Outcome()
    boards: list[Change] = []
    others: list[Change] = []
    for value in values:
        try:
            change = read_change(value)
        except Unfit as unfit:
            total.reject(seq_of(value), str(unfit))
            continue
        is_board = change.kind.name == "yjs_snapshots" and change.data is not None
        (boards if is_board else others).append(change)
    busy: list[Lane] = []
    for some in _batches(_lanes(others)):
        total.add(await _take_free(runtime, some, busy))
    for outcome in await asyncio.gather(*(_take_when_free(runtime, lane) for lane in busy)):
        total.add(outcome)
    for change in boards:  # behind the sessions they belong to
        total.add(await _take_board(runtime, change))
    return total


def _lanes(changes: Iterable[Change]) -> list[Lane]:
    lanes: dict[tuple[str, str], Lane] = {}
    for change in changes:
        name = ("session", change.session_id) if change.session_id is not None else ("user", change.user_id)
        lanes.setdefault(name, []).append(change)
    return list(lanes.values())


def _batches(lanes: list[Lane]) -> Iterator[list[Lane]]:
    """Whole lanes, as many as one transaction may hold up the other writers for."""
    batch: list[Lane] = []
    for lane in lanes:
        if batch and sum(map(len, batch)) + len(lane) > _CHANGES_AT_ONCE:
            yield batch
            batch = []
        batch.append(lane)
    if batch:
        yield batch


async def _take_free(runtime: "Runtime", lanes: list[Lane], busy: list[Lane]) -> Outcome:
    """In one transaction those whose session runs no turn; the others go to `busy`."""
    free: list[Lane] = []
    async with AsyncExitStack() as stack:
        for lane in lanes:
            first = lane[0]
            if first.session_id is not None:
                try:
                    slot = runtime.live.slot(first.session_id, first.user_id, _AT_ONCE_S)
                    await stack.enter_async_context(slot)
                except ApiError:
                    busy.append(lane)
                    continue
            free.append(lane)
        return await _store(runtime, free)


async def _take_when_free(runtime: "Runtime", lane: Lane) -> Outcome:
    outcome = Outcome()
    try:
        async with runtime.live.slot(str(lane[0].session_id), lane[0].user_id, BUSY_S):
            return await _store(runtime, [lane])
    except ApiError:
        for change in lane:
            outcome.reject(change.seq, f"{LATER}session busy")
    return outcome


async def _store(runtime: "Runtime", lanes: list[Lane]) -> Outcome:
    if not lanes:
        return Outcome()
    try:
        async with runtime.store.write() as tx:
            outcome = await apply(tx, [change for lane in lanes for change in lane])
    except IntegrityError:
        return await _store_one_by_one(runtime, lanes)
    for session_id in outcome.removed_sessions:
        runtime.session_deleted(session_id)
    for session_id, actions in outcome.drawn:
        runtime.boards.server_added(session_id, actions)
    for account_id in outcome.removed_accounts:
        runtime.callers.forget(account_id)
    return outcome


async def _store_one_by_one(runtime: "Runtime", lanes: list[Lane]) -> Outcome:
    """One change that no check foresaw must not hold up the others for ever."""
    outcome = Outcome()
    if len(lanes) == 1 and len(lanes[0]) == 1:
        outcome.reject(lanes[0][0].seq, "the store refuses it")
        return outcome
    parts = lanes if len(lanes) > 1 else [[change] for change in lanes[0]]
    for part in parts:
        outcome.add(await _store(runtime, [part]))
    return outcome


async def _take_board(runtime: "Runtime", change: Change) -> Outcome:
    """Not in the session's turn: boards change while turns run."""
    assert change.data is not None
    size = len(change.data["state"])
    if size > DOCUMENT_BYTES_MAX:
        return _refused(change, f"the board is {_TOO_LARGE}")
    if size > _WARNED_BYTES:
        runtime.log.warn("large board taken", bytes=size)
    for left in reversed(range(_BOARD_TRIES)):
        outcome = await _merge_board(runtime, change, is_still=left == 0)
        if outcome is not None:
            return outcome
    return _refused(change, f"{LATER}the board is written all the time")


async def _merge_board(runtime: "Runtime", change: Change, is_still: bool) -> Outcome | None:
    """None when the board has been written meanwhile, which nobody of this process can do while it is `is_still`. At
    first it is not: people draw on it and come and go, and merging a large one takes seconds."""
    still = runtime.boards.still(str(change.session_id))
    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(still) if is_still else None
        async with runtime.store.read() as tx:
            found = await find_board(tx, change)
        if isinstance(found, Outcome):
            return found
        try:
            merged = await runtime.boards.merger.merge(found.state, (change.data or {})["state"])
        except InvalidUpdate:
            return _refused(change, "state is not a Yjs update")
        except NotDone as failure:
            return _refused(change, str(failure))
        if len(merged.state) > DOCUMENT_BYTES_MAX:
            return _refused(change, f"the board would become {_TOO_LARGE}")
        if not is_still:
            room = await stack.enter_async_context(still)
        async with runtime.store.write() as tx:
            outcome = await store_board(tx, change, found, merged)
        if outcome is not None and room is not None and merged.news is not None:
            room.merge(merged.news)
        return outcome


def _refused(change: Change, reason: str) -> Outcome:
    outcome = Outcome()
    outcome.reject(change.seq, reason)
    return outcome
