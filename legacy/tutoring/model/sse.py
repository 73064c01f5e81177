"""Server-sent events of a streamed completion (WHATWG HTML §9.2, reduced to `data` lines)."""


class SseLines:
    """Bytes in, payloads of `data:` lines out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, part: bytes) -> list[bytes]:
        lines = (self._rest + part).split(b"\n")
        self._rest = lines.pop()
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]
