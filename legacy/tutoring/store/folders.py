"""Rows of `folders` (contract rest.md §3)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from . import rows
from .tables import documents, embeddings, folders, sessions

ALWAYS = 2**62  # a reading moment after every row


@dataclass(frozen=True)
class Folder:
    id: str
    user_id: str
    name: str
    vector_store_id: str | None
    knowledge_base: str | None
    created_at: int

    def body(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "created_at": clock.ts(self.created_at)}


_COLUMNS = [folders.c[name] for name in Folder.__dataclass_fields__]


async def find(tx: AsyncConnection, folder_id: str, as_of: int = ALWAYS) -> Folder | None:
    query = select(*_COLUMNS).where(folders.c.id == folder_id, folders.c.created_at <= as_of)
    row = (await tx.execute(query)).one_or_none()
    return Folder(*row) if row else None


async def of_user(tx: AsyncConnection, user_id: str, as_of: int = ALWAYS) -> list[Folder]:
    query = select(*_COLUMNS).where(folders.c.user_id == user_id, folders.c.created_at <= as_of)
    found = await tx.execute(query.order_by(folders.c.created_at.desc(), folders.c.id))
    return [Folder(*row) for row in found]


async def add(tx: AsyncConnection, folder_id: str, user_id: str, name: str) -> Folder:
    folder = Folder(folder_id, user_id, name, None, None, clock.now_ms())
    await rows.add(tx, folders, **vars(folder), updated_at=folder.created_at)
    return folder


async def rename(tx: AsyncConnection, folder_id: str, name: str) -> None:
    await rows.change(tx, folders, folders.c.id == folder_id, name=name, updated_at=clock.now_ms())


async def counts(tx: AsyncConnection, folder_id: str, as_of: int = ALWAYS) -> tuple[int, int]:
    """Documents and sessions of a folder."""
    in_folder = select(func.count()).select_from(documents).where(documents.c.folder_id == folder_id)
    of_sessions = select(func.count()).select_from(sessions)
    of_sessions = of_sessions.where(sessions.c.folder_id == folder_id, sessions.c.created_at <= as_of)
    row = (await tx.execute(select(in_folder.scalar_subquery(), of_sessions.scalar_subquery()))).one()
    return int(row[0]), int(row[1])


async def remove(tx: AsyncConnection, folder_id: str) -> None:
    """Sessions stay, without a folder; documents and embeddings go (contract models.md §8)."""
    held = select(sessions.c.id, sessions.c.context).where(sessions.c.folder_id == folder_id)
    for session_id, context in (await tx.execute(held)).all():
        changed = {**context, "folder_id": None}
        await rows.change(tx, sessions, sessions.c.id == session_id, folder_id=None, context=changed)
    of_folder = select(documents.c.id).where(documents.c.folder_id == folder_id)
    await tx.execute(delete(embeddings).where(embeddings.c.document_id.in_(of_folder)))
    await tx.execute(delete(documents).where(documents.c.folder_id == folder_id))
    await rows.remove(tx, folders, folders.c.id == folder_id)
