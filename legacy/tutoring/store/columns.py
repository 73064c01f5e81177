"""Column types that behave alike on SQLite and PostgreSQL."""

import json
from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator

from ..jsonwire import dumps

_ESCAPED = "\x01"


class SafeText(TypeDecorator[str]):
    """Any text, verbatim (contract G5).

    PostgreSQL refuses U+0000 in text; such values (and those that start with the mark itself) are kept as escaped JSON.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and ("\x00" in value or value.startswith(_ESCAPED)):
            return _ESCAPED + json.dumps(value)
        return value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and value.startswith(_ESCAPED):
            return str(json.loads(value[1:]))
        return value


class Json(TypeDecorator[Any]):
    """A JSON value as text: keeps the key order, and SQL NULL is JSON absent."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        # Control characters are always escaped in JSON, so U+0000 never reaches the engine.
        return None if value is None else dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
