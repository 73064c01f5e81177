"""R3, R4, R16-R18: folders (contract rest.md §3)."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ..ids import kid
from ..store import folders
from ..store.folders import Folder
from .call import Call, Reply, Route
from .ownership import find_folder
from .validation import Fields


def _name(call: Call) -> str:
    fields = Fields.of_body(call.body, call.is_body_absent)
    name = fields.text("name", 1, 100)
    fields.done()
    return name


def _shown(call: Call, folder: Folder) -> dict[str, Any]:
    body = folder.body()
    return {**body, "knowledge_base": folder.knowledge_base or ""} if call.faults.fires("leak-field") else body


async def _create(call: Call, tx: AsyncConnection, _target: None, name: str) -> Reply:
    folder_id = kid("folder", call.user_id, call.path, call.key)
    return Reply(201, _shown(call, await folders.add(tx, folder_id, call.user_id, name)))


async def _list(call: Call, tx: AsyncConnection, _target: None, _arguments: None) -> Reply:
    found = await folders.of_user(tx, call.user_id, call.as_of)
    return Reply(200, {"folders": [_shown(call, folder) for folder in found]})


async def _show(call: Call, tx: AsyncConnection, folder: Folder, _arguments: None) -> Reply:
    document_count, session_count = await folders.counts(tx, folder.id, call.as_of)
    counts = {"document_count": document_count, "session_count": session_count}
    return Reply(200, {**_shown(call, folder), **counts})


async def _rename(_call: Call, tx: AsyncConnection, folder: Folder, name: str) -> Reply:
    await folders.rename(tx, folder.id, name)
    return Reply(200, {**folder.body(), "name": name})


async def _delete(_call: Call, tx: AsyncConnection, folder: Folder, _arguments: None) -> Reply:
    await folders.remove(tx, folder.id)
    return Reply(204)


ROUTES = [
    Route("R3", "POST", "/api/v1/folders/", _create, check=_name, body="json", is_keyed=True),
    Route("R4", "GET", "/api/v1/folders/", _list),
    Route("R16", "GET", "/api/v1/folders/{folder_id}", _show, find_folder),
    Route("R17", "PATCH", "/api/v1/folders/{folder_id}", _rename, find_folder, check=_name, body="json", is_keyed=True),
    Route("R18", "DELETE", "/api/v1/folders/{folder_id}", _delete, find_folder, is_keyed=True),
]
