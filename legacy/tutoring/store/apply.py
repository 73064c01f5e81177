"""Applying what the other arm wrote (contract rest.md §7). The later write of a row wins; equal ones go by origin."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import ARM, clock
from ..jsonwire import canonical
from . import feed, rows
from .change import Change, Unfit
from .feed import Book, Name, Stamp
from .kinds import Kind
from .numbering import RowNumbers
from .reading import Row, rows_by_key
from .sessions import SESSION_KINDS
from .tables import accounts, jobs, sessions

LATER = "later: "
FOREIGN = "the row belongs to another user"
UNKNOWN_SESSION = f"{LATER}its session is not known here yet"


@dataclass
class Outcome:
    """What the caller is told, and what the process has to do once the transaction is committed."""

    applied: int = 0
    skipped: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    removed_sessions: list[str] = field(default_factory=list)
    removed_accounts: list[str] = field(default_factory=list)
    drawn: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)

    def reject(self, seq: int, reason: str) -> None:
        self.rejected.append({"seq": seq, "reason": reason})

    def add(self, other: "Outcome") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def body(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("applied", "skipped", "rejected", "conflicts")}


class _Skip(Exception):
    """There is nothing to do, and nobody loses anything."""


async def apply(tx: AsyncConnection, changes: Iterable[Change]) -> Outcome:
    """All in the given transaction. Sessions come before what belongs to them, otherwise the order is kept."""
    ordered = sorted(changes, key=lambda change: change.kind.table is not sessions or change.data is None)
    applying = _Applying(tx, ordered)
    await applying.prepare()
    for change in ordered:
        await applying.take(change)
    await applying.put_waiting()
    return applying.outcome


class _Applying:
    def __init__(self, tx: AsyncConnection, changes: Sequence[Change]) -> None:
        self._tx = tx
        self._changes = changes
        self._books: dict[Name, Book] = {}
        self._owners: dict[str, str] = {}  # of the sessions there are
        self._numbers = RowNumbers()
        self._waiting: dict[Kind, list[Row]] = {}
        self.outcome = Outcome()

    async def prepare(self) -> None:
        named = {("sessions", each.session_id) for each in self._changes if each.session_id is not None}
        self._books = await feed.books_of(self._tx, [*{each.name for each in self._changes} | named])
        found = select(sessions.c.id, sessions.c.user_id).where(sessions.c.id.in_([key for _, key in named]))
        self._owners = {row.id: row.user_id for row in await self._tx.execute(found)}
        numbered = [(each, each.data) for each in self._changes if each.kind.numbered_as is not None]
        rows = [(each.kind, each.key_text, data["session_id"]) for each, data in numbered if data is not None]
        self._numbers = await RowNumbers.read(self._tx, rows)

    async def put_waiting(self) -> None:
        """Rows are written together, a kind at a time: each statement is a way to the engine's thread and back."""
        waiting, self._waiting = self._waiting, {}
        for kind, values in waiting.items():
            await rows.put(self._tx, kind, values)

    async def take(self, change: Change) -> None:
        book = self._books.get(change.name)
        try:
            self._check_owner(change, book)
            if book is not None and change.stamp.rank <= book.stamp.rank:
                await self._note_loss(change, book)
                raise _Skip
            if book is not None and self._outlives(change, book):
                self._answer(change, book)
                raise _Skip
            is_conflict = book is not None and await self._takes_over(change, book)
            await self._write(change)
        except _Skip:
            self.outcome.skipped += 1
            return
        except Unfit as unfit:
            self.outcome.reject(change.seq, str(unfit))
            return
        self.outcome.applied += 1
        if is_conflict:
            self._conflict(change)
        user_id = self._owners.get(change.session_id or "", change.user_id)
        seen = book.seen if book else 0
        if change.stamp.origin != ARM:
            seen = max(seen, change.stamp.version)
        feed.note(self._tx, change.kind, change.key_text, user_id, change.op, change.stamp, seen)
        self._books[change.name] = Book(change.kind.name, change.key_text, 0, user_id, change.op, change.stamp, seen)

    def _check_owner(self, change: Change, book: Book | None) -> None:
        """Nobody's rows become another's, whatever the other arm believes."""
        known = book.user_id if book is not None else self._owners.get(change.session_id or "")
        if known is not None and known != change.user_id:
            raise Unfit(FOREIGN)

    def _conflict(self, change: Change) -> None:
        self.outcome.conflicts.append({"seq": change.seq, "kind": change.kind.name, "key": change.key_text})

    def _outlives(self, change: Change, book: Book) -> bool:
        """A board goes only with its session."""
        is_gone_there = change.kind.name == "yjs_snapshots" and change.data is None
        return is_gone_there and book.op == feed.UPSERT and change.session_id in self._owners

    def _answer(self, change: Change, book: Book) -> None:
        """A write of our own: the other arm, which has taken the session back, gets its board back too."""
        stamp = Stamp(change.stamp.version + 1, ARM, clock.now_ms())
        seen = max(book.seen, change.stamp.version)
        feed.note(self._tx, change.kind, change.key_text, book.user_id, feed.UPSERT, stamp, seen)
        self._books[change.name] = Book(book.kind, book.key, 0, book.user_id, feed.UPSERT, stamp, seen)

    async def _takes_over(self, change: Change, book: Book) -> bool:
        """Whether a write of ours gives way that the other arm did not know of."""
        if change.seen is None or change.stamp.origin == ARM:
            return book.stamp.version == change.stamp.version  # ranks differ, so the origins do
        return book.stamp.origin == ARM and change.seen < book.stamp.version and await self._differs(change, book)

    async def _note_loss(self, change: Change, book: Book) -> None:
        """An older state of the same history is no loss; another arm's write that never shows is one."""
        if change.stamp.origin != ARM and change.stamp.version <= book.seen:
            return
        if change.stamp.origin != book.stamp.origin and await self._differs(change, book):
            self._conflict(change)

    async def _differs(self, change: Change, book: Book) -> bool:
        if change.data is None or book.op == "delete":
            return change.op != book.op
        await self.put_waiting()
        stored = await rows_by_key(self._tx, change.kind, [change.key])
        return canonical(stored.get(change.key_text)) != canonical(change.data)

    async def _write(self, change: Change) -> None:
        """Raises _Skip, Unfit."""
        if change.data is None:
            await self._remove(change)
            return
        if change.kind.is_of_session:
            self._check_session(str(change.session_id))
        own = await self._own_columns(change)
        self._waiting.setdefault(change.kind, []).append({**change.data, **own})
        if change.kind.table is sessions:
            self._owners[change.key_text] = change.user_id
        elif change.kind.name == "whiteboard_snapshots":
            self.outcome.drawn.append((change.data["session_id"], change.data["actions_json"]))

    def _check_session(self, session_id: str) -> None:
        if session_id in self._owners:
            return
        book = self._books.get(("sessions", session_id))
        if book is not None and book.op == "delete":
            raise _Skip
        raise Unfit(UNKNOWN_SESSION)

    async def _own_columns(self, change: Change) -> dict[str, Any]:
        """Columns the other arm does not know."""
        assert change.data is not None
        if change.kind.table is accounts:
            await self._check_address(change.key_text, change.data["email"])
        if change.kind.numbered_as is None:
            return {}
        return {"row_no": self._row_no(change, change.data["session_id"])}

    async def _check_address(self, account_id: str, email: str | None) -> None:
        """Addresses are unique."""
        await self.put_waiting()
        other = select(accounts.c.id).where(accounts.c.email == email, accounts.c.id != account_id)
        if email is not None and (await self._tx.execute(other)).first() is not None:
            raise Unfit("another account has this address")

    def _row_no(self, change: Change, session_id: str) -> int:
        number = self._numbers.of(change.kind, change.key_text, session_id)
        if number is not None:
            return number
        number = self._numbers.free(change.kind, change.key_text, session_id)
        if number is None:
            raise Unfit("the id is not derived from a free row number of its session")
        self._numbers.note(change.kind, change.key_text, session_id, number)
        return number

    async def _remove(self, change: Change) -> None:
        await self.put_waiting()
        key = zip(change.kind.key, change.key, strict=True)
        await self._tx.execute(delete(change.kind.table).where(*(column == value for column, value in key)))
        self._numbers.forget(change.kind, change.key_text)
        if change.kind.table is sessions:
            await self._remove_children(change.key_text)
            self._owners.pop(change.key_text, None)
            self.outcome.removed_sessions.append(change.key_text)
        elif change.kind.table is accounts:
            self.outcome.removed_accounts.append(change.key_text)

    async def _remove_children(self, session_id: str) -> None:
        """Their tombstones come as changes of their own."""
        await self._tx.execute(delete(jobs).where(jobs.c.session_id == session_id))
        for kind in SESSION_KINDS:
            gone = delete(kind.table).where(kind.table.c.session_id == session_id).returning(*kind.key)
            keys = [kind.key_text(dict(row)) for row in (await self._tx.execute(gone)).mappings()]
            await feed.forget(self._tx, kind, keys)
            for key in keys:
                self._books.pop((kind.name, key), None)
                self._numbers.forget(kind, key)
