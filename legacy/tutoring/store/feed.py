"""The change feed (contract rest.md §7): what was written, in commit order.

A write leaves a note in its transaction; the notes become bookkeeping when the transaction ends, in the same commit.
Transactions that write run one after the other, so numbers and commits have the same order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, Insert, Table, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import ARM, clock
from .dialect import ENGINES, upsert
from .kinds import KIND_OF_TABLE, Kind
from .tables import changes, feed, sessions

KEPT_MS = 7 * 24 * 3_600_000
UPSERT: Literal["upsert"] = "upsert"
DELETE: Literal["delete"] = "delete"
Op = Literal["upsert", "delete"]
Name = tuple[str, str]  # kind and key
_NOTES, _OWNERS = "tutoring_notes", "tutoring_owners"
_KEYS_AT_ONCE = 500


@dataclass(frozen=True)
class Stamp:
    """Which write of a row this is, and whose: what both arms order writes by."""

    version: int
    origin: str
    at: int

    @property
    def rank(self) -> tuple[int, str]:
        return self.version, self.origin


@dataclass(frozen=True)
class Book:
    """One row of bookkeeping."""

    kind: str
    key: str
    seq: int
    user_id: str
    op: Op
    stamp: Stamp
    seen: int = 0
    """The greatest version of this row that the other arm wrote and that has been here."""


@dataclass(frozen=True)
class _Note:
    op: Op
    user_id: str | None  # None: the user of the session
    session_id: str | None = None
    stamp: Stamp | None = None  # None for a write of this arm: the next version
    seen: int = 0  # with a stamp only: a write of this arm leaves it as it is


def begin(tx: AsyncConnection) -> None:
    """At the start of a transaction that writes; notes fail in any other."""
    tx.info[_NOTES], tx.info[_OWNERS] = {}, {}


def note(tx: AsyncConnection, kind: Kind, key: str, user_id: str, op: Op, stamp: Stamp, seen: int) -> None:
    """A write whose stamp is decided: the other arm's, or a merge with it."""
    _put(tx, (kind.name, key), _Note(op, user_id, stamp=stamp, seen=seen))


def note_row(tx: AsyncConnection, table: Table, row: Mapping[str, Any], op: Op = UPSERT) -> None:
    """A write of this arm. `row` holds the key and the owner, or the session the owner is found by."""
    kind = KIND_OF_TABLE[table]
    user_id = row[kind.owner] if kind.owner else None
    if table is sessions:
        tx.info[_OWNERS][row["id"]] = user_id
    _put(tx, (kind.name, kind.key_text(row)), _Note(op, user_id, row.get("session_id")))


def _put(tx: AsyncConnection, name: Name, made: _Note) -> None:
    notes: dict[Name, _Note] = tx.info[_NOTES]
    notes.pop(name, None)  # the last write of a row counts, at its place
    notes[name] = made


async def record(tx: AsyncConnection) -> None:
    """At the end of a transaction that writes: its notes become bookkeeping."""
    notes: dict[Name, _Note] = tx.info.pop(_NOTES)
    owners = await _owners(tx, notes.values())
    owned = [(name, made, made.user_id or owners.get(made.session_id)) for name, made in notes.items()]
    rows = [row for row in owned if row[2] is not None]  # a row left behind by its session is nobody's
    if not rows:
        return
    own: list[dict[str, Any]] = []
    foreign: list[dict[str, Any]] = []
    at, entered_at = clock.now_ms(), int(clock.true_unix() * 1000)
    for place, ((kind, key), made, user_id) in enumerate(rows, 1):
        stamp = made.stamp or Stamp(1, ARM, at)
        row = {"kind": kind, "key": key, "place": place, "user_id": user_id, "op": made.op, "entered_at": entered_at}
        if made.stamp:
            foreign.append({**row, **vars(stamp), "seen": made.seen})
        else:
            own.append({**row, **vars(stamp)})
    if own:
        await tx.execute(_UPSERTS[tx.dialect.name, True], own)
    if foreign:
        await tx.execute(_UPSERTS[tx.dialect.name, False], foreign)
    await tx.execute(_ADVANCE, {"count": len(rows)})


async def _owners(tx: AsyncConnection, notes: Iterable[_Note]) -> dict[str | None, str]:
    """Of the sessions whose user a note needs: mostly written in the same transaction, else looked up."""
    known: dict[str | None, str] = tx.info.pop(_OWNERS)
    missing = {made.session_id for made in notes if made.user_id is None} - known.keys()
    if missing:
        found = await tx.execute(select(sessions.c.id, sessions.c.user_id).where(sessions.c.id.in_(missing)))
        known |= {row.id: row.user_id for row in found}
    return known


_ADVANCE = update(feed).values(last=feed.c.last + bindparam("count"))


def _upsert(engine: str, is_own: bool) -> Insert:
    """`place` counts the writes of the transaction from 1."""
    names = ("user_id", "op", "version", "origin", "at", "entered_at")
    number = select(feed.c.last).scalar_subquery() + bindparam("place", type_=BigInteger)
    made = upsert(engine, changes).values(seq=number)
    new: dict[str, Any] = {name: made.excluded[name] for name in ("seq", *names)}
    if is_own:
        new["version"] = changes.c.version + 1
    else:
        new["seen"] = made.excluded.seen
    return made.on_conflict_do_update(index_elements=[changes.c.kind, changes.c.key], set_=new)


_UPSERTS = {(engine, is_own): _upsert(engine, is_own) for engine in ENGINES for is_own in (True, False)}


async def forget(tx: AsyncConnection, kind: Kind, keys: Sequence[str]) -> None:
    """Bookkeeping of rows that are gone without being a change (past their retention, or with their session)."""
    for key in keys:
        tx.info[_NOTES].pop((kind.name, key), None)
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[first : first + _KEYS_AT_ONCE]
        await tx.execute(delete(changes).where(changes.c.kind == kind.name, changes.c.key.in_(some)))


_BOOK = [changes.c[name] for name in ("kind", "key", "seq", "user_id", "op", "seen", "version", "origin", "at")]


def _book(row: Any) -> Book:
    kind, key, seq, user_id, op, seen, *stamp = row
    return Book(kind, key, seq, user_id, op, Stamp(*stamp), seen)


async def books_of(tx: AsyncConnection, names: Sequence[Name]) -> dict[Name, Book]:
    found: dict[Name, Book] = {}
    for first in range(0, len(names), _KEYS_AT_ONCE):
        some = names[first : first + _KEYS_AT_ONCE]
        rows = await tx.execute(select(*_BOOK).where(tuple_(changes.c.kind, changes.c.key).in_(some)))
        found |= {(book.kind, book.key): book for book in map(_book, rows)}
    return found


async def books_behind(
    tx: AsyncConnection, after: int, limit: int, user_id: str | None = None, origin: str | None = None
) -> list[Book]:
    query = select(*_BOOK).where(changes.c.seq > after)
    if origin is not None:
        query = query.where(changes.c.origin == origin)
    if user_id is not None:
        query = query.where(changes.c.user_id == user_id)
    return [_book(row) for row in await tx.execute(query.order_by(changes.c.seq).limit(limit))]


async def users_behind(tx: AsyncConnection, after: str | None, limit: int) -> list[str]:
    """Whoever has rows here, or had some that are remembered, in the engine's order of text."""
    query = select(changes.c.user_id).distinct().where(changes.c.user_id != "")
    if after is not None:
        query = query.where(changes.c.user_id > after)
    return list((await tx.execute(query.order_by(changes.c.user_id).limit(limit))).scalars())


async def bounds(tx: AsyncConnection) -> tuple[int, int]:
    """The last number given and the horizon: who has read less than the horizon may have missed something."""
    last, horizon = (await tx.execute(select(feed.c.last, feed.c.horizon))).one()
    return int(last), int(horizon)


async def open_feed(tx: AsyncConnection) -> None:
    if (await tx.execute(select(feed.c.id))).first() is None:
        await tx.execute(insert(feed).values(id=1, last=0, horizon=0))


async def next_horizon(tx: AsyncConnection, now: int) -> int:
    """The largest number whose change is older than the feed keeps things. A search forward from the present horizon:
    numbers and moments of entry grow together."""
    horizon = (await bounds(tx))[1]
    is_young = changes.c.entered_at > now - KEPT_MS
    first = select(changes.c.seq).where(changes.c.seq > horizon, is_young).order_by(changes.c.seq).limit(1)
    first_young = (await tx.execute(first)).scalar()
    old = select(func.max(changes.c.seq))
    if first_young is not None:
        old = old.where(changes.c.seq < first_young)
    return max(horizon, (await tx.execute(old)).scalar() or 0)


async def drop_until(tx: AsyncConnection, horizon: int) -> None:
    """Tombstones up to the horizon go. Bookkeeping of live rows stays: their next version continues it."""
    await tx.execute(delete(changes).where(changes.c.op == "delete", changes.c.seq <= horizon))
    await tx.execute(update(feed).where(feed.c.horizon < horizon).values(horizon=horizon))
