"""Two states of one board become one (contract rest.md §7: merged, never replaced)."""

from dataclasses import dataclass

from .document import BoardDocument


@dataclass(frozen=True)
class Merged:
    """`news`: what the stored state lacks of the incoming one; None: nothing. `is_complete`: the stored one has nothing
    that the incoming one lacks."""

    state: bytes
    news: bytes | None
    is_complete: bool


def merge_states(stored: bytes | None, incoming: bytes) -> Merged:
    """Raises InvalidUpdate when either cannot be read."""
    if stored == incoming:
        return Merged(incoming, news=None, is_complete=True)
    arrived = BoardDocument(None, is_watched=False)
    arrived.apply(incoming)
    if stored is None:
        state = arrived.state()
        return Merged(state, news=state, is_complete=True)
    ours = BoardDocument(stored, is_watched=False)
    before = ours.extent()
    news = arrived.lacking_in(ours)
    ours.merge(news)
    both = ours.extent()
    return Merged(ours.state(), news if both != before else None, is_complete=both == arrived.extent())
