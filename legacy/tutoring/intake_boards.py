"""Boards of the other arm on their way in (contract rest.md §7): merged outside of any transaction, and not in their
session's turn, for boards change while turns run."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from .board.apart import IN_PLACE_BYTES_MAX, NotDone
from .board.document import InvalidUpdate
from .board.merge import Merged
from .board.room import DOCUMENT_BYTES_MAX
from .store import boards
from .store.apply import LATER, Outcome
from .store.apply_board import Found, MergedBoard, find_boards, store_boards
from .store.change import Change

if TYPE_CHECKING:
    from .runtime import Runtime

_TRIES = 3
_TOGETHER = 50
_WARNED_BYTES = 8 * 1024 * 1024  # handoff.md §7.2 Y5
_TOO_LARGE = f"larger than {DOCUMENT_BYTES_MAX // 1024**2} MiB, which is not moved"


async def take_boards(runtime: "Runtime", changes: Sequence[Change]) -> Outcome:
    """Raises StoreUnavailable."""
    total = Outcome()
    alone: list[Change] = []
    for some in _together(runtime, _possible(changes, total), alone):
        total.add(await _take_together(runtime, some, alone))
    for change in alone:
        total.add(await _take_alone(runtime, change))
    return total


def _possible(changes: Iterable[Change], total: Outcome) -> Iterator[Change]:
    for change in changes:
        if len(_state(change)) > DOCUMENT_BYTES_MAX:
            total.reject(change.seq, f"the board is {_TOO_LARGE}")
        else:
            yield change


def _together(runtime: "Runtime", changes: Iterable[Change], alone: list[Change]) -> Iterator[list[Change]]:
    """Small boards at rest, each once; the others go to `alone`."""
    small: dict[str, Change] = {}
    for change in changes:
        is_small = len(_state(change)) <= IN_PLACE_BYTES_MAX and runtime.boards.is_at_rest(str(change.session_id))
        if is_small and change.key_text not in small:
            small[change.key_text] = change
        else:
            alone.append(change)
    each = list(small.values())
    for first in range(0, len(each), _TOGETHER):
        yield each[first : first + _TOGETHER]


async def _take_together(runtime: "Runtime", changes: Sequence[Change], alone: list[Change]) -> Outcome:
    """Those that turn out to be large here, or are written meanwhile, go to `alone`."""
    total = Outcome()
    async with runtime.store.read() as tx:
        large = await boards.larger_than(tx, [str(change.session_id) for change in changes], IN_PLACE_BYTES_MAX)
        alone += [change for change in changes if change.session_id in large]
        small = [change for change in changes if change.session_id not in large]
        found = await find_boards(tx, small)
    merged: list[MergedBoard] = []
    for change, board in zip(small, found, strict=True):
        made = await _merge(runtime, change, board)
        if isinstance(made, Outcome):
            total.add(made)
        else:
            merged.append(made)
        await asyncio.sleep(0)  # everybody else is served between two of them
    for each, outcome in zip(merged, await _store(runtime, merged), strict=True):
        if outcome is None:
            alone.append(each.change)
        else:
            total.add(outcome)
    return total


async def _take_alone(runtime: "Runtime", change: Change) -> Outcome:
    size = len(_state(change))
    if size > _WARNED_BYTES:
        runtime.log.warn("large board taken", bytes=size)
    for _ in range(_TRIES - 1):
        outcome = await _try_alone(runtime, change)
        if outcome is not None:
            return outcome
    # Now nobody of this process writes it meanwhile. At first they may: people draw, come and go, and merging a
    # large one takes seconds.
    async with runtime.boards.still(str(change.session_id)):
        outcome = await _try_alone(runtime, change, is_still=True)
    return outcome or _refused(change, f"{LATER}the board is written all the time")


async def _try_alone(runtime: "Runtime", change: Change, is_still: bool = False) -> Outcome | None:
    """None when the board has been written meanwhile."""
    async with runtime.store.read() as tx:
        [board] = await find_boards(tx, [change])
    made = await _merge(runtime, change, board)
    if isinstance(made, Outcome):
        return made
    [outcome] = await _store(runtime, [made], is_still)
    return outcome


async def _merge(runtime: "Runtime", change: Change, board: Found | Outcome) -> MergedBoard | Outcome:
    if isinstance(board, Outcome):
        return board
    try:
        merged = await runtime.boards.merger.merge(board.board.state if board.board else None, _state(change))
    except InvalidUpdate:
        return _refused(change, "state is not a Yjs update")
    except NotDone as failure:
        return _refused(change, str(failure))
    if len(merged.state) > DOCUMENT_BYTES_MAX:
        return _refused(change, f"the board would become {_TOO_LARGE}")
    return MergedBoard(change, board, merged)


async def _store(runtime: "Runtime", merged: Sequence[MergedBoard], is_still: bool = False) -> Sequence[Outcome | None]:
    """Into the rooms too, where somebody has one open. `is_still`: the caller holds them."""
    if not merged:
        return []
    async with AsyncExitStack() as stack:
        for session_id in sorted(str(each.change.session_id) for each in merged) if not is_still else ():
            await stack.enter_async_context(runtime.boards.still(session_id))
        async with runtime.store.write() as tx:
            outcomes = await store_boards(tx, merged)
        for each, outcome in zip(merged, outcomes, strict=True):
            _show(runtime, each.change, each.merged, outcome)
        return outcomes


def _show(runtime: "Runtime", change: Change, merged: Merged, outcome: Outcome | None) -> None:
    room = runtime.boards.room(str(change.session_id))
    if outcome is not None and room is not None and merged.news is not None:
        room.merge(merged.news)


def _state(change: Change) -> bytes:
    state: bytes = (change.data or {})["state"]
    return state


def _refused(change: Change, reason: str) -> Outcome:
    outcome = Outcome()
    outcome.reject(change.seq, reason)
    return outcome
