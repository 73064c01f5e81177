"""Merging a board state of the other arm into ours (contract rest.md §7: never replaced).

Merging takes seconds for a large board, in which no transaction may be open: what is merged is found in one and stored
in another, if the row is still the one that was found.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import ARM, clock
from ..board.merge import Merged
from . import boards, feed, rows
from .apply import FOREIGN, UNKNOWN_SESSION, Outcome
from .change import Change
from .feed import Book, Stamp
from .tables import sessions


@dataclass(frozen=True)
class Found:
    """A board as it is stored."""

    owner: str
    book: Book | None
    state: bytes | None


async def find_board(tx: AsyncConnection, change: Change) -> Found | Outcome:
    """The outcome when there is nothing to merge with."""
    found = await _place(tx, change)
    if isinstance(found, Outcome):
        return found
    return Found(*found, await boards.load(tx, str(change.session_id)))


async def _place(tx: AsyncConnection, change: Change) -> tuple[str, Book | None] | Outcome:
    assert change.data is not None, "the deletion of a board is a change like any other"
    outcome = Outcome()
    session_id = str(change.session_id)
    owner = (await tx.execute(select(sessions.c.user_id).where(sessions.c.id == session_id))).scalar()
    books = await feed.books_of(tx, [change.name, ("sessions", session_id)])
    gone, book = books.get(("sessions", session_id)), books.get(change.name)
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


async def store_board(tx: AsyncConnection, change: Change, found: Found, merged: Merged) -> Outcome | None:
    """None when the row has been written since."""
    place = await _place(tx, change)
    if isinstance(place, Outcome):
        return place
    owner, book = place
    if book != found.book:
        return None
    outcome = Outcome()
    if await _store(tx, change, merged, book, owner):
        outcome.applied += 1
    else:
        outcome.skipped += 1
    return outcome


async def _store(tx: AsyncConnection, change: Change, merged: Merged, book: Book | None, owner: str) -> bool:
    """False when there is nothing to store."""
    assert change.data is not None
    is_theirs_later = book is None or change.stamp.rank > book.stamp.rank
    if merged.news is None and not (merged.is_complete and is_theirs_later):
        return False
    if book is None or (merged.is_complete and is_theirs_later):
        stamp, updated_at = change.stamp, change.data["updated_at"]
    elif merged.is_complete:
        # All of it is theirs, but the write we know of is the later one: both arms end with that one's stamp.
        stamp, updated_at = book.stamp, await boards.updated_at(tx, str(change.session_id))
    else:
        updated_at = clock.now_ms()
        stamp = Stamp(max(change.stamp.version, book.stamp.version) + 1, ARM, updated_at)
    await rows.put(tx, change.kind, {**change.data, "state": merged.state, "updated_at": updated_at})
    feed.note(tx, change.kind, change.key_text, owner, feed.UPSERT, stamp, book.seen if book else 0)
    return True
