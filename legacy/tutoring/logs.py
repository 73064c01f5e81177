"""One JSON line per event on standard output.

Lines hold ids, routes, codes and durations, never tokens, query strings, bodies or texts (contract differences.md §11).
"""

import sys
from collections.abc import Callable

from . import clock
from .jsonwire import dumps

Value = str | int | float | bool | None


def _write(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError:
        pass  # whoever read the lines is gone; serving goes on


class Log:
    def __init__(self, write: Callable[[str], None] = _write) -> None:
        self._write = write

    def info(self, msg: str, **fields: Value) -> None:
        self._line("info", msg, fields)

    def warn(self, msg: str, **fields: Value) -> None:
        self._line("warn", msg, fields)

    def error(self, msg: str, **fields: Value) -> None:
        self._line("error", msg, fields)

    def _line(self, level: str, msg: str, fields: dict[str, Value]) -> None:
        self._write(dumps({"time": clock.ts(clock.now_ms()), "level": level, "msg": msg, **fields}))
