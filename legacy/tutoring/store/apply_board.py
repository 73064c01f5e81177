"""Merging board states of the other arm into ours (contract rest.md §7: never replaced).

Merging takes seconds for a large board, in which no transaction may be open: what is merged is found in one and stored
in another, if the row is still the one that was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import ARM, clock
from ..board.merge import Merged
from . import boards, feed, rows
from .apply import FOREIGN, UNKNOWN_SESSION, Outcome
from .change import Change
from .feed import Book, Stamp
from .kinds import Kind
from .reading import Row
from .tables import sessions


@dataclass(frozen=True)
class Found:
    """A board as it is stored."""

    owner: str
    book: Book | None
    board: boards.Stored | None


async def find_boards(tx: AsyncConnection, changes: Sequence[Change]) -> list[Found | Outcome]:
    """The outcome where there is nothing to merge with."""
    places = await _places(tx, changes)
    named = [str(change.session_id) for change, place in zip(changes, places, strict=True) if isinstance(place, tuple)]
    stored = await boards.load_all(tx, named)
    return [
        Found(*place, stored.get(str(change.session_id))) if isinstance(place, tuple) else place
        for change, place in zip(changes, places, strict=True)
    ]


_Place = tuple[str, Book | None]


async def _places(tx: AsyncConnection, changes: Sequence[Change]) -> list[_Place | Outcome]:
    named = {str(change.session_id) for change in changes}
    found = await tx.execute(select(sessions.c.id, sessions.c.user_id).where(sessions.c.id.in_(named)))
    owners = {row.id: row.user_id for row in found}
    names = [*{change.name for change in changes}, *(("sessions", session_id) for session_id in named)]
    books = await feed.books_of(tx, names)
    return [_place(change, owners.get(str(change.session_id)), books) for change in changes]


def _place(change: Change, owner: str | None, books: dict[feed.Name, Book]) -> _Place | Outcome:
    assert change.data is not None, "the deletion of a board is a change like any other"
    outcome = Outcome()
    gone, book = books.get(("sessions", str(change.session_id))), books.get(change.name)
    if owner is None and not (gone and gone.op == "delete"):
        outcome.reject(change.seq, UNKNOWN_SESSION)
        return outcome
    if owner is not None and owner != change.user_id:
        outcome.reject(change.seq, FOREIGN)
        return outcome
    is_removed_later = book is not None and book.op == "delete" and change.stamp.rank <= book.stamp.rank
    if owner is None or is_removed_later:
        outcome.skipped += 1
        return outcome
    return owner, book


@dataclass(frozen=True)
class MergedBoard:
    change: Change
    found: Found
    merged: Merged


async def store_boards(tx: AsyncConnection, given: Sequence[MergedBoard]) -> list[Outcome | None]:
    """In the order given, no board twice; None where the row has been written since."""
    places = await _places(tx, [each.change for each in given])
    outcomes: list[Outcome | None] = []
    waiting: dict[Kind, list[Row]] = {}
    for each, place in zip(given, places, strict=True):
        if isinstance(place, Outcome):
            outcomes.append(place)
            continue
        owner, book = place
        if book != each.found.book:
            outcomes.append(None)
            continue
        row = _row(tx, each, owner)
        outcomes.append(Outcome(skipped=1) if row is None else Outcome(applied=1))
        if row is not None:
            waiting.setdefault(each.change.kind, []).append(row)
    for kind, values in waiting.items():
        await rows.put(tx, kind, values)
    return outcomes


def _row(tx: AsyncConnection, each: MergedBoard, owner: str) -> Row | None:
    """None when there is nothing to store."""
    change, merged, (book, board) = each.change, each.merged, (each.found.book, each.found.board)
    data: dict[str, Any] = change.data or {}
    is_theirs_later = book is None or change.stamp.rank > book.stamp.rank
    if merged.news is None and not (merged.is_complete and is_theirs_later):
        return None
    if book is None or (merged.is_complete and is_theirs_later):
        stamp, updated_at = change.stamp, data["updated_at"]
    elif merged.is_complete and board is not None:
        # All of it is theirs, but the write we know of is the later one: both arms end with that one's stamp.
        stamp, updated_at = book.stamp, board.updated_at
    else:
        updated_at = clock.now_ms()
        stamp = Stamp(max(change.stamp.version, book.stamp.version) + 1, ARM, updated_at)
    feed.note(tx, change.kind, change.key_text, owner, feed.UPSERT, stamp, book.seen if book else 0)
    return {**data, "state": merged.state, "updated_at": updated_at}
