"""The process: listener, signals, orderly end (contract README §5)."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import uvicorn

from . import ARM
from .app import create_app
from .config import Settings
from .faults.parse import Item
from .runtime import Runtime, create_runtime
from .sockets.protocol import SocketProtocol

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
PING_S = 20.0
KEEP_ALIVE_S = 5
DRAIN_S = 10.0
_FLUSH_S = 1.0
_LEAVE_S = 2
_BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """Raises OSError when the address is not free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class _Server(uvicorn.Server):
    """Ends with exit code 0 on a signal, after running turns and with sockets closed 1012."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime, address: tuple[str, int]) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._address = address

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The library raises the signal again after the end, which would turn exit code 0 into "killed".
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self._stop) for each in signals}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._runtime.is_stopping = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Told with the signals already caught: whoever reads it may stop the process at once.
        host, port = self._address
        self._runtime.log.info("listening", arm=ARM, host=host, port=port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if not await self._runtime.live.finish_running(DRAIN_S):
            self._runtime.log.warn("turns were still running at the end")
        await self._runtime.close_sockets(1012, "Service restart", _FLUSH_S)
        await super().shutdown(sockets)


async def serve(settings: Settings, faults: tuple[Item, ...], listener: socket.socket) -> None:
    runtime = await create_runtime(settings, faults)
    config = uvicorn.Config(
        create_app(runtime),
        http="httptools",
        ws=SocketProtocol,
        loop="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LEAVE_S,
    )
    host, port = listener.getsockname()[:2]
    runtime.start_background()
    try:
        await _Server(config, runtime, (host, port)).serve(sockets=[listener])
    finally:
        await runtime.close()
