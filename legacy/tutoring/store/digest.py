"""Fingerprints of everything a user has, equal on both arms for equal data (contract rest.md §7)."""

import base64
import hashlib
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..board.document import BoardDocument
from ..jsonwire import canonical, fingerprint
from . import feed
from .kinds import SORTED_KINDS, Kind
from .reading import Row, rows_of_user

# What differs when both arms process the same inputs.
_TIMES = frozenset(
    {
        "created_at",
        "updated_at",
        "ended_at",
        "submitted_at",
        "last_accessed",
        "last_active",
        "timestamp",
        "time",
        "response_time_ms",
        "session_duration_seconds",
    }
)


class _ListHash:
    """SHA-256 of CJ of a list that is never whole in memory."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(b"[")
        self.count = 0

    def add(self, value: Any) -> None:
        self._hash.update(("," if self.count else "").encode() + canonical(value).encode())
        self.count += 1

    def hexdigest(self) -> str:
        ended = self._hash.copy()
        ended.update(b"]")
        return ended.hexdigest()


class Digest:
    """Takes rows kind by kind, each kind's sorted by key."""

    def __init__(self) -> None:
        self._full = {kind.name: _ListHash() for kind in SORTED_KINDS}
        self._timeless = {kind.name: _ListHash() for kind in SORTED_KINDS}

    def add(self, kind: Kind, row: Row) -> None:
        shown = _digested(kind, row)
        self._full[kind.name].add(shown)
        self._timeless[kind.name].add(without_times(shown))

    def sections(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"count": full.count, "hash": self._timeless[name].hexdigest(), "full_hash": full.hexdigest()}
            for name, full in self._full.items()
        }

    @property
    def full_hash(self) -> str:
        return fingerprint([full.hexdigest() for full in self._full.values()])

    @property
    def hash(self) -> str:
        return fingerprint([timeless.hexdigest() for timeless in self._timeless.values()])


def _digested(kind: Kind, row: Row) -> Row:
    shown = {name: value for name, value in row.items() if name not in kind.undigested}
    if kind.name == "yjs_snapshots":
        shown["state"] = BoardDocument(base64.b64decode(row["state"])).plain()
    return shown


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in _TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


async def digest(tx: AsyncConnection, user_id: str) -> dict[str, Any]:
    made = Digest()
    async for kind, rows in rows_of_user(tx, user_id, clock.now_ms()):
        for _, row in rows:
            made.add(kind, row)
    last, _ = await feed.bounds(tx)
    return {
        "user_id": user_id,
        "cursor": last,
        "sections": made.sections(),
        "hash": made.hash,
        "full_hash": made.full_hash,
    }
