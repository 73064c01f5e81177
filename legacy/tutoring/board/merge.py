"""Two states of one board become one (contract rest.md §7: merged, never replaced)."""

from dataclasses import dataclass

from .document import BoardDocument


@dataclass(frozen=True)
class Merged:
    """`is_news`: the incoming state had something the stored one lacks. `is_complete`: and lacks nothing of it."""

    state: bytes
    is_news: bool
    is_complete: bool


def merge_states(stored: bytes | None, incoming: bytes) -> Merged:
    """Raises InvalidUpdate when either cannot be read."""
    if stored == incoming:
        return Merged(incoming, is_news=False, is_complete=True)
    merged = BoardDocument(None)
    merged.apply(incoming)
    arrived = merged.extent()
    if stored is None:
        return Merged(merged.state(), is_news=True, is_complete=True)
    before = BoardDocument(stored).extent()
    merged.merge(stored)
    both = merged.extent()
    return Merged(merged.state(), is_news=both != before, is_complete=both == arrived)
