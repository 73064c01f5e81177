"""The faults of the request or turn that is being handled, for code too deep to be handed them."""

from contextvars import ContextVar

from .switch import FaultView

_current: ContextVar[FaultView | None] = ContextVar("faults", default=None)


def handle_under(faults: FaultView) -> None:
    """Holds for the rest of the running task, or until the next call in it."""
    _current.set(faults)


def fires_here(name: str) -> bool:
    faults = _current.get()
    return faults is not None and faults.fires(name) is not None
