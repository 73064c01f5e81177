"""Reading a JSON reply (contract services.md §1)."""

from typing import Any

from ..jsonwire import InvalidJson, parse
from ..text import trim
from .failures import UnusableReply

_FENCE = "```"


def read_object(reply: str) -> dict[str, Any]:
    """Raises UnusableReply."""
    text = _without_fence(trim(reply))
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise UnusableReply("not_json")
    try:
        value = parse(text[start : end + 1])
    except InvalidJson as error:
        raise UnusableReply("not_json") from error
    assert isinstance(value, dict), "text from { to } parses to an object or not at all"
    return value


def _without_fence(text: str) -> str:
    if not (text.startswith(_FENCE) and text.endswith(_FENCE) and len(text) >= 2 * len(_FENCE)):
        return text
    inner = text[len(_FENCE) : -len(_FENCE)]
    first, newline, rest = inner.partition("\n")
    return rest if newline and "{" not in first else inner
