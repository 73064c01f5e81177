"""Public ids (contract G4)."""

import re
import uuid
from collections.abc import Callable

_NAMESPACE = uuid.UUID("94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e")
_HYPHENATED = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SPELLINGS = re.compile(
    rf"(?:(?P<plain>{_HYPHENATED})|(?P<hex>[0-9a-f]{{32}})|\{{(?P<braced>{_HYPHENATED})\}}|urn:uuid:(?P<urn>{_HYPHENATED}))",
    re.IGNORECASE | re.ASCII,
)

_random_instead: Callable[[], bool] = lambda: False  # noqa: E731  (replaced by the fault `id-random`)


def set_random_instead(decide: Callable[[], bool]) -> None:
    global _random_instead
    _random_instead = decide


def canonical_uuid(text: str) -> str | None:
    """The lower-case hyphenated form of one of the four spellings, else None. Blanks are not trimmed."""
    found = _SPELLINGS.fullmatch(text)
    return str(uuid.UUID(next(part for part in found.groups() if part))) if found else None


def new_id() -> str:
    return str(uuid.uuid4())


def did(kind: str, *parts: object) -> str:
    return new_id() if _random_instead() else derived(kind, *parts)


def derived(kind: str, *parts: object) -> str:
    """What `did` gives with no fault on: for ids that are recognised, not minted."""
    return str(uuid.uuid5(_NAMESPACE, ":".join((kind, *map(str, parts)))))


def did8(kind: str, *parts: object) -> str:
    return did(kind, *parts)[:8]


def kid(kind: str, user_id: str, path: str, key: str | None) -> str:
    """Id minted by a request: derived from its idempotency key, random without one."""
    return new_id() if key is None else did(kind, user_id, path, key)
