"""Pages of the feed and the export of a user, as they are sent (contract rest.md §7)."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..jsonwire import dump_bytes
from . import feed
from .change import sent
from .digest import Digest
from .engine import Store
from .feed import Book, Name
from .kinds import KIND_OF_NAME
from .reading import Row, key_of, rows_by_key, rows_of_user

PAGE_BYTES_MAX = 8 * 1024 * 1024
_BOOKS_AT_ONCE = 50


class Expired(Exception):
    """Changes behind the cursor may be gone."""


@dataclass(frozen=True)
class Page:
    changes: list[bytes]
    cursor: int
    is_more: bool

    def body(self) -> bytes:
        more = "true" if self.is_more else "false"
        return b'{"changes":[%s],"cursor":%d,"more":%s}' % (b",".join(self.changes), self.cursor, more.encode())


@dataclass(frozen=True)
class Wanted:
    """Changes behind `after`: of one user, or of one arm's writes, where these are named."""

    after: int
    limit: int
    user_id: str | None = None
    origin: str | None = None


async def page(tx: AsyncConnection, wanted: Wanted) -> Page:
    """At most `limit` changes, and fewer when they are large; the page says whether there are more. Raises Expired."""
    last, horizon = await feed.bounds(tx)
    if wanted.after < horizon:
        raise Expired
    changes: list[bytes] = []
    size, position = 0, wanted.after
    while True:
        count = min(wanted.limit - len(changes) + 1, _BOOKS_AT_ONCE)
        books = await feed.books_behind(tx, position, count, wanted.user_id, wanted.origin)
        if not books:
            return Page(changes, max(wanted.after, last), is_more=False)
        async for book, row in _with_rows(tx, books):
            if len(changes) == wanted.limit or size > PAGE_BYTES_MAX:
                return Page(changes, position, is_more=True)
            changes.append(dump_bytes(sent(book, row)))
            size += len(changes[-1])
            position = book.seq


async def _with_rows(tx: AsyncConnection, books: Sequence[Book]) -> AsyncIterator[tuple[Book, Row | None]]:
    """In order. Small rows are read together, large ones when their time comes."""
    found: dict[Name, Row] = {}
    for kind in {KIND_OF_NAME[book.kind] for book in books}:
        keys = [key for book in books if book.kind == kind.name and (key := key_of(kind, book.key)) is not None]
        if kind.at_once > 1:
            found |= {(kind.name, text): row for text, row in (await rows_by_key(tx, kind, keys)).items()}
    for book in books:
        kind, key = KIND_OF_NAME[book.kind], key_of(KIND_OF_NAME[book.kind], book.key)
        if book.op == "delete" or key is None:
            yield book, None
        elif kind.at_once > 1:
            yield book, found[kind.name, book.key]
        else:
            yield book, (await rows_by_key(tx, kind, [key]))[book.key]


async def export(store: Store, user_id: str) -> AsyncGenerator[bytes]:
    """Lines of one moment: every row as a change, then the position in the feed and the digest's fingerprint."""
    made = Digest()
    async with store.read_long() as tx:
        async for kind, rows in rows_of_user(tx, user_id, clock.now_ms()):
            books = await feed.books_of(tx, [(kind.name, text) for text, _ in rows])
            for text, row in rows:
                await made.add(kind, row)
                yield dump_bytes(sent(books[kind.name, text], row)) + b"\n"
        cursor, _ = await feed.bounds(tx)
    yield dump_bytes({"cursor": cursor, "full_hash": made.full_hash}) + b"\n"
