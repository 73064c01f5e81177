"""Faults that change a JSON body or frame (contract faults.md §2, rows wrong-error-code … garble-json)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..jsonwire import dumps, es_number
from .switch import FaultView

_STEP = re.compile(r"([^.\[\]$]+)|\[(\d+)\]")
_TIME_KEYS = frozenset(
    {
        "created_at",
        "updated_at",
        "ended_at",
        "timestamp",
        "last_active",
        "last_accessed",
        "submitted_at",
        "session_started",
    }
)
_FLOAT_KEYS = frozenset(
    {"overall_progress", "learning_pace_factor", "coverage", "learner_share", "bbox", "offset_x_pct", "offset_y_pct"}
)
Change = Callable[[Any], Any]
_REMOVED = object()


def mutate(value: Any, faults: FaultView) -> Any:
    """The value with every fired change applied; the original is never touched."""
    if faults.is_quiet or not isinstance(value, dict | list):
        return value
    for name, change in _PATH_CHANGES.items():
        if fired := faults.fires(name):
            value = _at(value, fired.argument or _default_path(value, name), change)
    if isinstance(value, dict) and (fired := faults.fires("extra-field")):
        value = {**value, fired.argument: 1}
    for name, everywhere in _DEEP_CHANGES.items():
        if faults.fires(name):
            value = everywhere(value)
    if fired := faults.fires("truncate-list"):
        value = _lists_cut(value, int(fired.number))
    return value


def garbled(text: str) -> str:
    return text[: len(text) // 2]


def _default_path(value: Any, name: str) -> str:
    if name == "reorder-array":
        return _first_list(value) or ""
    return "[0]" if isinstance(value, list) else next(iter(value), "")


def _first_list(value: Any, path: str = "") -> str | None:
    """Path of the first list with at least two items that differ."""
    if isinstance(value, list):
        if len(value) > 1 and value != value[::-1]:
            return path or "$"
        members = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, dict):
        members = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    else:
        return None
    return next((found for where, item in members if (found := _first_list(item, where))), None)


def _at(value: Any, path: str, change: Change) -> Any:
    steps = [name or int(index) for name, index in _STEP.findall(path)]
    if not steps:
        return change(value) if path == "$" else value
    changed = _walk(value, steps, change)
    return value if changed is _REMOVED else changed


def _walk(value: Any, steps: list[str | int], change: Change) -> Any:
    if not steps:
        return change(value)
    step = steps[0]
    if isinstance(value, dict) and isinstance(step, str) and step in value:
        changed = _walk(value[step], steps[1:], change)
        pairs = ((key, changed if key == step else item) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _REMOVED}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        changed = _walk(value[step], steps[1:], change)
        items = (changed if index == step else item for index, item in enumerate(value))
        return [item for item in items if item is not _REMOVED]
    return value


def _other_type(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        return es_number(value)
    if isinstance(value, str):
        return 0
    return {str(index): item for index, item in enumerate(value)} if isinstance(value, list) else []


def _other_value(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return value[::-1] if isinstance(value, str) else value


def _deep(value: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:
    if isinstance(value, dict):
        pairs = ((name, _deep(item, change, name)) for name, item in value.items())
        return {name: item for name, item in pairs if item is not _REMOVED}
    if isinstance(value, list):
        return [_deep(item, change, key) for item in value]
    return change(key, value)


def _time_as_ms(key: str, value: Any) -> Any:
    if key not in _TIME_KEYS or not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _float_as_text(key: str, value: Any) -> Any:
    is_float = isinstance(value, float) or (key in _FLOAT_KEYS and isinstance(value, int))
    return es_number(value) if is_float and not isinstance(value, bool) else value


def _lists_cut(value: Any, longest: int) -> Any:
    if isinstance(value, dict):
        return {key: _lists_cut(item, longest) for key, item in value.items()}
    return [_lists_cut(item, longest) for item in value[:longest]] if isinstance(value, list) else value


_PATH_CHANGES: dict[str, Change] = {
    "missing-field": lambda _value: _REMOVED,
    "null-field": lambda _value: None,
    "type-change": _other_type,
    "value-change": _other_value,
    "reorder-array": lambda value: value[::-1] if isinstance(value, list) else value,
}
_DEEP_CHANGES: dict[str, Callable[[Any], Any]] = {
    "wrong-error-code": lambda value: _deep(
        value, lambda key, item: "WRONG_CODE" if key == "error_code" and item is not None else item
    ),
    "absent-null": lambda value: _deep(value, lambda _key, item: _REMOVED if item is None else item),
    "time-format": lambda value: _deep(value, _time_as_ms),
    "float-text": lambda value: _deep(value, _float_as_text),
}


def frame_text(frame: dict[str, Any], faults: FaultView) -> str:
    """A tutor frame as it goes out."""
    text = dumps(mutate(frame, faults))
    return garbled(text) if faults.fires("garble-json") else text
