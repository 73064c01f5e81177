"""Shapes of stored values, and repair by default (contract models.md §1, G16)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Fits = Callable[[Any], bool]
Repaired = Callable[[str], None]


@dataclass(frozen=True)
class Key:
    fits: Fits
    fresh: Callable[[], Any]


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def is_object_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_object, value))


def or_none(fits: Fits) -> Fits:
    return lambda value: value is None or fits(value)


def one_of(*values: str) -> Fits:
    return lambda value: isinstance(value, str) and value in values


def has_keys(**fits: Fits) -> Fits:
    """An object that holds all these keys with fitting values."""
    return lambda value: (
        isinstance(value, dict) and all(name in value and fit(value[name]) for name, fit in fits.items())
    )


def repaired(stored: Any, keys: dict[str, Key], report: Repaired) -> dict[str, Any]:
    """Missing key → default, unknown key gone, unfit value → default and reported. Never fails."""
    source = stored if isinstance(stored, dict) else {}
    result = {}
    for name, key in keys.items():
        if name in source and key.fits(source[name]):
            result[name] = source[name]
        else:
            result[name] = key.fresh()
            if name in source:
                report(name)
    return result
