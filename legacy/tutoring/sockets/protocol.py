"""The ASGI server's socket protocol with three endings it lacks (contract G12, faults.md §2).

The server closes the connection right after a protocol error or an own close frame; with unread input the kernel then
resets the connection and the peer never sees the close code (RFC 6455 §7.1.1, RFC 1122 §4.2.2.13).
"""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_LINGER_S = 5.0
_SLOW_CLOSE_S = 20.0


class SocketProtocol(WebSocketsSansIOProtocol):
    _is_discarding = False
    _is_frozen = False

    def data_received(self, data: bytes) -> None:
        if not self._is_discarding:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Sends the close frame, then reads and discards until the peer is gone."""
        sent = self.conn.close_sent
        code, reason = (sent.code, sent.reason) if sent else (1002, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._linger(_LINGER_S)

    def close_now(self, code: int, reason: str) -> None:
        """Queues a close frame without waiting for room: a slow consumer would make an ordinary close wait for ever."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.writable.set()
        self._linger(_SLOW_CLOSE_S)

    def freeze(self) -> None:
        """Fault `half-open`: the connection stays, nothing is read or answered any more."""
        self._is_discarding = self._is_frozen = True
        self.stop_keepalive()

    def _linger(self, seconds: float) -> None:
        self._is_discarding = True
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()  # the peer sees the end and closes, instead of waiting for us to do it
        if self.close_timer is None:
            self.close_timer = asyncio.get_running_loop().call_later(seconds, self.transport.abort)

    def eof_received(self) -> None:
        return None
