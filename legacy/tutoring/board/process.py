"""`python -m tutoring.board.process merge|show`: does one piece of work with a large board, and ends (apart.py).

A process of its own, because the library holds the interpreter's lock while it decodes: a thread would stop everybody.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence

from ..store.texts import texts_of_board
from .document import InvalidUpdate
from .frames import UNREADABLE, join, split
from .merge import merge_states

_NICER_BY = 5  # whoever is served comes first


def _merge(parts: Sequence[bytes]) -> list[bytes]:
    """The incoming state, and the stored one if there is one; gives the state, whether it is complete, and the news."""
    incoming, *stored = parts
    merged = merge_states(stored[0] if stored else None, incoming)
    return [merged.state, b"\x01" if merged.is_complete else b"", *([] if merged.news is None else [merged.news])]


def _show(parts: Sequence[bytes]) -> list[bytes]:
    """The other columns as JSON, and the state; gives the texts that a digest hashes."""
    columns, state = parts
    return list(texts_of_board(json.loads(columns), state))


_WORK: dict[str, Callable[[Sequence[bytes]], list[bytes]]] = {"merge": _merge, "show": _show}


def main() -> int:
    os.nice(_NICER_BY)
    try:
        answer = _WORK[sys.argv[1]](split(sys.stdin.buffer.read()))
    except InvalidUpdate:
        return UNREADABLE
    sys.stdout.buffer.write(join(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
