"""Byte strings in one, each behind its length."""

import struct
from collections.abc import Sequence

UNREADABLE = 3  # how the process ends when a state is none
_LENGTH = struct.Struct("!Q")


def join(parts: Sequence[bytes]) -> bytes:
    return b"".join(piece for part in parts for piece in (_LENGTH.pack(len(part)), part))


def split(data: bytes) -> list[bytes]:
    parts, at = [], 0
    while at < len(data):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(data, at)[0]
        parts.append(data[start:at])
    return parts
