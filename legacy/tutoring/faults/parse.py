"""The switch syntax `name[@scope][:rate[:arg]],…` (contract faults.md §1)."""

import math
from dataclasses import dataclass

from ..text import trim
from .table import FAULTS, Fault

SURFACES = frozenset({"tutor", "whiteboard", "realtime", "conversations", "chat", "rest", "all"})
ROUTE_IDS = frozenset(f"R{number}" for number in range(1, 38))


class BadFaults(ValueError):
    """Unknown name, bad rate, bad argument or bad scope."""


@dataclass(frozen=True)
class Item:
    name: str
    scope: str | None
    rate: float
    argument: str

    def acts_on(self, surface: str, route_id: str | None) -> bool:
        if self.scope == "all":
            return True
        if self.scope is not None:
            return self.scope in (surface, route_id)
        where = FAULTS[self.name].where
        return surface in where or route_id in where

    def __str__(self) -> str:
        scope = f"@{self.scope}" if self.scope else ""
        return f"{self.name}{scope}:{self.rate:g}" + (f":{self.argument}" if self.argument else "")


def parse_faults(text: str) -> tuple[Item, ...]:
    """Raises BadFaults with a sentence that names the bad item."""
    return tuple(_item(trim(part)) for part in text.split(",") if trim(part))


def _item(text: str) -> Item:
    head, _, rest = text.partition(":")
    name, at, scope = head.partition("@")
    fault = FAULTS.get(name)
    if fault is None:
        raise BadFaults(f"unknown fault {name!r}")
    if at and scope not in SURFACES | ROUTE_IDS:
        raise BadFaults(f"unknown scope {scope!r} of fault {name!r}")
    rate, _, argument = rest.partition(":")
    return Item(name, scope or None, _rate(name, rate), _argument(name, fault, argument))


def _rate(name: str, text: str) -> float:
    try:
        rate = float(text) if text else 1.0
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise BadFaults(f"rate of fault {name!r} must be a number from 0 to 1")
    return rate


def _argument(name: str, fault: Fault, text: str) -> str:
    if not text:
        return fault.default
    if fault.argument == "none":
        raise BadFaults(f"fault {name!r} takes no argument")
    if fault.argument == "number" and not _is_number(text):
        raise BadFaults(f"argument of fault {name!r} must be a number")
    return text


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
