"""Changes of the other arm on their way in: validated, in the turn of their session, stored, then shown to whoever is
connected (contract rest.md §7)."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from .errors import ApiError
from .intake_boards import take_boards
from .store.apply import LATER, Outcome, apply
from .store.change import Change, Unfit, read_change, seq_of

if TYPE_CHECKING:
    from .runtime import Runtime

BUSY_S = 5.0
_AT_ONCE_S = 0.05
_CHANGES_AT_ONCE = 100

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
    total.add(await take_boards(runtime, boards))  # behind the sessions they belong to
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
                if runtime.live.is_busy(first.session_id):
                    busy.append(lane)
                    continue
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
