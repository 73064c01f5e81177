"""What a Yjs document holds: the numbers of its parts and of its deletions (handoff.md §7.2 Y1).

State vectors alone are not enough: two documents of which one lacks a deletion have the same. The encoding of a whole
document is too much: equal documents can be cut into parts differently. A Yjs snapshot is both numbers and nothing
else, once its ranges are joined.
"""

from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]  # first and one behind the last, ascending, with gaps between them


@dataclass(frozen=True)
class Extent:
    """Equal exactly when two documents hold the same parts and the same deletions."""

    ends: dict[int, int]
    deleted: dict[int, Ranges]


def read_extent(snapshot: bytes) -> Extent:
    """Of an encoded snapshot v1 of our own library: the delete set, then the state vector."""
    numbers = iter(_numbers(snapshot))
    deleted = {}
    for _ in range(next(numbers)):
        client, count = next(numbers), next(numbers)
        found = ((next(numbers), next(numbers)) for _ in range(count))
        deleted[client] = _joined([(start, start + length) for start, length in found])
    ends = {next(numbers): next(numbers) for _ in range(next(numbers))}
    return Extent(
        {client: end for client, end in ends.items() if end > 0},
        {client: ranges for client, ranges in deleted.items() if ranges},
    )


def _numbers(data: bytes) -> list[int]:
    """A snapshot is nothing but variable-length numbers."""
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value = shift = 0
    return numbers


def _joined(ranges: list[tuple[int, int]]) -> Ranges:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if start == end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)
