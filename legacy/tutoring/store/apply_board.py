"""Merging a board state of the other arm into ours (contract rest.md §7: never replaced)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import ARM, clock
from ..board.document import InvalidUpdate
from ..board.merge import Merged, merge_states
from ..board.room import DOCUMENT_BYTES_MAX
from . import boards, feed, rows
from .apply import FOREIGN, UNKNOWN_SESSION, Outcome
from .change import Change
from .feed import Book, Stamp
from .reading import rows_by_key
from .tables import sessions


async def apply_board(tx: AsyncConnection, change: Change) -> tuple[Outcome, bytes | None]:
    """The merged state, too, when it differs from what was stored: for the people who look at the board."""
    assert change.data is not None, "the deletion of a board is a change like any other"
    outcome = Outcome()
    session_id = str(change.session_id)
    owner = (await tx.execute(select(sessions.c.user_id).where(sessions.c.id == session_id))).scalar()
    books = await feed.books_of(tx, [change.name, ("sessions", session_id)])
    gone, book = books.get(("sessions", session_id)), books.get(change.name)
    if owner is None and not (gone and gone.op == "delete"):
        outcome.reject(change.seq, UNKNOWN_SESSION)
        return outcome, None
    if owner is not None and owner != change.user_id:
        outcome.reject(change.seq, FOREIGN)
        return outcome, None
    is_removed_later = book is not None and book.op == "delete" and change.stamp.rank <= book.stamp.rank
    if owner is None or is_removed_later:
        outcome.skipped += 1
        return outcome, None
    try:
        merged = merge_states(await boards.load(tx, session_id), change.data["state"])
    except InvalidUpdate:
        outcome.reject(change.seq, "state is not a Yjs update")
        return outcome, None
    if len(merged.state) > DOCUMENT_BYTES_MAX:
        outcome.reject(change.seq, "the merged board is too large")
        return outcome, None
    if await _store(tx, change, merged, book, owner):
        outcome.applied += 1
    else:
        outcome.skipped += 1
    return outcome, merged.state if merged.is_news else None


async def _store(tx: AsyncConnection, change: Change, merged: Merged, book: Book | None, owner: str) -> bool:
    """False when there is nothing to store."""
    assert change.data is not None
    is_theirs_later = book is None or change.stamp.rank > book.stamp.rank
    if not merged.is_news and not (merged.is_complete and is_theirs_later):
        return False
    if book is None or (merged.is_complete and is_theirs_later):
        stamp, updated_at = change.stamp, change.data["updated_at"]
    elif merged.is_complete:
        # All of it is theirs, but the write we know of is the later one: both arms end with that one's stamp.
        stored = await rows_by_key(tx, change.kind, [change.key])
        stamp, updated_at = book.stamp, stored[change.key_text]["updated_at"]
    else:
        updated_at = clock.now_ms()
        stamp = Stamp(max(change.stamp.version, book.stamp.version) + 1, ARM, updated_at)
    await rows.put(tx, change.kind, {**change.data, "state": merged.state, "updated_at": updated_at})
    feed.note(tx, change.kind, change.key_text, owner, feed.UPSERT, stamp, book.seen if book else 0)
    return True
