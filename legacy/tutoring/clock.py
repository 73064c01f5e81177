"""Time of everything the arm stores or sends (contract G3).

Token checks and timers never read this clock: the fault `clock-skew` bends it, and the true clock must stay true.
"""

import time
from datetime import UTC, datetime

_skew_ms = 0


def set_skew_ms(skew_ms: int) -> None:
    global _skew_ms
    _skew_ms = skew_ms


def now_ms() -> int:
    """Milliseconds since the epoch, truncated, as stored and sent."""
    return time.time_ns() // 1_000_000 + _skew_ms


def true_unix() -> float:
    """Seconds since the epoch for token checks."""
    return time.time()


def _moment(ms: int) -> datetime:
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def ts(ms: int) -> str:
    """ISO 8601 with offset, six fractional digits."""
    return _moment(ms).isoformat(timespec="microseconds")


def ts_or_none(ms: int | None) -> str | None:
    return None if ms is None else ts(ms)


def naive(ms: int) -> str:
    """ISO 8601 without offset; no fraction when it is zero."""
    return _moment(ms).replace(tzinfo=None).isoformat()
