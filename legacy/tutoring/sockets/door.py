"""Every upgrade request: which surface, and what a refusal looks like (contract G7, G15, README §6)."""

import re
import time
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from ..errors import StoreUnavailable, store_unavailable
from ..jsonwire import dump_bytes
from .handshake import Refused, check_shadow, open_wire, shake_hands
from .tutor import serve_tutor
from .whiteboard import serve_whiteboard
from .wire import Wire

if TYPE_CHECKING:
    from ..runtime import Runtime

_PATHS = {
    "tutor": re.compile(r"/api/v1/ws/session/([^/]+)"),
    "whiteboard": re.compile(r"/ws/v2/session/([^/]+)/whiteboard"),
}


def _surface(path: str) -> tuple[str, str] | None:
    for surface, pattern in _PATHS.items():
        if found := pattern.fullmatch(path):
            return surface, found.group(1)
    return None


class Door:
    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        known = _surface(scope["path"])
        surface, path_id = known or ("unknown", "")
        wire = open_wire(self._runtime, surface, scope, receive, send)
        try:
            await self._enter(wire, scope, path_id, is_known=known is not None)
        except Refused as refused:
            await self._refuse(wire, refused)
        except StoreUnavailable:
            body = dump_bytes(store_unavailable().body("E1"))
            await self._refuse(wire, Refused(503, body))
        finally:
            await wire.finish()
            if wire.was_accepted:
                self._closed(wire, time.perf_counter() - started)

    async def _enter(self, wire: Wire, scope: Scope, path_id: str, is_known: bool) -> None:
        check_shadow(self._runtime, scope)
        if not is_known or self._runtime.is_stopping:
            raise Refused(403 if not is_known else 503)
        if wire.faults.fires("accept-close"):
            await wire.accept()
            wire.close(1008, "")
            return
        shaken = await shake_hands(self._runtime, wire, scope, path_id)
        if wire.surface == "tutor":
            await serve_tutor(self._runtime, wire, scope, shaken)
        else:
            await serve_whiteboard(self._runtime, wire, shaken)

    async def _refuse(self, wire: Wire, refused: Refused) -> None:
        await wire.refuse(refused.status, refused.body)
        self._runtime.handshake_done(wire, refused.status)

    def _closed(self, wire: Wire, seconds: float) -> None:
        self._runtime.log.info(
            "close",
            surface=wire.surface,
            route=wire.surface,
            requestId=wire.request_id,
            status=wire.close_code or 1006,
            durationMs=round(seconds * 1000, 3),
        )
