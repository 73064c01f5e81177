"""Arguments of a tool: types, limits, defaults (contract services.md §3).

Absent and null are different (contract README §2): an optional argument may be left out, but null is a wrong type.
"""

import math
from typing import Any, TypeGuard

from ..model.failures import UnusableReply
from ..session.quiz import is_integral

_ABSENT = object()


def bad_args(detail: str, socket_code: str = "TOOL_INPUT_VALIDATION_ERROR") -> UnusableReply:
    return UnusableReply("bad_args", socket_code, detail)


def is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Args:
    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw

    def has(self, name: str) -> bool:
        return name in self._raw

    def raw(self, name: str) -> Any:
        return self._raw.get(name)

    def _get(self, name: str, default: Any) -> Any:
        if name in self._raw:
            return self._raw[name]
        if default is _ABSENT:
            raise bad_args(f"{name} is missing")
        return default

    def text(self, name: str, default: Any = _ABSENT, shortest: int = 0, longest: int | None = None) -> str:
        value = self._get(name, default)
        if not isinstance(value, str) or len(value) < shortest or (longest is not None and len(value) > longest):
            raise bad_args(f"{name} must be a text of the allowed length")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if name in self._raw else None

    def number(self, name: str, default: Any = _ABSENT, low: float = -math.inf, high: float = math.inf) -> int | float:
        value = self._get(name, default)
        if not is_number(value) or not low <= value <= high:
            raise bad_args(f"{name} must be a number in the allowed range")
        return value

    def optional_number(self, name: str) -> int | float | None:
        return self.number(name) if name in self._raw else None

    def integer(self, name: str, default: Any = _ABSENT, low: float = -math.inf, high: float = math.inf) -> int:
        value = self.number(name, default, low, high)
        if not is_integral(value):
            raise bad_args(f"{name} must be an integer")
        return int(value)

    def boolean(self, name: str, default: bool) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise bad_args(f"{name} must be true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: Any = _ABSENT) -> str:
        value = self._get(name, default)
        if not isinstance(value, str) or value not in choices:
            raise bad_args(f"{name} must be one of {', '.join(choices)}")
        return value

    def object(self, name: str) -> dict[str, Any]:
        value = self._get(name, _ABSENT)
        if not isinstance(value, dict):
            raise bad_args(f"{name} must be an object")
        return value

    def items(self, name: str, shortest: int, longest: int, default: Any = _ABSENT) -> list[Any]:
        value = self._get(name, default)
        if not isinstance(value, list) or not shortest <= len(value) <= longest:
            raise bad_args(f"{name} must be a list of {shortest} to {longest} items")
        return value

    def objects(self, name: str, shortest: int, longest: int, default: Any = _ABSENT) -> list[dict[str, Any]]:
        value = self.items(name, shortest, longest, default)
        if not all(isinstance(item, dict) for item in value):
            raise bad_args(f"{name} must hold objects")
        return value

    def texts(self, name: str, shortest: int, longest: int) -> list[str]:
        value = self.items(name, shortest, longest)
        if not all(isinstance(item, str) for item in value):
            raise bad_args(f"{name} must hold texts")
        return value

    def numbers(self, name: str, count: int, default: Any = _ABSENT) -> list[int | float]:
        value = self.items(name, count, count, default)
        if not all(map(is_number, value)):
            raise bad_args(f"{name} must hold numbers")
        return value

    def pairs(self, name: str, shortest: int, longest: int, default: Any = _ABSENT) -> list[list[int | float]]:
        value = self.items(name, shortest, longest, default)
        if not all(isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair)) for pair in value):
            raise bad_args(f"{name} must hold pairs of numbers")
        return value
