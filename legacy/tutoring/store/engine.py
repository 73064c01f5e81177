"""Transactions on SQLite (one writer, WAL) or PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, event, func, inspect, select, text
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateColumn

from ..errors import StoreUnavailable
from . import backfill, feed
from .tables import metadata

_READERS = 4
_LONG_READERS = 2
_POSTGRES_READERS = 8
_WRITE_LOCK = 7_331_001  # any number no other program locks in this database
_WAIT_S = 10


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would take the write lock too late
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(statement: str) -> Callable[[Any], None]:
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _sqlite(path: Path, connections: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", pool_size=connections, max_overflow=0, pool_timeout=_WAIT_S
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin(begin))
    return engine


def _postgres(url: str, connections: int, isolation: IsolationLevel) -> AsyncEngine:
    _, _, rest = url.partition("://")
    return create_async_engine(
        f"postgresql+asyncpg://{rest}",
        isolation_level=isolation,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_WAIT_S,
        pool_pre_ping=True,
        connect_args={"server_settings": {"lock_timeout": f"{_WAIT_S}s"}},
    )


def _create(connection: Connection) -> None:
    """Tables, and the columns and indexes that tables of an earlier version do not have yet."""
    metadata.create_all(connection)
    known = inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {_declared(column, connection)}"))
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _declared(column: Column[Any], connection: Connection) -> str:
    return str(CreateColumn(column).compile(dialect=connection.dialect))


class _Lost(Exception):
    """Takes a finished transaction back."""


class Store:
    """`read()` and `write()` are the only ways to the data; both raise StoreUnavailable when the engine fails.

    Everything one `read()` sees is of one moment. Writes run one after the other, also those of other processes: that
    makes the numbers of the feed the order of the commits.
    """

    def __init__(self, reader: AsyncEngine, writer: AsyncEngine) -> None:
        self._reader = reader
        self._writer = writer
        self._one_writer = asyncio.Lock()
        self._long_readers = asyncio.Semaphore(_LONG_READERS)
        self.is_down: Callable[[], bool] = lambda: False  # replaced by the fault `ready-lies`

    @classmethod
    async def open(cls, data_dir: Path, database_url: str | None) -> "Store":
        if database_url:
            readers = _postgres(database_url, _POSTGRES_READERS + _LONG_READERS, "REPEATABLE READ")
            store = cls(readers, _postgres(database_url, 1, "READ COMMITTED"))
        else:
            folder = data_dir / "legacy"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "tutoring.sqlite"
            store = cls(_sqlite(path, _READERS + _LONG_READERS, "BEGIN"), _sqlite(path, 1, "BEGIN IMMEDIATE"))
        async with store._guarded(), store._writer.begin() as connection:
            await store._take_turn(connection)
            await connection.run_sync(_create)
            await feed.open_feed(connection)
            await backfill.book_the_unbooked(connection)
        return store

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self._guarded(), self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def read_long(self) -> AsyncIterator[AsyncConnection]:
        """For reads that last (exports): a few at once, so that short reads always find a connection."""
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._long_readers.acquire()
        except TimeoutError as late:
            raise StoreUnavailable("too many long reads") from late
        try:
            async with self.read() as connection:
                yield connection
        finally:
            self._long_readers.release()

    @asynccontextmanager
    async def write(self, is_lost: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction. `is_lost` rolls it back at the end (fault `lost-write`)."""
        async with self._guarded(), self._one_writer, self._transaction(is_lost) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, is_lost: bool) -> AsyncIterator[AsyncConnection]:
        with contextlib.suppress(_Lost):
            async with self._writer.begin() as connection:
                await self._take_turn(connection)
                feed.begin(connection)
                yield connection
                if is_lost:
                    raise _Lost
                await feed.record(connection)

    async def _take_turn(self, connection: AsyncConnection) -> None:
        """SQLite has one writer by itself. A sequence of PostgreSQL is not its commit order: this lock makes it so."""
        if connection.dialect.name == "postgresql":
            await connection.execute(select(func.pg_advisory_xact_lock(_WRITE_LOCK)))

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        if self.is_down():
            raise StoreUnavailable
        try:
            yield
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from error

    async def ping(self) -> None:
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._reader.dispose()
        await self._writer.dispose()
