"""Transactions on SQLite (one writer, WAL) or PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..errors import StoreUnavailable
from .tables import metadata

_READERS = 4
_POSTGRES_CONNECTIONS = 10
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


def _postgres(url: str) -> AsyncEngine:
    _, _, rest = url.partition("://")
    return create_async_engine(
        f"postgresql+asyncpg://{rest}",
        pool_size=_POSTGRES_CONNECTIONS,
        max_overflow=0,
        pool_timeout=_WAIT_S,
        pool_pre_ping=True,
    )


class _Lost(Exception):
    """Takes a finished transaction back."""


class Store:
    """`read()` and `write()` are the only ways to the data; both raise StoreUnavailable when the engine fails."""

    def __init__(self, reader: AsyncEngine, writer: AsyncEngine) -> None:
        self._reader = reader
        self._writer = writer
        self._one_writer = asyncio.Lock() if reader is not writer else None
        self.is_down: Callable[[], bool] = lambda: False  # replaced by the fault `ready-lies`

    @classmethod
    async def open(cls, data_dir: Path, database_url: str | None) -> "Store":
        if database_url:
            engine = _postgres(database_url)
            store = cls(engine, engine)
        else:
            folder = data_dir / "legacy"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "tutoring.sqlite"
            store = cls(_sqlite(path, _READERS, "BEGIN"), _sqlite(path, 1, "BEGIN IMMEDIATE"))
        async with store._guarded(), store._writer.begin() as connection:
            await connection.run_sync(metadata.create_all)
        return store

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self._guarded(), self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, is_lost: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction. `is_lost` rolls it back at the end (fault `lost-write`)."""
        async with self._guarded():
            if self._one_writer is None:
                async with self._transaction(is_lost) as connection:
                    yield connection
            else:
                async with self._one_writer, self._transaction(is_lost) as connection:
                    yield connection

    @asynccontextmanager
    async def _transaction(self, is_lost: bool) -> AsyncIterator[AsyncConnection]:
        with contextlib.suppress(_Lost):
            async with self._writer.begin() as connection:
                yield connection
                if is_lost:
                    raise _Lost

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
