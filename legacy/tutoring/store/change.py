"""One change as it travels between the arms (contract rest.md §7)."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, TypeGuard

from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, String

from .. import ARM
from .columns import Json, SafeText
from .feed import Book, Op, Stamp
from .kinds import KIND_OF_NAME, Kind
from .reading import Key, Row, key_of

ORIGINS = ("candidate", "legacy")
USER_ID_MAX = 128
_LISTS = frozenset({"actions_json", "frames"})  # every other JSON column holds an object
_INTEGER_MAX = 2**31 - 1
_SAFE_MAX = 2**53 - 1


class Unfit(ValueError):
    """What is not a change; the text says why."""


@dataclass(frozen=True)
class Change:
    """`data` holds the projected columns with binary as bytes; None for a deletion."""

    seq: int
    kind: Kind
    op: Op
    key_text: str
    key: Key
    user_id: str
    stamp: Stamp
    data: Row | None
    seen: int | None = None
    """The greatest version of our writes of the row that the other arm knew of; None where it does not say."""

    @property
    def name(self) -> tuple[str, str]:
        return self.kind.name, self.key_text

    @property
    def session_id(self) -> str | None:
        """The session whose queue the change belongs to."""
        column = self.kind.session
        if column is None:
            return None
        if self.data is not None:
            return str(self.data[column.name])
        # The deletion of a journal row does not name its session; it touches nothing a turn works on.
        return str(self.key[0]) if column.name == self.kind.key[0].name else None


def sent(book: Book, row: Row | None) -> dict[str, Any]:
    """A change as the feed and the export give it."""
    change: dict[str, Any] = {
        "seq": book.seq,
        "kind": book.kind,
        "op": book.op,
        "key": book.key,
        "user_id": book.user_id,
        **vars(book.stamp),
        **({"seen": book.seen} if book.stamp.origin == ARM else {}),
    }
    return change if row is None else {**change, "data": row}


def seq_of(value: Any) -> int:
    """For the report about something that may not be a change at all."""
    seq = value.get("seq") if isinstance(value, dict) else None
    return int(seq) if _is_whole(seq) else 0


def read_change(value: Any) -> Change:
    """Raises Unfit."""
    if not isinstance(value, dict):
        raise Unfit("not an object")
    kind = KIND_OF_NAME.get(value["kind"]) if isinstance(value.get("kind"), str) else None
    if kind is None:
        raise Unfit("unknown kind")
    op, key_text, user_id = value.get("op"), value.get("key"), value.get("user_id")
    if op not in ("upsert", "delete"):
        raise Unfit("op is neither upsert nor delete")
    key = key_of(kind, key_text) if isinstance(key_text, str) else None
    if key is None or not isinstance(key_text, str):
        raise Unfit("the key does not fit the kind")
    for column, part in zip(kind.key, key, strict=True):
        _read(column, part)
    if not isinstance(user_id, str) or not 1 <= len(user_id) <= USER_ID_MAX:
        raise Unfit("user_id is not a text of 1 to 128 characters")
    data = _read_data(kind, value.get("data"), key_text, user_id) if op == "upsert" else None
    return Change(seq_of(value), kind, op, key_text, key, user_id, _read_stamp(value), data, _read_seen(value))


def _read_stamp(value: dict[str, Any]) -> Stamp:
    version, origin, at = value.get("version"), value.get("origin"), value.get("at")
    if not _is_whole(version) or version < 1:
        raise Unfit("version is not a whole number from 1")
    if origin not in ORIGINS:
        raise Unfit("origin is not an arm")
    if not _is_whole(at):
        raise Unfit("at is not a time in ms")
    return Stamp(int(version), origin, int(at))


def _read_seen(value: dict[str, Any]) -> int | None:
    seen = value.get("seen")
    if seen is None:
        return None
    if not _is_whole(seen) or seen < 0:
        raise Unfit("seen is not a whole number from 0")
    return int(seen)


def _read_data(kind: Kind, data: Any, key_text: str, user_id: str) -> Row:
    if not isinstance(data, dict):
        raise Unfit("an upsert without data")
    row: Row = {}
    for column in kind.columns:
        if column.name not in data:
            raise Unfit(f"data has no {column.name}")
        row[column.name] = _read(column, data[column.name])
    if kind.key_text(row) != key_text:
        raise Unfit("the key is not the key of data")
    if kind.owner is not None and row[kind.owner] != user_id:
        raise Unfit("user_id is not the user of data")
    return row


def _read(column: Column[Any], value: Any) -> Any:
    """A value the column takes on every engine. Raises Unfit."""
    if value is None:
        if not column.nullable:
            raise Unfit(f"{column.name} is null")
        return None
    kind = column.type
    if isinstance(kind, Json):
        return _read_json(column.name, value)
    if isinstance(kind, LargeBinary):
        return _read_bytes(column.name, value)
    if isinstance(kind, SafeText | String):
        is_fit = isinstance(value, str) and (isinstance(kind, SafeText) or _is_plain(value, kind.length))
    elif isinstance(kind, Float):
        is_fit = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        assert isinstance(kind, BigInteger | Integer)
        is_fit = _is_whole(value) and abs(value) <= (_SAFE_MAX if isinstance(kind, BigInteger) else _INTEGER_MAX)
        value = int(value) if is_fit else value
    if not is_fit:
        raise Unfit(f"{column.name} has the wrong type or is too large")
    return value


def _read_json(name: str, value: Any) -> Any:
    is_list = name in _LISTS
    if is_list and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
        raise Unfit(f"{name} is not a list of objects")
    if not is_list and not isinstance(value, dict):
        raise Unfit(f"{name} is not an object")
    return value


def _is_plain(text: str, longest: int | None) -> bool:
    return "\x00" not in text and (longest is None or len(text) <= longest)


def _is_whole(value: Any) -> TypeGuard[int | float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return float(value).is_integer() and abs(value) <= _SAFE_MAX


def _read_bytes(name: str, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise Unfit(f"{name} is not base64") from error
