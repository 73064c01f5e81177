"""Fields of bodies and queries, with the violations of body E3 (contract rest.md §1)."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import ValidationFailed

_INTEGRAL = re.compile(r"[+-]?[0-9]{1,300}(\.0*)?")
_TRUE = frozenset({"true", "yes", "on", "1", "t", "y"})
_FALSE = frozenset({"false", "no", "off", "0", "f", "n"})
_SMALLEST, _LARGEST = -(2**53), 2**53


def violation(
    kind: str, loc: Iterable[Any], value: Any, message: str, ctx: dict[str, Any] | None = None
) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": kind, "loc": list(loc), "msg": message, "input": value}
    if ctx is not None:
        entry["ctx"] = ctx
    return entry


class Fields:
    """Reads fields one by one, collects every violation, and raises them together in `done`."""

    def __init__(self, source: dict[str, Any], where: str) -> None:
        self._source = source
        self._where = where
        self._violations: list[dict[str, Any]] = []

    @classmethod
    def of_body(cls, body: Any, is_absent: bool) -> "Fields":
        """Raises when there is no JSON object to read from."""
        if is_absent:
            raise ValidationFailed([violation("missing", ["body"], None, "Field required")])
        if not isinstance(body, dict):
            message = "Input should be a valid dictionary or object to extract fields from"
            raise ValidationFailed([violation("model_attributes_type", ["body"], body, message)])
        return cls(body, "body")

    def done(self) -> None:
        if self._violations:
            raise ValidationFailed(self._violations)

    def has(self, name: str) -> bool:
        return name in self._source

    def _add(self, kind: str, name: str, value: Any, message: str, **ctx: Any) -> None:
        self._violations.append(violation(kind, [self._where, name], value, message, ctx or None))

    def _present(self, name: str) -> bool:
        if name in self._source:
            return True
        source = self._source if self._where == "body" else None
        self._violations.append(violation("missing", [self._where, name], source, "Field required"))
        return False

    def text(self, name: str, shortest: int = 0, longest: int | None = None) -> str:
        """A required text; the value is meaningless once a violation was collected."""
        if not self._present(name):
            return ""
        value = self._source[name]
        if not isinstance(value, str):
            self._add("string_type", name, value, "Input should be a valid string")
            return ""
        if len(value) < shortest:
            self._add("string_too_short", name, value, f"At least {shortest} characters", min_length=shortest)
        elif longest is not None and len(value) > longest:
            self._add("string_too_long", name, value, f"At most {longest} characters", max_length=longest)
        return value

    def optional_text(self, name: str, shortest: int = 0, longest: int | None = None) -> str | None:
        """Null where the text is declared nullable, or the key is absent."""
        if self._source.get(name) is None:
            return None
        return self.text(name, shortest, longest)

    def optional_word(self, name: str, words: Sequence[str]) -> str | None:
        """One of these, or null where the key is absent."""
        value = self.optional_text(name)
        if value is None or value in words:
            return value
        expected = " or ".join(repr(word) for word in words)
        self._add("literal_error", name, value, f"Expected {expected}", expected=expected)
        return None

    def boolean(self, name: str) -> bool:
        if not self._present(name):
            return False
        value = self._source[name]
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float) and value in (0, 1):
            return bool(value)
        if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
            return value.lower() in _TRUE
        kind = "bool_parsing" if isinstance(value, str | int | float) else "bool_type"
        self._add(kind, name, value, "Input should be a valid boolean")
        return False

    def optional_object(self, name: str) -> dict[str, Any] | None:
        value = self._source.get(name)
        if name not in self._source or isinstance(value, dict):
            return value
        self._add("dict_type", name, value, "Input should be a valid dictionary")
        return None

    def items(self, name: str, most: int) -> list[Any]:
        if not self._present(name):
            return []
        value = self._source[name]
        if not isinstance(value, list):
            self._add("list_type", name, value, "Input should be a valid list")
            return []
        if len(value) > most:
            self._add("too_long", name, None, f"At most {most} items", max_length=most)
        return value

    def integer(self, name: str, default: int | None = None, low: int | None = None, high: int | None = None) -> int:
        if default is not None and name not in self._source:
            return default
        if not self._present(name):
            return 0
        value = self._integral(name, self._source[name])
        if value is None:
            return 0
        if low is not None and value < low:
            self._add("greater_than_equal", name, self._source[name], f"At least {low}", ge=low)
        elif high is not None and value > high:
            self._add("less_than_equal", name, self._source[name], f"At most {high}", le=high)
        return value

    def _integral(self, name: str, value: Any) -> int | None:
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            if value.is_integer():
                return int(value)
            self._add("int_from_float", name, value, "Input should be a valid integer, got a number with a fraction")
            return None
        if isinstance(value, str):
            if _INTEGRAL.fullmatch(value):
                return int(value.partition(".")[0])
            self._add("int_parsing", name, value, "Input should be a valid integer, unable to parse text")
            return None
        self._add("int_type", name, value, "Input should be a valid integer")
        return None


def clamped(value: int) -> int:
    """Bounds wide enough for every meaning and narrow enough for every engine."""
    return max(_SMALLEST, min(value, _LARGEST))
