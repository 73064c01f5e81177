"""Walks a Yjs v1 update before the native decoder sees it.

The decoder reserves memory for every count it reads and recurses into nested values: a few hostile bytes could make it
abort the process. Here every count must fit the bytes that are left, and nesting is bounded. Format: lib0 encoding and
the Yjs v1 update (struct store, then delete set).
"""

NESTING_MAX = 100
_VARINT_BYTES_MAX = 10
_GC, _SKIP = 0, 10
_PLAIN_TYPES = frozenset({0, 1, 2, 4, 6})  # array, map, text, XML fragment, XML text
_NAMED_TYPES = frozenset({3, 5})  # XML element, XML hook
_FIXED_ANY = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}


class Malformed(ValueError):
    """Not a Yjs v1 update this arm would decode."""


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        result = shift = 0
        data, at = self._data, self._at
        for _ in range(_VARINT_BYTES_MAX):
            if at >= len(data):
                raise Malformed("ends inside a number")
            byte = data[at]
            at += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                self._at = at
                return result
            shift += 7
        raise Malformed("a number is too long")

    def count(self, smallest: int) -> int:
        """How many things of at least that many bytes follow."""
        value = self.number()
        if value * smallest > len(self._data) - self._at:
            raise Malformed("a count is larger than what is left")
        return value

    def skip(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise Malformed("ends inside a value")

    def sized(self) -> None:
        self.skip(self.number())

    def byte(self) -> int:
        self.skip(1)
        return self._data[self._at - 1]

    def id(self) -> None:
        self.number()
        self.number()

    def any(self, depth: int = 0) -> None:
        tag = self.byte()
        if tag in _FIXED_ANY:
            self.skip(_FIXED_ANY[tag])
        elif tag == 125:
            self.number()
        elif tag in (119, 116):
            self.sized()
        elif tag in (118, 117):
            if depth >= NESTING_MAX:
                raise Malformed("nested too deep")
            for _ in range(self.count(1)):
                if tag == 118:
                    self.sized()
                self.any(depth + 1)
        else:
            raise Malformed("an unknown kind of value")

    def struct(self) -> None:
        info = self.byte()
        if info in (_GC, _SKIP):
            self.number()
            return
        if info & 0x80:
            self.id()
        if info & 0x40:
            self.id()
        if not info & 0xC0:
            if self.number() == 1:
                self.sized()
            else:
                self.id()
            if info & 0x20:
                self.sized()
        self.content(info & 0x1F)

    def content(self, kind: int) -> None:
        if kind == 1:
            self.number()
        elif kind == 2:
            for _ in range(self.count(1)):
                self.sized()
        elif kind in (3, 4, 5):
            self.sized()
        elif kind == 6:
            self.sized()
            self.sized()
        elif kind == 7:
            self.shared_type()
        elif kind == 8:
            for _ in range(self.count(1)):
                self.any()
        elif kind == 9:
            self.sized()
            self.any()
        else:
            raise Malformed("an unknown kind of content")

    def shared_type(self) -> None:
        kind = self.number()
        if kind in _NAMED_TYPES:
            self.sized()
        elif kind not in _PLAIN_TYPES:
            raise Malformed("an unknown kind of type")

    def update(self) -> None:
        for _ in range(self.count(3)):
            structs = self.count(2)
            self.id()
            for _ in range(structs):
                self.struct()
        for _ in range(self.count(2)):
            self.number()
            for _ in range(self.count(2)):
                self.id()


def check_update(update: bytes) -> None:
    """Raises Malformed."""
    _Walk(update).update()
