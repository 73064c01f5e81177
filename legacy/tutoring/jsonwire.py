"""JSON in, JSON out, canonical JSON (contract G1, G2, G5, G6; RFC 8259, RFC 8785)."""

import hashlib
import json
import math
import re
from typing import Any

from .text import without_surrogates

DEPTH_MAX = 200
_LONG_DIGITS = re.compile(r"[0-9]{300}")


class InvalidJson(ValueError):
    """Text that is not JSON; `offset` counts characters."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


def _refuse_constant(name: str) -> Any:
    raise InvalidJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InvalidJson(f"number out of range: {text[:40]}")
    return value


def _finite_integer(text: str) -> int:
    return int(_finite(text)) if len(text) >= 300 else int(text)


def parse(raw: bytes | str) -> Any:
    """A JSON value with lone surrogates replaced. Raises InvalidJson."""
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJson("not UTF-8", error.start) from error
    _check_depth(text)
    try:
        # Integers beyond a double would fail much later, in fingerprints; the hook costs, so only where it can matter.
        whole = _finite_integer if _LONG_DIGITS.search(text) else None
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=whole)
    except json.JSONDecodeError as error:
        raise InvalidJson(error.msg, error.pos) from error
    except (ValueError, RecursionError) as error:
        raise InvalidJson(str(error) if isinstance(error, InvalidJson) else "number or nesting too large") from error
    return _scrub(value) if "\\u" in text or "\\U" in text else value


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    depth, inside, escaped = 0, False, False
    for offset, char in enumerate(text):
        if inside:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                inside = False
        elif char == '"':
            inside = True
        elif char in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise InvalidJson("nesting too deep", offset)
        elif char in "]}":
            depth -= 1


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): _scrub(item) for key, item in value.items()}
    return value


def dumps(value: Any) -> str:
    """Compact JSON with non-ASCII characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def dump_bytes(value: Any) -> bytes:
    return dumps(value).encode("utf-8", "replace")


def es_number(value: float) -> str:
    """Number::toString of ECMAScript, base 10 (RFC 8785 §3.2.2.3)."""
    number = float(value)
    if not math.isfinite(number):
        raise InvalidJson("not a JSON number")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, point = _shortest(abs(number))
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    exponent = point - 1
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{'+' if exponent >= 0 else '-'}{abs(exponent)}"


def _shortest(number: float) -> tuple[str, int]:
    """Shortest digits that read back as the number, and the position of the decimal point in them."""
    mantissa, _, exponent = f"{number!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + ("" if fraction == "0" else fraction)
    stripped = digits.lstrip("0")
    return stripped.rstrip("0"), point - (len(digits) - len(stripped))


def canonical(value: Any) -> str:
    """CJ(value)."""
    if isinstance(value, str):
        return json.dumps(without_surrogates(value), ensure_ascii=False)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return es_number(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(item)}" for key, item in members) + "}"
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def fingerprint(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()
