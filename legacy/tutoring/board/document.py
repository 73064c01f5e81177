"""One live Yjs document with its two root maps (contract whiteboard-socket.md §§1, 3, 4)."""

from typing import Any

from pycrdt import Doc, Map, MapEvent, Snapshot, TransactionEvent

from .content import BoardContent, is_alive, metadata_of, plain
from .extent import Extent, read_extent
from .update_check import Malformed, check_update

_NOTHING = b"\x00\x00"


class InvalidUpdate(ValueError):
    """Bytes that are not a Yjs v1 update."""


class BoardDocument:
    def __init__(self, state: bytes | None, is_watched: bool = True) -> None:
        """Not watched, it never tells what an update changed, which takes longer than applying it. Raises InvalidUpdate
        when the stored state cannot be read."""
        self._doc: Doc[Any] = Doc()
        self._objects: Map[Any] = self._doc.get("objects", type=Map)
        self._ephemeral: Map[Any] = self._doc.get("ephemeral", type=Map)
        self._changed_keys: set[str] = set()
        self._made: list[bytes] | None = None
        self._subscriptions: list[Any] = []
        if state is not None:
            self._decode(state)  # our own encoding: the check is for what clients send
        if is_watched:
            self._subscriptions.append(self._objects.observe(self._note_keys))
            self._subscriptions.append(self._doc.observe(self._note_update))

    def _note_keys(self, event: MapEvent) -> None:
        keys: dict[str, dict[str, Any]] = event.keys  # type: ignore[attr-defined]
        self._changed_keys |= {key for key, change in keys.items() if change["action"] != "delete"}

    def _note_update(self, event: TransactionEvent) -> None:
        if self._made is not None:
            self._made.append(event.update)

    def apply(self, update: bytes) -> set[str]:
        """Applies a client's update; returns the keys of `objects` it added or changed. Raises InvalidUpdate."""
        self._changed_keys = set()
        try:
            check_update(update)
        except Malformed as error:
            raise InvalidUpdate(str(error)) from error
        self._decode(update)
        return self._changed_keys

    def merge(self, update: bytes) -> list[bytes]:
        """Applies a state that has been read before; returns what was new as updates. Raises InvalidUpdate."""
        made: list[bytes] = []
        self._made = made
        try:
            self._decode(update)
        finally:
            self._made = None
        return [each for each in made if each != _NOTHING]

    def _decode(self, update: bytes) -> None:
        try:
            self._doc.apply_update(update)
        except Exception as error:
            raise InvalidUpdate(str(error)) from error
        except BaseException as error:
            # The library turns a panic of its native part into a class of its own below BaseException.
            if type(error).__name__ == "PanicException":
                raise InvalidUpdate("the update broke the decoder") from error
            raise

    def mark_as_users(self, keys: set[str], server_ids: set[str]) -> list[bytes]:
        """Objects a client claims for the tutor become the user's (contract §3.3); returns the updates this made."""
        with self._making() as made:
            for key in sorted(keys - server_ids):
                value = self._objects.get(key)
                if isinstance(value, dict) and metadata_of(value).get("source") != "user":
                    self._objects[key] = {**value, "metadata": {**metadata_of(value), "source": "user"}}
        return made

    def collect_expired(self, now_ms: int) -> list[bytes]:
        """Removes expired entries of `ephemeral` as one update (contract §4)."""
        expired = [key for key, entry in self._ephemeral.items() if not is_alive(entry, now_ms)]
        if not expired:
            return []
        with self._making() as made:
            for key in expired:
                del self._ephemeral[key]
        return made

    def _making(self) -> "_Making":
        return _Making(self)

    def state(self) -> bytes:
        return bytes(self._doc.get_update())

    def lacking_in(self, other: "BoardDocument") -> bytes:
        """What the other document has not got of this one, and perhaps some of what it has."""
        return bytes(self._doc.get_update(other._doc.get_state()))

    def extent(self) -> Extent:
        return read_extent(Snapshot.from_doc(self._doc).encode())

    def plain(self) -> dict[str, Any]:
        """Both root maps as JSON."""
        return {"objects": plain(self._objects.to_py()), "ephemeral": plain(self._ephemeral.to_py())}

    def content(self) -> BoardContent:
        objects = dict(self._objects.items())
        plain = {key: value for key, value in objects.items() if isinstance(value, dict)}
        ephemeral = dict(self._ephemeral.items())
        return BoardContent(plain, ephemeral, has_objects=bool(objects))


class _Making:
    """One transaction; collects the updates it makes."""

    def __init__(self, board: BoardDocument) -> None:
        self._board = board
        self._transaction = board._doc.transaction()

    def __enter__(self) -> list[bytes]:
        made: list[bytes] = []
        self._board._made = made
        self._transaction.__enter__()
        return made

    def __exit__(self, *error: Any) -> None:
        try:
            self._transaction.__exit__(*error)
        finally:
            self._board._made = None
